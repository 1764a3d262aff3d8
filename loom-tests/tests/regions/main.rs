//! Regions expected to be atomic, over thread-safe types: what may come between two accesses of one, and what may not.
//!
//! Each property is a way to check and then act that holds in every execution; each mutant is a way that only seems to, and is
//! rejected with a message that names the three operations. The sizes are two threads that each check and act once or twice. Not
//! claimed: anything of calls that overlap an access of the region, or of what goes on within a call of `tsvd::dashmap`.

mod declared;
mod dropins;
mod examples;
mod futures;
mod patterns;

use tsvd::sync::Arc;
use tsvd::thread;

/// Runs `other` on a thread of its own beside `this`.
fn beside<S: Send + Sync + 'static>(
    shared: S,
    this: impl FnOnce(&S),
    other: impl FnOnce(&S) + Send + 'static,
) {
    let shared = Arc::new(shared);
    let thread = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || other(&shared))
    };
    this(&shared);
    thread.join().unwrap();
}
