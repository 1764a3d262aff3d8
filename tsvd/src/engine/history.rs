//! The last accesses of each object: a fixed, lossy table of 64-byte lines.
//!
//! A line holds a tag (the object's hash) and the last accesses, one word each, at most one a call site and context.
//! Every store is relaxed and unguarded: a torn or overwritten line loses a near miss or invents one, which costs a delay
//! and never a report. Nothing grows with objects or operations.
//!
//! | bits of an access | meaning |
//! |---|---|
//! | 63–48 | call site (never 0 in a used word) |
//! | 47–32 | context, low bits |
//! | 31–3 | time in ticks |
//! | 2 | in a concurrent phase |
//! | 1 | called with a key |
//! | 0 | writes |

use std::ptr;

use super::primitive::lossy::{AtomicU64, Ordering};
use super::sites::SiteId;

const WAYS: usize = 2;
pub(crate) const ACCESSES: usize = 7;
const TICKS: u32 = (1 << 29) - 1;

#[repr(align(64))]
#[derive(Default)]
struct Line {
    tag: AtomicU64,
    accesses: [AtomicU64; ACCESSES],
}

pub(super) struct History {
    lines: Box<[Line]>,
    /// How many accesses of an object are looked at and kept, at most [`ACCESSES`].
    room: usize,
}

/// A place in the table: below its number of lines times [`ACCESSES`].
pub(super) type Slot = usize;

/// One access of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) site: SiteId,
    /// Low bits of the context's number.
    pub(super) context: u16,
    pub(super) tick: u32,
    /// Several contexts were active.
    pub(super) concurrent: bool,
    pub(super) keyed: bool,
    pub(super) writes: bool,
}

impl Access {
    fn pack(self) -> u64 {
        u64::from(self.site) << 48
            | u64::from(self.context) << 32
            | u64::from(self.tick & TICKS) << 3
            | u64::from(self.concurrent) << 2
            | u64::from(self.keyed) << 1
            | u64::from(self.writes)
    }

    fn unpack(word: u64) -> Self {
        Self {
            site: (word >> 48) as u16,
            context: (word >> 32) as u16,
            tick: (word >> 3) as u32 & TICKS,
            concurrent: word & 4 != 0,
            keyed: word & 2 != 0,
            writes: word & 1 != 0,
        }
    }

    /// Ticks from `earlier` to this access.
    pub(super) fn ticks_since(self, earlier: Self) -> u32 {
        self.tick.wrapping_sub(earlier.tick) & TICKS
    }
}

impl History {
    /// Room for `lines` objects, a power of two of at least [`WAYS`], and `room` accesses of each.
    pub(super) fn new(lines: usize, room: usize) -> Self {
        Self {
            lines: (0..lines).map(|_| Line::default()).collect(),
            room: room.min(ACCESSES),
        }
    }

    /// Records `access` under `hash` and returns the nearest access of another context within `window` ticks that it could
    /// collide with: at least one of the two writes, at least one was in a concurrent phase, and `meets` agrees. Also where
    /// the access was recorded.
    pub(super) fn record(
        &self,
        hash: u64,
        access: Access,
        window: u32,
        meets: impl Fn(Slot, Access) -> bool,
    ) -> (Option<Access>, Slot) {
        let line = self.line(hash, access.tick);
        let mut nearest: Option<Access> = None;
        let mut place = 0;
        let mut place_age = 0;
        for (index, word) in line.accesses.iter().enumerate() {
            let word = word.load(Ordering::Relaxed);
            let other = Access::unpack(word);
            let age = access.ticks_since(other);
            let own = other.site == access.site && other.context == access.context;
            // The place to record at: this call site's own, else a free one, else the oldest. (Looking at all places and using
            // but some lets the compiler unroll.)
            let rank = if index >= self.room {
                0
            } else if own {
                u64::MAX
            } else if word == 0 {
                u64::MAX - 1
            } else {
                u64::from(age)
            };
            if index == 0 || rank > place_age {
                place = index;
                place_age = rank;
            }
            let dangerous = word != 0
                && other.context != access.context
                && (other.writes || access.writes)
                && (other.concurrent || access.concurrent)
                && age <= window
                && nearest.is_none_or(|best| age < access.ticks_since(best));
            if dangerous && meets(self.slot(line, index), other) {
                nearest = Some(other);
            }
        }
        line.accesses[place].store(access.pack(), Ordering::Relaxed);
        (nearest, self.slot(line, place))
    }

