//! Collections and locks for the programs in `src/bin`, each with a planted violation and a fixed twin, and for the loom
//! models: the same source runs natively and under `--cfg loom`.

pub mod bakery;
pub mod bank;
pub mod blocking;
pub mod codec;
pub mod dictionary;
pub mod ghost_bank;
pub mod guard;
pub mod invariant;
pub mod jobs;
pub mod journal;
pub mod memo;
pub mod names;
pub mod peterson;
pub mod points;
pub mod ring;
pub mod session;
pub mod spinlock;
pub mod status;
pub mod store;
pub mod ticket;

/// Some tens of microseconds of ordinary work between two calls.
pub fn work(seed: u32) -> u32 {
    let step =
        |sum: u32, i: u32| std::hint::black_box(sum.rotate_left(5) ^ i).wrapping_mul(0x9e37_79b9);
    (0..10_000).fold(seed, step)
}

/// Runs both bodies at once, on threads named `left` and `right`.
///
/// # Panics
///
/// If a body does, or a thread cannot be started.
pub fn both(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("left").spawn_scoped(scope, left).expect("a thread");
        named("right").spawn_scoped(scope, right).expect("a thread");
    });
}
