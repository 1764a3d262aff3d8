//! The word `NOW`: switch, version and number of publications in one load.
//!
//! | value | meaning |
//! |---|---|
//! | `OFF` (0) | nothing is watched; final |
//! | `UNDECIDED` (all ones) | the first operation decides |
//! | `changes << 28 \| tick << 16 \| published` | on; `published` traps and tokens are live |
//!
//! `changes` counts each growth of the trap set, each publication and each retraction, always by an atomic
//! read-modify-write, so no change is lost; `tick` wraps after about 8 seconds. When `published` is full it stays so for good: the
//! filters are of no use from then on, and nothing is overlooked. A filter entry stamped with a value that says `published == 0` is
//! therefore proof, for as long as the value stands, that nothing is published.

use super::primitive::{AtomicU64, Ordering};

const OFF: u64 = 0;
const UNDECIDED: u64 = u64::MAX;
const TICK: u64 = 1 << 16;
const CHANGE: u64 = 1 << 28;
const PUBLISHED: u64 = TICK - 1;
const TICKS: u64 = CHANGE - TICK;

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
        self.0.store(CHANGE, Ordering::Release);
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

    /// The same value for some ticks, `1 << SHARED` of them, unless something changes. Which ones differs with the low bits of `phase`.
    #[inline]
    pub(super) fn coarse(value: u64, phase: u64) -> u64 {
        const SHARED: u32 = 3;
        let tick = value.wrapping_add(phase % (1 << SHARED) * TICK) & TICKS;
        (value & !TICKS) | (tick & !(TICK * ((1 << SHARED) - 1)))
    }

    /// Time has passed.
    pub(super) fn tick(&self) {
        self.change(|value| (value & !TICKS) | (value.wrapping_add(TICK) & TICKS));
    }

    /// Something has changed.
    pub(super) fn advance(&self) {
        self.change(|value| value.wrapping_add(CHANGE));
    }

    /// Release: whoever loads the new value and fences (acquire) sees the raised counter of [`traps`](super::traps).
    pub(super) fn publish(&self) {
        self.change(|value| value.wrapping_add(CHANGE) + u64::from(!is_full(value)));
    }

    pub(super) fn retract(&self) {
        self.change(|value| value.wrapping_add(CHANGE) - u64::from(!is_full(value)));
    }

    fn change(&self, next: impl Fn(u64) -> u64) {
        // Off is final (a forked child is switched off whatever its parent was about to retract).
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |value| {
                if value == OFF || value == UNDECIDED {
                    return None;
                }
                let next = next(value);
                // After very many changes the count begins anew.
                let reserved = next == OFF || next == UNDECIDED;
                Some(if reserved {
                    next.wrapping_add(CHANGE)
                } else {
                    next
                })
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
    fn ticks_wrap_without_touching_the_rest() {
        let now = Now::undecided();
        now.switch_on();
        now.publish();
        let before = now.load();
        for _ in 0..TICKS / TICK {
            now.tick();
            assert_ne!(now.load(), before);
            assert!(!Now::is_quiet(now.load()));
        }
        now.tick();
        assert_eq!(now.load(), before);
    }

    #[test]
    fn the_count_of_changes_begins_anew_without_switching_off() {
        let now = Now(AtomicU64::new(!(PUBLISHED | TICKS)));
        now.advance();
        assert!(!now.is_off() && !now.is_undecided());
    }

    #[test]
    fn coarse_values_stand_for_some_ticks_and_not_beyond_a_change() {
        let now = Now::undecided();
        now.switch_on();
        for phase in 0..8 {
            let values = |ticks: usize| {
                let mut values: Vec<_> = (0..ticks)
                    .map(|_| {
                        now.tick();
                        Now::coarse(now.load(), phase)
                    })
                    .collect();
                values.dedup();
                values.len()
            };
            assert!((8..=9).contains(&values(64)));
            let before = Now::coarse(now.load(), phase);
            now.advance();
            assert_ne!(Now::coarse(now.load(), phase), before);
        }
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
