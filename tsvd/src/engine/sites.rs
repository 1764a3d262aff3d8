//! Numbers for call sites, small enough for the history's words.

use std::panic::Location;
use std::ptr;

use dashmap::DashMap;

use super::primitive::lossy::{AtomicU64, Mutex, OnceLock, Ordering};
use crate::contract::Operation;

/// Call sites beyond this many are not suspected; those in flight are still compared.
pub(super) const LIMIT: usize = 1 << 16;

/// A call site: a line that calls an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) operation: &'static Operation,
    pub(crate) location: &'static Location<'static>,
}

/// The number of a call site; 0 stands for the ones beyond the limit.
pub(crate) type SiteId = u16;

/// How often a call site was reached, as far as its calls were recorded: repeated ones that the filter knows are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) all: u64,
    /// While several contexts were active.
    pub(crate) concurrent: u64,
}

impl std::ops::AddAssign for Hits {
    fn add_assign(&mut self, more: Self) {
        self.all += more.all;
        self.concurrent += more.concurrent;
    }
}

/// What is counted; by whom says the owner.
struct Counter {
    all: AtomicU64,
    concurrent: AtomicU64,
}

impl Counter {
    const fn new() -> Self {
        Self {
            all: AtomicU64::new(0),
            concurrent: AtomicU64::new(0),
        }
    }

    fn hits(&self) -> Hits {
        Hits {
            all: self.all.load(Ordering::Relaxed),
            concurrent: self.concurrent.load(Ordering::Relaxed),
        }
    }
}

const CHUNK: usize = 256;

pub(crate) struct Sites {
    /// By content: the compiler may make several `Location`s of one line.
    numbers: DashMap<(usize, &'static str, u32, u32), SiteId>,
    /// `None` for a site an earlier run knew and this one has not met.
    list: Mutex<Vec<Option<Site>>>,
    /// Hits by number, but for what is still in the caches of threads.
    counters: [OnceLock<Box<[Counter; CHUNK]>>; LIMIT / CHUNK],
}

impl Sites {
    pub(super) fn new() -> Self {
        Self {
            // Its default is made from the number of processors, for which it reads four files.
            numbers: DashMap::with_shard_amount(16),
            list: Mutex::new(Vec::new()),
            counters: [const { OnceLock::new() }; LIMIT / CHUNK],
        }
    }

    fn count(&self, site: SiteId, more: Hits) {
        let site = usize::from(site);
        let chunk =
            self.counters[site / CHUNK].get_or_init(|| Box::new([const { Counter::new() }; CHUNK]));
        let counter = &chunk[site % CHUNK];
        counter.all.fetch_add(more.all, Ordering::Relaxed);
        counter
            .concurrent
            .fetch_add(more.concurrent, Ordering::Relaxed);
    }

    /// What threads have counted and no longer have in their caches.
    pub(super) fn hits(&self, site: SiteId) -> Hits {
        let site = usize::from(site);
        let chunk = self.counters[site / CHUNK].get();
        chunk.map_or(Hits::default(), |chunk| chunk[site % CHUNK].hits())
    }

    /// All call sites that were met, with their numbers.
    pub(super) fn met(&self) -> Vec<(SiteId, Site)> {
        let list = self.list.lock();
        let numbered = list.iter().zip(1..);
        numbered
            .filter_map(|(site, number)| Some((number, (*site)?)))
            .collect()
    }

    /// Numbers `1..=count` for call sites that an earlier run knew; handed out by `recall` of [`number`](Self::number).
    pub(super) fn reserve(&self, count: SiteId) {
        self.list.lock().resize(usize::from(count), None);
    }

    /// The number of a call site. When it is first met, `recall` may know the number it was given in advance.
    pub(super) fn number(
        &self,
        operation: &'static Operation,
        location: &'static Location<'static>,
        recall: impl FnOnce(Site) -> Option<SiteId>,
    ) -> SiteId {
        let key = (
            ptr::from_ref(operation).addr(),
            location.file(),
            location.line(),
            location.column(),
        );
        if let Some(known) = self.numbers.get(&key) {
            return *known;
        }
        let site = Site {
            operation,
            location,
        };
        // Before the entry is locked: it may take a while.
        let recalled = recall(site);
        *self.numbers.entry(key).or_insert_with(|| {
            let mut list = self.list.lock();
            if let Some(number) = recalled
                && let Some(free @ None) = list.get_mut(usize::from(number) - 1)
            {
                *free = Some(site);
                return number;
            }
            if list.len() + 1 >= LIMIT {
                return 0;
            }
            list.push(Some(site));
            list.len() as SiteId
        })
    }

