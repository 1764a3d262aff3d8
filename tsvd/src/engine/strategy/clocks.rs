//! Who knows of whose accesses: vector clocks (Mattern: "Virtual time and global states of distributed systems", 1989), sparse
//! and of fixed size.
//!
//! A *stamp* is an epoch and the context it belongs to. Epochs are drawn from one counter; a context begins a new one at its
//! first access after it has told somebody of the last. So whoever knows a stamp knows all accesses that bear it, and none of
//! those that follow; and a context that accesses nothing is in nobody's clock.
//!
//! Everything is lossy, for an order decides nothing but where to sleep: a clock that is full forgets the oldest stamp, a
//! table that is full the place, or the context, used longest ago. What is forgotten, a near miss or two later is delayed in vain.
//! An address that is used again, or two contexts of the same low bits, may make an order of none, and lose a near miss.
//!
//! Nothing is allocated once the tables are made: the guest's allocator may take locks that tell of themselves, and must not
//! be waited for under a lock of ours.

use crate::engine::enter::mix;
use crate::engine::primitive::lossy::{AtomicU64, Mutex, Ordering};

/// Stamps in a clock: as many contexts as access something within a near miss's window, and more.
const WIDTH: usize = 64;
const WAYS: usize = 4;

/// The bits of a stamp that say whose it is, as in an access of the history.
const CONTEXT: u32 = 16;

/// Bits 63–16 are the epoch, bits 15–0 the low bits of the context's number; 0 is none. So of two stamps the greater is the newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(u64);

impl Stamp {
    pub(super) const NONE: Self = Self(0);

    fn new(epoch: u64, context: u64) -> Self {
        Self(epoch << CONTEXT | u64::from(context as u16))
    }

    pub(super) fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// Low bits of its context's number.
    pub(super) fn context(self) -> u16 {
        self.0 as u16
    }
}

/// For each context the newest stamp that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    len: usize,
    stamps: [Stamp; WIDTH],
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            len: 0,
            stamps: [Stamp::NONE; WIDTH],
        }
    }
}

impl Clock {
    fn stamps(&self) -> &[Stamp] {
        &self.stamps[..self.len]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn knows(&self, stamp: Stamp) -> bool {
        let mut known = self.stamps().iter();
        known.any(|known| known.context() == stamp.context() && *known >= stamp)
    }

    pub(super) fn learn(&mut self, stamp: Stamp) {
        let known = &mut self.stamps[..self.len];
        let place = known
            .iter()
            .position(|known| known.context() == stamp.context());
        match place {
            Some(place) => known[place] = known[place].max(stamp),
            None if self.len < WIDTH => {
                self.stamps[self.len] = stamp;
                self.len += 1;
            }
            None => {
                let oldest = known.iter_mut().min().expect("a clock has stamps");
                *oldest = stamp.max(*oldest);
            }
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for stamp in other.stamps() {
            self.learn(*stamp);
        }
    }
}

/// What a context knows, and where it is itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub(super) clock: Clock,
    stamp: Stamp,
    /// Somebody may know the stamp.
    told: bool,
}

impl Own {
    /// The stamp of an access that `context` makes now.
    pub(super) fn access(&mut self, context: u64, epochs: &AtomicU64) -> Stamp {
        if self.told || self.stamp == Stamp::NONE {
            self.stamp = Stamp::new(epochs.fetch_add(1, Ordering::Relaxed), context);
            self.told = false;
        }
        self.stamp
    }

    /// What others may know from now on.
    pub(super) fn tell(&mut self) -> Clock {
        if self.stamp != Stamp::NONE {
            self.clock.learn(self.stamp);
            self.told = true;
        }
        self.clock
    }
}

/// Values by key, in sets of [`WAYS`]; a new key takes the place of the one of its set that was used longest ago.
pub(super) struct Table<V> {
    sets: Box<[Mutex<[Entry<V>; WAYS]>]>,
}

#[derive(Default)]
struct Entry<V> {
    /// 0 where there is none.
    key: u64,
    /// Grows with each use of the set.
    used: u64,
    value: V,
}

impl<V: Copy + Default> Table<V> {
    pub(super) fn new(sets: usize) -> Self {
        let set = |_| Mutex::new(std::array::from_fn(|_| Entry::default()));
        Self {
            sets: (0..sets).map(set).collect(),
        }
    }