    /// The line of `hash`: its own, else the one of its set that was used longest ago, emptied.
    fn line(&self, hash: u64, tick: u32) -> &Line {
        let first = (hash as usize % (self.lines.len() / WAYS)) * WAYS;
        let set = &self.lines[first..first + WAYS];
        if let Some(line) = set
            .iter()
            .find(|line| line.tag.load(Ordering::Relaxed) == hash)
        {
            return line;
        }
        let idle = |line: &Line| {
            let ages = line
                .accesses
                .iter()
                .map(|word| match word.load(Ordering::Relaxed) {
                    0 => u32::MAX,
                    word => tick.wrapping_sub(Access::unpack(word).tick) & TICKS,
                });
            ages.min().unwrap_or(u32::MAX)
        };
        let line = if idle(&set[0]) >= idle(&set[1]) {
            &set[0]
        } else {
            &set[1]
        };
        line.tag.store(hash, Ordering::Relaxed);
        for word in &line.accesses {
            word.store(0, Ordering::Relaxed);
        }
        line
    }

    fn slot(&self, line: &Line, place: usize) -> Slot {
        let offset = ptr::from_ref(line).addr() - self.lines.as_ptr().addr();
        offset / size_of::<Line>() * ACCESSES + place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u32 = 50;

    fn access(site: SiteId, context: u16, tick: u32, writes: bool) -> Access {
        Access {
            site,
            context,
            tick,
            concurrent: true,
            keyed: false,
            writes,
        }
    }

    fn record(history: &History, hash: u64, access: Access) -> Option<Access> {
        history.record(hash, access, WINDOW, |_, _| true).0
    }

    #[test]
    fn packing_loses_nothing() {
        let all = Access {
            site: 0xfffe,
            context: 0xabcd,
            tick: TICKS,
            concurrent: true,
            keyed: true,
            writes: true,
        };
        assert_eq!(Access::unpack(all.pack()), all);
    }

    #[test]
    fn a_write_near_anothers_access_is_a_near_miss() {
        let history = History::new(64, ACCESSES);
        assert_eq!(record(&history, 7, access(1, 1, 0, false)), None);
        assert_eq!(
            record(&history, 7, access(2, 2, WINDOW, true)),
            Some(access(1, 1, 0, false))
        );
        assert_eq!(
            record(&history, 7, access(3, 3, WINDOW, false)),
            Some(access(2, 2, WINDOW, true))
        );
    }

    #[test]
    fn reads_own_accesses_other_objects_and_old_ones_are_none() {
        let history = History::new(64, ACCESSES);
        record(&history, 7, access(1, 1, 0, true));
        assert_eq!(record(&history, 7, access(2, 1, 0, true)), None, "own");
        assert_eq!(
            record(&history, 8, access(2, 2, 0, true)),
            None,
            "another object"
        );
        assert_eq!(
            record(&history, 7, access(2, 2, WINDOW + 1, true)),
            None,
            "outside the window"
        );
        let reads = History::new(64, ACCESSES);
        record(&reads, 7, access(1, 1, 0, false));
        assert_eq!(record(&reads, 7, access(2, 2, 0, false)), None, "two reads");
    }

    #[test]
    fn accesses_of_phases_with_one_context_alone_are_none() {
        let history = History::new(64, ACCESSES);
        let alone = |site, context| Access {
            concurrent: false,
            ..access(site, context, 0, true)
        };
        record(&history, 7, alone(1, 1));
        assert_eq!(record(&history, 7, alone(2, 2)), None);
        assert!(
            record(&history, 7, access(3, 3, 0, true)).is_some(),
            "one of the two suffices"
        );
    }

    #[test]
    fn one_busy_site_does_not_push_out_the_others() {
        let history = History::new(64, ACCESSES);
        record(&history, 7, access(1, 1, 0, true));
        for tick in 0..WINDOW {
            record(&history, 7, access(2, 2, tick, false));
        }
        assert_eq!(
            record(&history, 7, access(3, 3, 40, false)),
            Some(access(1, 1, 0, true))
        );
    }

    #[test]
    fn so_many_accesses_of_an_object_are_remembered_and_no_more() {
        let history = History::new(64, 3);
        for tick in 0..4 {
            record(&history, 7, access(1 + tick as SiteId, 1, tick, true));
        }
        let seen = |site: SiteId| {
            let found = std::cell::Cell::new(false);
            history.record(7, access(9, 2, 5, false), WINDOW, |_, other| {
                found.set(found.get() || other.site == site);
                false
            });
            found.get()
        };
        assert!(!seen(1), "the first of four");
        assert!(seen(3) && seen(4));
    }

    #[test]
    fn a_full_set_gives_up_the_line_used_longest_ago() {
        let history = History::new(64, ACCESSES);
        let sets = 64 / WAYS as u64;
        record(&history, 1, access(1, 1, 0, true));
        record(&history, 1 + sets, access(1, 1, 5, true));
        record(&history, 1 + 2 * sets, access(1, 1, 6, true));
        assert!(record(&history, 1 + sets, access(2, 2, 7, true)).is_some());
        assert!(record(&history, 1, access(2, 2, 8, true)).is_none());
    }

    #[test]
    fn time_wraps_without_old_accesses_looking_new() {
        let history = History::new(64, ACCESSES);
        record(&history, 7, access(1, 1, TICKS, true));
        assert!(record(&history, 7, access(2, 2, 1, true)).is_some());
    }
}
