//! The word `NOW`: switch, version and number of publications in one load.
//!
//! | value | meaning |
//! |---|---|
//! | `OFF` (0) | nothing is watched; final |
//! | `UNDECIDED` (all ones) | the first operation decides |
//! | `version << 16 \| published` | on; `published` traps and tokens are live |
//!
//! When the count is full it stays so for good: the filters are of no use from then on, and nothing is overlooked.
//!
//! The version changes at each tick, each growth of the trap set, each publication and each retraction, always by an
//! atomic read-modify-write, so no change is lost. A filter entry stamped with a value that says `published == 0` is
//! therefore proof, for as long as the value stands, that nothing is published.

use super::primitive::{AtomicU64, Ordering};

const OFF: u64 = 0;
const UNDECIDED: u64 = u64::MAX;
const VERSION: u64 = 1 << 16;
const PUBLISHED: u64 = VERSION - 1;

/// Alone on its cache lines: every operation of every thread reads it.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Now(AtomicU64);

impl Now {
    #[cfg(not(loom))]
    pub(crate) const fn undecided() -> Self {
        Self(AtomicU64::new(UNDECIDED))
    }

    /// Loom's atomics have no const constructor.
    #[cfg(loom)]
    pub(crate) fn undecided() -> Self {
        Self(AtomicU64::new(UNDECIDED))
    }

    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.0.load(Ordering::Relaxed) == OFF
    }

    #[inline]
    pub(crate) fn is_undecided(&self) -> bool {
        self.0.load(Ordering::Relaxed) == UNDECIDED
    }

    pub(crate) fn switch_on(&self) {
        self.0.store(VERSION, Ordering::Release);
    }

    pub(crate) fn switch_off(&self) {
        self.0.store(OFF, Ordering::Release);
    }

    #[inline]
    pub(super) fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Nothing is published at this value.
    #[inline]
    pub(super) fn is_quiet(value: u64) -> bool {
        value & PUBLISHED == 0
    }

    pub(super) fn advance(&self) {
        self.change(|value| value + VERSION);
    }

    /// Release: whoever loads the new value and fences (acquire) sees the raised counter of [`traps`](super::traps).
    pub(super) fn publish(&self) {
        self.change(|value| value + VERSION + u64::from(!is_full(value)));
    }

    pub(super) fn retract(&self) {
        self.change(|value| value + VERSION - u64::from(!is_full(value)));
    }

    fn change(&self, next: impl Fn(u64) -> u64) {
        // Off is final (a forked child is switched off whatever its parent was about to retract).
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |value| {
                (value != OFF && value != UNDECIDED).then(|| next(value))
            });
    }
}

fn is_full(value: u64) -> bool {
    value & PUBLISHED == PUBLISHED
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_change_gives_a_new_value_and_counts_publications() {
        let now = Now::undecided();
        now.publish();
        assert!(now.is_undecided(), "nothing changes before the decision");
        now.switch_on();
        let quiet = now.load();
        assert!(Now::is_quiet(quiet));
        now.publish();
        assert!(!Now::is_quiet(now.load()));
        now.retract();
        assert!(Now::is_quiet(now.load()));
        assert_ne!(now.load(), quiet);
        now.switch_off();
        now.retract();
        assert!(now.is_off());
    }

    #[test]
    fn more_publications_than_can_be_counted_are_never_quiet() {
        let now = Now::undecided();
        now.switch_on();
        let mut before = now.load();
        for change in [Now::publish, Now::retract] {
            for _ in 0..PUBLISHED + 10 {
                change(&now);
                assert!(now.load() > before, "no value comes back");
                assert!(!Now::is_quiet(now.load()));
                before = now.load();
            }
        }
    }
}
