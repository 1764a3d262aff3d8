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

mod lines;

use super::primitive::lossy::{AtomicU64, Ordering, yield_now};
use super::sites::SiteId;
use lines::Lines;

const WAYS: usize = 4;
pub(crate) const ACCESSES: usize = 7;
const TICKS: u32 = (1 << 29) - 1;

/// The first bit of call site and context, and of the time.
const WHO: u32 = 32;
const TIME: u32 = 3;
const CONTEXT: u64 = 0xffff << WHO;
const CONCURRENT: u64 = 1 << 2;
const KEYED: u64 = 1 << 1;
const WRITES: u64 = 1;

#[repr(align(64))]
struct Line {
    tag: AtomicU64,
    accesses: [AtomicU64; ACCESSES],
}

/// What became of an access.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded {
    /// The nearest one it could have collided with.
    pub(super) nearest: Option<Access>,
    /// Where it was recorded.
    pub(super) slot: Slot,
    /// The object was not known, or no more.
    pub(super) new: bool,
}

pub(super) struct History {
    lines: Lines,
    /// How many accesses of an object are looked at and kept, at most [`ACCESSES`].
    room: usize,
}

/// A place in the table, below [`History::slots`].
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
            | u64::from(self.context) << WHO
            | u64::from(self.tick & TICKS) << TIME
            | (u64::from(self.concurrent) * CONCURRENT)
            | (u64::from(self.keyed) * KEYED)
            | (u64::from(self.writes) * WRITES)
    }

    fn unpack(word: u64) -> Self {
        Self {
            site: (word >> 48) as u16,
            context: (word >> WHO) as u16,
            tick: (word >> TIME) as u32 & TICKS,
            concurrent: word & CONCURRENT != 0,
            keyed: word & KEYED != 0,
            writes: word & WRITES != 0,
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
            lines: Lines::new(lines),
            room: room.min(ACCESSES),
        }
    }

    /// Records `access` under `hash` and returns the nearest access of another context within `window` ticks that it could
    /// collide with: at least one of the two writes, at least one was in a concurrent phase, and `meets` agrees.
    pub(super) fn record(
        &self,
        hash: u64,
        access: Access,
        window: u32,
        meets: impl Fn(Slot, Access) -> bool,
    ) -> Recorded {
        let (number, new) = self.line(hash, access.tick);
        let words = &self.lines[number].accesses[..self.room];
        let own = access.pack();
        // Ends, for a place that was free once is not so again.
        loop {
            let Scan {
                nearest,
                place,
                is_free,
            } = scan(words, own, window, |index, other| {
                meets(number * ACCESSES + index, other)
            });
            let recorded = Recorded {
                nearest,
                slot: number * ACCESSES + place,
                new,
            };
            if !is_free {
                words[place].store(own, Ordering::Relaxed);
                return recorded;
            }
            // Of two that come to an object for the first time, and at the same time, one has to see the other.
            let taken = words[place].compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_ok() {
                return recorded;
            }
        }
    }

    /// The line of `hash`: its own, else the one of its set that was used longest ago, emptied. Also whether that was necessary.
    #[inline]
    fn line(&self, hash: u64, tick: u32) -> (usize, bool) {
        let first = (hash as usize % (self.lines.len() / WAYS)) * WAYS;
        let set = &self.lines[first..first + WAYS];
        let known = |line: &Line| line.tag.load(Ordering::Relaxed) == hash;
        let (way, new) = match set.iter().position(known) {
            Some(way) => (way, false),
            None => claim(set, hash, tick),
        };
        (first + way, new)
    }
}

/// Makes one of the lines that of `hash`, unless one of them has become it. Also whether it was this call that did.
#[cold]
fn claim(set: &[Line], hash: u64, tick: u32) -> (usize, bool) {
    /// Stands for the tag of the first line while its set is being changed, by one at a time.
    const CLAIMED: u64 = u64::MAX;
    /// Rounds to wait for who is changing it. He may be slow, since he is the first to run this code, or have been put aside.
    const PATIENCE: usize = 400;
    let take = |round| {
        let tag = set[0].tag.load(Ordering::Relaxed);
        let to_claimed = |tag| {
            set[0]
                .tag
                .compare_exchange(tag, CLAIMED, Ordering::Acquire, Ordering::Relaxed)
        };
        if tag != CLAIMED && to_claimed(tag).is_ok() {
            return Some(tag);
        }
        if round < PATIENCE / 2 {
            std::hint::spin_loop();
        } else {
            yield_now();
        }
        None
    };
    let first = (0..PATIENCE).find_map(take);
    if first == Some(hash) {
        set[0].tag.store(hash, Ordering::Release);
        return (0, false);
    }
    let idle = |way: &usize| {
        let words = set[*way].accesses.iter();
        words
            .map(|word| word.load(Ordering::Relaxed))
            .take_while(|word| *word != 0)
            .map(|word| age(u64::from(tick) << TIME, word))
            .min()
            .unwrap_or(u32::MAX)
    };
    // Without the first line, if it is in somebody else's hands.
    let known = (1..set.len()).find(|way| set[*way].tag.load(Ordering::Relaxed) == hash);
    let ways = usize::from(first.is_none())..set.len();
    // Of equals the first, where it is found soonest.
    let way = known.or_else(|| ways.rev().max_by_key(idle)).unwrap_or(0);
    if known.is_none() {
        for word in &set[way].accesses {
            word.store(0, Ordering::Relaxed);
        }
        if way != 0 {
            set[way].tag.store(hash, Ordering::Release);
        }
    }
    if let Some(first) = first {
        let tag = if way == 0 { hash } else { first };
        set[0].tag.store(tag, Ordering::Release);
    }
    (way, known.is_none())
}

