//! A data race, for `cargo xtask tsan`: a ThreadSanitizer that does not see it sees nothing.

use std::cell::UnsafeCell;

struct Shared(UnsafeCell<u64>);

// SAFETY: none; that is the point.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

fn race() {
    for _ in 0..1_000 {
        // SAFETY: none; two threads do this at once.
        unsafe { *SHARED.0.get() += 1 };
    }
}

fn main() {
    std::thread::scope(|scope| {
        scope.spawn(race);
        race();
    });
}