    fn set(&self, key: u64) -> &Mutex<[Entry<V>; WAYS]> {
        &self.sets[mix(key, 0) as usize % self.sets.len()]
    }

    /// The value of `key`, a new one if there is none.
    pub(super) fn with<R>(&self, key: u64, change: impl FnOnce(&mut V) -> R) -> R {
        let mut set = self.set(key).lock();
        let now = 1 + set.iter().map(|entry| entry.used).max().unwrap_or(0);
        let place = set.iter().position(|entry| entry.key == key);
        let place = place.unwrap_or_else(|| {
            let idle = (0..WAYS).min_by_key(|place| set[*place].used).unwrap_or(0);
            set[idle] = Entry {
                key,
                ..Entry::default()
            };
            idle
        });
        set[place].used = now;
        change(&mut set[place].value)
    }

    /// The value of `key`, if there is one.
    pub(super) fn find<R>(&self, key: u64, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut set = self.set(key).lock();
        let now = 1 + set.iter().map(|entry| entry.used).max().unwrap_or(0);
        let entry = set.iter_mut().find(|entry| entry.key == key)?;
        entry.used = now;
        Some(change(&mut entry.value))
    }

    /// The value of `key`, which is forgotten.
    pub(super) fn take(&self, key: u64) -> Option<V> {
        let mut set = self.set(key).lock();
        let entry = set.iter_mut().find(|entry| entry.key == key)?;
        Some(std::mem::take(entry).value)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_full_clock_forgets_the_oldest() {
        let mut clock = Clock::default();
        // The newest first, so that age and place differ.
        for context in (0..=WIDTH as u64).rev() {
            clock.learn(Stamp::new(1 + context, context));
        }
        assert!(!clock.knows(Stamp::new(1, 0)));
        for context in 1..=WIDTH as u64 {
            assert!(clock.knows(Stamp::new(1 + context, context)), "{context}");
            assert!(!clock.knows(Stamp::new(2 + context, context)), "{context}");
        }
    }

    #[test]
    fn a_clock_knows_the_newest_of_both() {
        let [mut one, mut other] = [Clock::default(); 2];
        one.learn(Stamp::new(5, 1));
        one.learn(Stamp::new(4, 1));
        other.learn(Stamp::new(3, 1));
        other.learn(Stamp::new(6, 2));
        one.join(&other);
        assert!(one.knows(Stamp::new(5, 1)) && one.knows(Stamp::new(6, 2)));
        assert!(!one.knows(Stamp::new(6, 1)) && !one.knows(Stamp::new(1, 3)));
    }

    #[test]
    fn an_epoch_ends_when_it_has_been_told() {
        let epochs = AtomicU64::new(1);
        let mut own = Own::default();
        assert!(own.tell().is_empty(), "nothing was accessed");
        let first = own.access(7, &epochs);
        assert_eq!(own.access(7, &epochs), first);
        let told = own.tell();
        let second = own.access(7, &epochs);
        assert!(told.knows(first) && !told.knows(second));
        assert!(own.tell().knows(second));
    }

    #[test]
    fn a_full_set_gives_up_what_was_used_longest_ago() {
        let table = Table::<u64>::new(1);
        let keys = WAYS as u64;
        (1..=keys).for_each(|key| table.with(key, |value| *value = key));
        assert_eq!(table.find(1, |value| *value), Some(1));
        table.with(keys + 1, |value| *value = 9);
        assert_eq!(table.find(2, |value| *value), None);
        assert_eq!(table.find(1, |value| *value), Some(1));
        assert_eq!(table.take(1), Some(1));
        assert_eq!(table.find(1, |value| *value), None);
        // The place that is free is taken first.
        table.with(keys + 2, |value| *value = 9);
        assert_eq!(table.find(3, |value| *value), Some(3));
    }
}
