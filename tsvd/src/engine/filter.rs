//! What one thread has already recorded: (object, operation, call site, key) and the value of `NOW` at that time.
//!
//! A hit means that nothing has changed since this thread last walked the same call through history and traps without
//! finding anything, so the call is done. Entries are stamped only with quiet values of [`Now`](super::Now): a hit proves
//! that no trap is published. Two calls that share a tag (64-bit mix) make one of them unrecorded: lossy, never wrong.

use super::primitive::lossy::{AtomicU64, Ordering};
use super::sites::SiteId;

const SLOTS: usize = 512;

/// Owned by one thread; atomics only because its block outlives the thread and is recycled.
pub(super) struct Filter {
    slots: [Slot; SLOTS],
}

struct Slot {
    tag: AtomicU64,
    stamp: AtomicU64,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot {
                tag: AtomicU64::new(0),
                stamp: AtomicU64::new(0),
            }),
        }
    }

    #[inline]
    fn slot(&self, tag: u64) -> &Slot {
        &self.slots[(tag >> 40) as usize % SLOTS]
    }

    #[inline]
    pub(super) fn knows(&self, tag: u64, now: u64) -> bool {
        let slot = self.slot(tag);
        slot.tag.load(Ordering::Relaxed) == tag && slot.stamp.load(Ordering::Relaxed) == now
    }

    #[inline]
    pub(super) fn stamp(&self, tag: u64, now: u64) {
        let slot = self.slot(tag);
        slot.tag.store(tag, Ordering::Relaxed);
        slot.stamp.store(now, Ordering::Relaxed);
    }
}

const PAIRS: usize = 64;

/// The near misses a thread has already told the trap set of, so that a busy pair costs it no lock.
pub(super) struct PairCache([AtomicU64; PAIRS]);

impl PairCache {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Whether the pair was told before; it counts as told from now on.
    pub(super) fn told(&self, site: SiteId, other: SiteId) -> bool {
        let pair = u64::from(site) << 16 | u64::from(other);
        let slot = &self.0[(pair ^ pair >> 13) as usize % PAIRS];
        let told = slot.load(Ordering::Relaxed) == pair;
        slot.store(pair, Ordering::Relaxed);
        told
    }
}
