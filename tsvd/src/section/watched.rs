use std::hash::Hash;
use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::{self, Approach, Section};
use crate::contract::{Did, Object, Operation, hash_of};

#[cfg(all(test, not(loom)))]
use super::log;

/// A call that is about to be made.
#[must_use]
#[derive(Debug)]
pub(crate) struct Coming(Option<Approach>);

impl Coming {
    #[inline]
    pub(crate) fn new(
        delays: bool,
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<u64>,
    ) -> Self {
        #[cfg(all(test, not(loom)))]
        log::coming(operation, site, object, key, delays);
        let approach = if delays {
            backend::approach(operation, site, object, key)
        } else {
            Approach::undelayed(operation, site, object, key)
        };
        Self(Some(approach))
    }

    #[inline]
    pub(crate) fn unwatched() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// The delay of a call that a future makes, before it waits for what it needs.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub(crate) async fn awaited(self) -> Self {
        match self.0 {
            Some(approach) => Self(Some(approach.awaited().await)),
            None => self,
        }
    }

    /// The access begins here.
    #[inline]
    pub(crate) fn enter(self) -> Call {
        #[cfg(all(test, not(loom)))]
        log::entered(self.is_watched());
        Call(self.0.map(Approach::enter))
    }
}

/// A call that is being made, and ends with what it did. If it ends by a panic, it did nothing that can be told.
#[must_use]
#[derive(Debug)]
pub(crate) struct Call(Option<Section>);

impl Call {
    #[inline]
    pub(crate) fn read(mut self) {
        self.leave(Did::Read);
    }

    #[inline]
    pub(crate) fn wrote(mut self) {
        self.leave(Did::Write);
    }

    #[inline]
    pub(crate) fn updated(mut self) {
        self.leave(Did::Update);
    }

    /// It looked before it wrote, or wrote nothing.
    #[inline]
    pub(crate) fn revalidated(mut self, wrote: bool) {
        self.leave(Did::Revalidated { wrote });
    }

    /// A compare-and-swap that wrote nothing.
    #[inline]
    pub(crate) fn refused(mut self) {
        self.leave(Did::Refused);
    }

    /// A read-modify-write, which wrote another value than was there, or the same.
    #[inline]
    pub(crate) fn modified(mut self, is_changed: bool) {
        self.leave(if is_changed {
            Did::Update
        } else {
            Did::Unchanged
        });
    }

    /// Which keys it writes, for a call of all of them.
    #[inline]
    pub(crate) fn keys(&self) -> Keys {
        Keys::asked_by(self.0.as_ref())
    }

    /// It looked at all keys, and wrote these.
    pub(crate) fn swept(mut self, keys: Keys) {
        let [did, elsewhere] = [true, false].map(|wrote| Did::Revalidated { wrote });
        leave_partly(&mut self.0, did, keys, elsewhere);
    }

    /// It wrote all keys without a look; these were others before.
    pub(crate) fn cleared(mut self, keys: Keys) {
        leave_partly(&mut self.0, Did::Write, keys, Did::Rewritten);
    }

    /// A write without a look, of another value than was there, or the same.
    #[inline]
    pub(crate) fn overwrote(mut self, is_changed: bool) {
        self.leave(if is_changed {
            Did::Write
        } else {
            Did::Rewritten
        });
    }

    /// Goes on in a guard beside which there may be others.
    #[inline]
    pub(crate) fn shared(self) -> Held {
        self.held(SHARED)
    }

    /// Goes on in a guard that has its value alone.
    #[inline]
    pub(crate) fn exclusive(self) -> Held {
        self.held(0)
    }

    #[inline]
    fn held(mut self, seen: u8) -> Held {
        Held {
            section: self.0.take(),
            seen: AtomicU8::new(seen),
        }
    }

    #[inline]
    fn leave(&mut self, did: Did) {
        leave(&mut self.0, did);
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        self.leave(Did::Nothing);
    }
}

#[inline]
fn leave(section: &mut Option<Section>, did: Did) {
    if let Some(section) = section.take() {
        #[cfg(all(test, not(loom)))]
        log::left(did);
        section.leave(did);
    }
}

#[cold]
fn leave_partly(section: &mut Option<Section>, did: Did, keys: Keys, elsewhere: Did) {
    match keys.hashes {
        _ if !keys.any => leave(section, elsewhere),
        None => leave(section, did),
        Some(hashes) => {
            if let Some(section) = section.take() {
                #[cfg(all(test, not(loom)))]
                log::left_partly(did, &hashes, elsewhere);
                section.leave_partly(did, hashes, elsewhere);
            }
        }
    }
}

/// The keys that a call of all of them writes.
#[derive(Debug)]
pub(crate) struct Keys {
    any: bool,
    /// `None` if nobody asks.
    hashes: Option<Vec<u64>>,
}

impl Keys {
    fn asked_by(section: Option<&Section>) -> Self {
        Self {
            any: false,
            hashes: section.is_some_and(Section::asks).then(Vec::new),
        }
    }

