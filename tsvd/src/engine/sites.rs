//! Numbers for call sites, small enough for the history's words.

use std::panic::Location;
use std::ptr;

use dashmap::DashMap;

use super::primitive::lossy::{AtomicU64, Mutex, Ordering};
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

pub(crate) struct Sites {
    /// By content: the compiler may make several `Location`s of one line.
    numbers: DashMap<(usize, &'static str, u32, u32), SiteId>,
    /// `None` for a site an earlier run knew and this one has not met.
    list: Mutex<Vec<Option<Site>>>,
}

impl Sites {
    pub(super) fn new() -> Self {
        Self {
            numbers: DashMap::new(),
            list: Mutex::new(Vec::new()),
        }
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

/// One thread's memory of the numbers it used last, so that known sites touch nothing shared.
pub(super) struct SiteCache {
    /// Tag of (operation, location), then the number; written by the owner only.
    slots: [(AtomicU64, AtomicU64); CACHED],
}

impl SiteCache {
    pub(super) fn new() -> Self {
        Self {
            slots: std::array::from_fn(|_| (AtomicU64::new(0), AtomicU64::new(0))),
        }
    }

    #[inline]
    pub(super) fn number(
        &self,
        sites: &Sites,
        operation: &'static Operation,
        location: &'static Location<'static>,
        recall: impl FnOnce(Site) -> Option<SiteId>,
    ) -> SiteId {
        let tag = super::enter::mix(
            ptr::from_ref(operation).addr() as u64,
            ptr::from_ref(location).addr() as u64,
        );
        let (known, number) = &self.slots[(tag >> 40) as usize % CACHED];
        if known.load(Ordering::Relaxed) == tag {
            return number.load(Ordering::Relaxed) as SiteId;
        }
        let found = sites.number(operation, location, recall);
        known.store(tag, Ordering::Relaxed);
        number.store(u64::from(found), Ordering::Relaxed);
        found
    }
}