    pub(crate) fn get(&self, site: SiteId) -> Option<Site> {
        self.list
            .lock()
            .get(usize::from(site).checked_sub(1)?)
            .copied()
            .flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.lock().iter().flatten().count()
    }
}

const CACHED: usize = 64;

/// One thread's memory of the call sites it used last, so that known ones touch nothing shared.
pub(super) struct SiteCache([Cached; CACHED]);

/// Written by the owner only.
pub(super) struct Cached {
    /// Of operation and location.
    tag: AtomicU64,
    number: AtomicU64,
    /// Hits that [`Sites`] does not have yet.
    fresh: Counter,
}

impl Cached {
    const fn new() -> Self {
        Self {
            tag: AtomicU64::new(0),
            number: AtomicU64::new(0),
            fresh: Counter::new(),
        }
    }

    /// The call site's number.
    #[inline]
    pub(super) fn number(&self) -> SiteId {
        self.number.load(Ordering::Relaxed) as SiteId
    }

    /// A call was recorded.
    #[inline]
    pub(super) fn hit(&self, concurrent: bool) {
        let more = |count: &AtomicU64, more: bool| {
            count.store(
                count.load(Ordering::Relaxed) + u64::from(more),
                Ordering::Relaxed,
            );
        };
        more(&self.fresh.all, true);
        more(&self.fresh.concurrent, concurrent);
    }
}

impl SiteCache {
    pub(super) fn new() -> Self {
        Self([const { Cached::new() }; CACHED])
    }

    #[inline]
    pub(super) fn find(
        &self,
        sites: &Sites,
        operation: &'static Operation,
        location: &'static Location<'static>,
        recall: impl FnOnce(Site) -> Option<SiteId>,
    ) -> &Cached {
        let tag = super::enter::mix(
            ptr::from_ref(operation).addr() as u64,
            ptr::from_ref(location).addr() as u64,
        );
        let cached = &self.0[(tag >> 40) as usize % CACHED];
        if cached.tag.load(Ordering::Relaxed) != tag {
            sites.count(cached.number(), cached.fresh.hits());
            cached.fresh.all.store(0, Ordering::Relaxed);
            cached.fresh.concurrent.store(0, Ordering::Relaxed);
            let number = sites.number(operation, location, recall);
            cached.tag.store(tag, Ordering::Relaxed);
            cached.number.store(u64::from(number), Ordering::Relaxed);
        }
        cached
    }

    /// What is not yet in [`Sites::hits`]: numbers of call sites, one of them perhaps several times. Another thread may see a
    /// count that is just being handed over in both places, or in none.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (SiteId, Hits)> {
        self.0
            .iter()
            .map(|cached| (cached.number(), cached.fresh.hits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Access;

    static GET: Operation = Operation::new("c", "get", Access::Read, Location::caller());
    static INSERT: Operation = Operation::new("c", "insert", Access::Write, Location::caller());

    #[test]
    fn no_hit_is_lost_when_call_sites_push_each_other_out() {
        let (sites, cache) = (Sites::new(), SiteCache::new());
        // More operations than places, twice round.
        let operations: Vec<&'static Operation> = (0..3 * CACHED)
            .map(|_| -> &'static Operation {
                Box::leak(Box::new(Operation::new(
                    "c",
                    "get",
                    Access::Read,
                    Location::caller(),
                )))
            })
            .collect();
        for round in [false, true] {
            for operation in &operations {
                cache
                    .find(&sites, operation, operation.definition(), |_| None)
                    .hit(round);
            }
        }
        let met = sites.met();
        assert_eq!(met.len(), operations.len());
        for (number, _) in met {
            let mut hits = sites.hits(number);
            for (fresh, more) in cache.fresh() {
                if fresh == number {
                    hits += more;
                }
            }
            let wanted = Hits {
                all: 2,
                concurrent: 1,
            };
            assert_eq!(hits, wanted, "site {number}");
        }
    }

    #[test]
    fn a_line_that_calls_two_operations_is_two_call_sites() {
        let sites = Sites::new();
        let here = Location::caller();
        let number = |operation| sites.number(operation, here, |_| None);
        assert_ne!(number(&GET), number(&INSERT));
        assert_eq!(number(&GET), number(&GET));
    }
}