    /// This one is written. Its lock may be held: nothing is told yet.
    #[inline]
    pub(crate) fn add<K: Hash>(&mut self, key: &K) {
        self.any = true;
        if let Some(hashes) = &mut self.hashes {
            hashes.push(hash_of(key));
        }
    }
}

// What a guard was seen to do, in bits.
/// The value was read, before any write.
const LOOKED: u8 = 1;
/// The value was lent mutably.
const WROTE: u8 = 2;
/// That there is a value was seen.
const FOUND: u8 = 4;
/// The guard cannot write.
const SHARED: u8 = 8;
/// It would have been the first here.
const LATE: u8 = 16;

/// Part of a guard: above the lock's own, so that it ends before the lock is given back.
#[derive(Debug)]
pub(crate) struct Held {
    section: Option<Section>,
    /// Bits, changed by whoever has the guard, on any thread; they publish nothing.
    seen: AtomicU8,
}

impl Held {
    /// Of a guard that is a fact itself: what it guards is there.
    #[inline]
    pub(crate) fn found(self) -> Self {
        self.seen.fetch_or(FOUND, Relaxed);
        self
    }

    /// The value was read on the way here.
    #[inline]
    pub(crate) fn looked(self) -> Self {
        self.looks();
        self
    }

    /// What would have been put here is here already.
    #[inline]
    pub(crate) fn late(self) -> Self {
        self.seen.fetch_or(LATE, Relaxed);
        self
    }

    /// The value is read.
    #[inline]
    pub(crate) fn looks(&self) {
        if self.seen.load(Relaxed) & (LOOKED | WROTE) == 0 {
            self.seen.fetch_or(LOOKED, Relaxed);
        }
    }

    /// The value is lent mutably.
    #[inline]
    pub(crate) fn writes(&self) {
        if self.seen.load(Relaxed) & WROTE == 0 {
            self.seen.fetch_or(WROTE, Relaxed);
        }
    }

    /// Its owner waits for others to change `object`. What it wrote before is for them to see, so nothing of its region's depends on their
    /// not coming in between; what it only looked at may be wrong when it comes back.
    pub(crate) fn waits(self, object: impl FnOnce() -> Object) {
        let gives_up = self.section.is_some() && self.seen.load(Relaxed) & WROTE != 0;
        drop(self);
        if gives_up {
            backend::revalidated(object());
        }
    }

    /// Goes on in several guards, and ends with the last of them.
    pub(crate) fn common(self) -> Common {
        let shared = self.section.is_some().then(|| {
            Arc::new(Shared {
                held: self,
                keys: Mutex::default(),
            })
        });
        Common {
            shared,
            wrote: false,
        }
    }

    #[inline]
    fn did(&self) -> Did {
        let seen = self.seen.load(Relaxed);
        match (seen & SHARED != 0, seen & WROTE != 0, seen & !SHARED) {
            (_, _, 0) => Did::Nothing,
            (true, ..) => Did::Read,
            (false, true, seen) if seen & LOOKED == 0 => Did::Write,
            (false, false, seen) if seen & LATE != 0 => Did::Found,
            (false, wrote, _) => Did::Revalidated { wrote },
        }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if self.section.is_some() {
            let did = self.did();
            leave(&mut self.section, did);
        }
    }
}

/// Part of several guards of one section.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    shared: Option<Arc<Shared>>,
    /// Its own value has been lent mutably.
    wrote: bool,
}

#[derive(Debug)]
struct Shared {
    held: Held,
    /// Of the values that were lent mutably.
    keys: Mutex<Option<Keys>>,
}

impl Common {
    /// A value is read.
    #[inline]
    pub(crate) fn looks(&self) {
        if let Some(shared) = &self.shared {
            shared.held.looks();
        }
    }

    /// The value of this key is lent mutably.
    #[inline]
    pub(crate) fn writes<K: Hash>(&mut self, key: &K) {
        if let Some(shared) = self.shared.as_deref().filter(|_| !self.wrote) {
            self.wrote = true;
            shared.write(key);
        }
    }
}

impl Shared {
    fn write<K: Hash>(&self, key: &K) {
        self.held.writes();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get_or_insert_with(|| Keys::asked_by(self.held.section.as_ref()))
            .add(key);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let keys = self.keys.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = keys.take() {
            let (did, elsewhere) = (self.held.did(), Did::Revalidated { wrote: false });
            leave_partly(&mut self.held.section, did, keys, elsewhere);
        }
    }
}

/// Part of an object: which one it is, wherever it is moved. No address says that, for a region may see an object end, and another
/// take its place.
//
// Without drop glue: values in thread-locals and constants are to stay what they are without us.
#[derive(Debug, Default)]
pub(crate) struct Identity(AtomicU64);

impl Identity {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Drawn at the first call.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        match self.0.load(Relaxed) {
            0 => self.draw(),
            number => number,
        }
    }

    #[cold]
    fn draw(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: whoever loses the race takes the winner's number, and nothing else is published by it.
        let drawn = NEXT.fetch_add(1, Relaxed);
        match self.0.compare_exchange(0, drawn, Relaxed, Relaxed) {
            Ok(_) => drawn,
            Err(winner) => winner,
        }
    }
}
