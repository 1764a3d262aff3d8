//! What one thread has already recorded: (object, operation, call site, key) and the value of `NOW` at that time.
//!
//! A hit means that nothing has changed since this thread last walked the same call through history and traps without
//! finding anything, so the call is done. Entries are stamped only with quiet values of [`Now`](super::Now): a hit says
//! that no trap is published. An entry is tag and stamp folded together into a word (half of one in the large level): two calls
//! that agree in it (about one pair in 2^64, or 2^32 of one set) leave one of them unrecorded: lossy, never wrong.
//!
//! Two levels: a small one, looked at inline, that stays in the processor's first cache, and for threads that go round
//! more objects than it holds a larger one, made when that shows. There a call is good for several ticks, for so many objects
//! would otherwise be recorded anew in each; which ticks these are differs from call to call, so that some are recorded in each.

use super::now::Now;
use super::primitive::lossy::{AtomicU32, AtomicU64, OnceLock, Ordering};
use super::sites::SiteId;

const SMALL: usize = 512;

/// Sets of four entries of half a word, 256 KiB in all.
const LARGE: usize = 1 << 14;
const WAYS: usize = 4;

/// Calls stamped in the small level before there is a large one.
const CROWDED: u64 = 4096;

/// Owned by one thread; atomics only because its block outlives the thread and is recycled.
pub(super) struct Filter {
    small: [AtomicU64; SMALL],
    large: OnceLock<Box<[[AtomicU32; WAYS]]>>,
    /// Entries stamped so far.
    stamped: AtomicU64,
    /// Whether any was since all were forgotten.
    is_stamped: AtomicU32,
}

/// The entry of `tag` at `now`, and in its high bits its place. The factor is odd: no two values of `NOW` give one tag the
/// same entry. (Nor the same place, so entries of the past give way by themselves.)
#[inline]
fn entry(tag: u64, now: u64) -> u64 {
    (tag ^ now).wrapping_mul(0x8cb9_2ba7_2f3d_8dd7)
}

impl Filter {
    pub(super) fn new() -> Self {
        Self {
            small: [const { AtomicU64::new(0) }; SMALL],
            large: OnceLock::new(),
            stamped: AtomicU64::new(0),
            is_stamped: AtomicU32::new(0),
        }
    }

    #[inline]
    fn small(&self, entry: u64) -> &AtomicU64 {
        &self.small[(entry >> (u64::BITS - SMALL.ilog2())) as usize]
    }

    /// The set in which the large level has `tag` at `now`, and its entry there, which is never 0.
    fn large(&self, tag: u64, now: u64) -> Option<(&[AtomicU32; WAYS], u32)> {
        let sets = self.large.get()?;
        let entry = entry(tag, Now::coarse(now, tag));
        let set = sets.get((entry >> (u64::BITS - LARGE.ilog2())) as usize)?;
        Some((set, (entry >> 16) as u32 | 1))
    }

    /// Whether the small level has the call.
    #[inline]
    pub(super) fn knows(&self, tag: u64, now: u64) -> bool {
        let entry = entry(tag, now);
        self.small(entry).load(Ordering::Relaxed) == entry
    }

    /// Whether the large level has it; then so has the small one from now on.
    #[inline]
    pub(super) fn recalls(&self, tag: u64, now: u64) -> bool {
        let Some((set, wanted)) = self.large(tag, now) else {
            return false;
        };
        let [a, b, c, d] = set.each_ref().map(|way| way.load(Ordering::Relaxed));
        // Without branches: which of them it is cannot be predicted.
        let known = (a == wanted) | (b == wanted) | (c == wanted) | (d == wanted);
        if known {
            let entry = entry(tag, now);
            self.small(entry).store(entry, Ordering::Relaxed);
            self.is_stamped.store(1, Ordering::Relaxed);
        }
        known
    }

    /// Knows nothing any more, but for the large level.
    pub(super) fn forget(&self) {
        if self.is_stamped.swap(0, Ordering::Relaxed) != 0 {
            for entry in &self.small {
                entry.store(0, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn stamp(&self, tag: u64, now: u64) {
        self.is_stamped.store(1, Ordering::Relaxed);
        let entry = entry(tag, now);
        self.small(entry).store(entry, Ordering::Relaxed);
        if let Some((set, mut entry)) = self.large(tag, now) {
            // The last comes first, and the oldest has no room.
            for way in set {
                let next = way.load(Ordering::Relaxed);
                way.store(entry, Ordering::Relaxed);
                entry = next;
            }
            return;
        }
        let stamped = self.stamped.load(Ordering::Relaxed) + 1;
        self.stamped.store(stamped, Ordering::Relaxed);
        if stamped > CROWDED {
            self.large
                .get_or_init(|| (0..LARGE).map(|_| Default::default()).collect());
        }
    }
}

const PAIRS: usize = 64;

/// The near misses a thread has already told the trap set of, so that a busy pair costs it no lock.
pub(super) struct PairCache([AtomicU64; PAIRS]);

impl PairCache {
    pub(super) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; PAIRS])
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