/// What a line has to say of an access.
struct Scan {
    nearest: Option<Access>,
    /// Where to record: at this call site's own place, else a free one, else the oldest.
    place: usize,
    is_free: bool,
}

#[inline]
fn scan(words: &[AtomicU64], own: u64, window: u32, meets: impl Fn(usize, Access) -> bool) -> Scan {
    const OWN: u32 = u32::MAX;
    let mut nearest: Option<(u32, Access)> = None;
    let mut place = 0;
    let mut oldest = 0;
    let mut is_free = false;
    for (index, word) in words.iter().enumerate() {
        let word = word.load(Ordering::Relaxed);
        if word == 0 {
            // They are filled in order.
            if oldest != OWN {
                (place, is_free) = (index, true);
            }
            break;
        }
        if (word ^ own) >> WHO == 0 {
            (place, oldest) = (index, OWN);
            continue;
        }
        let age = age(own, word);
        if age > oldest {
            (place, oldest) = (index, age);
        }
        if !may_collide(own, word) || age > window {
            continue;
        }
        let other = Access::unpack(word);
        if nearest.is_none_or(|(best, _)| age < best) && meets(index, other) {
            nearest = Some((age, other));
        }
    }
    Scan {
        nearest: nearest.map(|(_, other)| other),
        place,
        is_free,
    }
}

/// Ticks from the access `earlier` to the access `later`.
#[inline]
fn age(later: u64, earlier: u64) -> u32 {
    ((later >> TIME) as u32).wrapping_sub((earlier >> TIME) as u32) & TICKS
}

/// Whether two accesses are of different contexts, one of them a write, and one of them in a concurrent phase.
#[inline]
fn may_collide(one: u64, other: u64) -> bool {
    let wanted = CONCURRENT | WRITES;
    (one ^ other) & CONTEXT != 0 && (one | other) & wanted == wanted
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
        history.record(hash, access, WINDOW, |_, _| true).nearest
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
        let ways = WAYS as u64;
        for object in 0..=ways {
            record(
                &history,
                1 + object * sets,
                access(1, 1, object as u32, true),
            );
        }
        for object in 1..=ways {
            assert!(record(&history, 1 + object * sets, access(2, 2, 7, true)).is_some());
        }
        assert!(record(&history, 1, access(2, 2, 8, true)).is_none());
    }

    /// The part of `objects` objects, `stride` bytes apart, whose access is still known when all others have been accessed, too.
    fn recall(objects: u64, stride: u64) -> f64 {
        let history = History::new(1 << 16, 5);
        let hash =
            |object| super::super::enter::object_hash([0x7f12_3456_7010 + object * stride, 0x51ce]);
        for object in 0..objects {
            record(&history, hash(object), access(1, 1, 0, true));
        }
        let known = (0..objects)
            .filter(|object| record(&history, hash(*object), access(2, 2, 1, true)).is_some());
        known.count() as f64 / objects as f64
    }

    #[test]
    fn nearly_all_accesses_of_many_objects_are_known() {
        for stride in [16, 24, 48, 96, 256, 1024, 4096] {
            for (objects, wanted) in [(1_000, 0.99), (10_000, 0.97), (30_000, 0.85)] {
                let recall = recall(objects, stride);
                println!(
                    "{objects} objects {stride} bytes apart: {:.2} %",
                    100.0 * recall
                );
                assert!(
                    recall >= wanted,
                    "{objects} objects {stride} bytes apart: {recall}"
                );
            }
        }
    }

    #[test]
    fn time_wraps_without_old_accesses_looking_new() {
        let history = History::new(64, ACCESSES);
        record(&history, 7, access(1, 1, TICKS, true));
        assert!(record(&history, 7, access(2, 2, 1, true)).is_some());
    }
}
