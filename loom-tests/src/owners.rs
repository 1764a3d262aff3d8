//! What the owners of a lock do in its models: the same for all locks.

use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::guard::{Guard, Lock};

/// Increments two numbers one after the other, which an owner must always find equal.
///
/// # Panics
///
/// If they differ: somebody else is between the two, or what it wrote is not seen.
pub fn increment<L: Lock<Value = (u32, u32)>>(mut guard: Guard<'_, L>) {
    let (first, second) = guard.read(|pair| *pair);
    assert_eq!(first, second, "the owner finds the value half written");
    guard.write(|pair| pair.0 = first + 1);
    guard.write(|pair| pair.1 = second + 1);
}

/// Checks at the end that there were `count` increments.
///
/// # Panics
///
/// If one is missing.
pub fn expect_increments<L: Lock<Value = (u32, u32)>>(guard: Guard<'_, L>, count: u32) {
    let seen = guard.read(|pair| *pair);
    assert_eq!(seen, (count, count), "an increment was lost");
}

/// Runs `body` on `threads` threads at once, the caller's among them; each gets its number.
///
/// # Panics
///
/// If a body does.
pub fn each_of<S: Send + Sync + 'static>(
    threads: u32,
    shared: &Arc<S>,
    body: impl Fn(&S, u32) + Copy + Send + 'static,
) {
    let others: Vec<_> = (1..threads)
        .map(|number| {
            let shared = Arc::clone(shared);
            thread::spawn(move || body(&shared, number))
        })
        .collect();
    body(shared, 0);
    others.into_iter().for_each(|other| other.join().unwrap());
}
