//! What the exact table knows of regions: the last access of each to each part of an object, and who came after it.

use crate::contract::{Deed, Did, Object, Pattern, Region, meet};
use crate::engine::Engine;
use crate::engine::defect::{Defect, planted};
use crate::engine::enter::object_hash;
use crate::engine::env::Environment;
use crate::engine::primitive::lossy::{AtomicU32, Ordering};
use crate::engine::traps::{Bucket, Party};

use super::On;

/// Accesses of others that are kept for a watch, of each part no two of which one says it all. To one key hardly any come, but of an
/// access to all keys nobody knows which key its region comes to next: of more keys than these the later ones are missed.
const FOREIGN: usize = 64;

/// How many watches there may be on the objects of a hash.
//
// Lossy: whoever misses one is not seen, and what is decided is decided under the bucket's lock.
pub(crate) struct Watched(Box<[AtomicU32]>);

impl Watched {
    pub(in crate::engine) fn new() -> Self {
        Self(Box::new([const { AtomicU32::new(0) }; 1024]))
    }

    #[inline]
    fn of(&self, hash: u64) -> &AtomicU32 {
        &self.0[hash as usize % self.0.len()]
    }

    #[inline]
    pub(in crate::engine) fn any(&self, hash: u64) -> bool {
        self.of(hash).load(Ordering::Relaxed) != 0
    }

    fn raise(&self, hash: u64) {
        self.of(hash).fetch_add(1, Ordering::Relaxed);
    }

    fn lower(&self, hash: u64) {
        self.of(hash).fetch_sub(1, Ordering::Relaxed);
    }
}

/// The last access of a region to an object under one key and role.
pub(crate) struct Watch<S> {
    /// Another one after each access of the region.
    pub(super) number: u64,
    pub(super) region: u64,
    pub(super) declared: &'static Region,
    pub(super) on: Option<On>,
    pub(super) object: Object,
    pub(super) last: Party<S>,
    pub(super) deed: Deed,
    /// Those that entered after it had left, and have left.
    pub(super) foreign: Vec<Foreign<S>>,
    /// Those that entered after it had left, and have not left.
    pub(super) inside: u32,
}

/// An access of another context.
#[derive(Clone)]
pub(super) struct Foreign<S> {
    pub(super) party: Party<S>,
    pub(super) deed: Deed,
}

/// By role and key, a part of an object.
pub(super) type Part = (Option<&'static str>, Option<u64>);

impl<S> Watch<S> {
    /// Whether an access of this part can be of the same.
    pub(super) fn meets(&self, part: Part) -> bool {
        meet(self.last.part(), part) && self.on.is_none_or(|on| meet((on.role, on.key), part))
    }

    /// Of the first `count` others one that stands between the last access and one to `part` which did `next`; with what the three did.
    pub(super) fn interrupted(
        &self,
        count: usize,
        part: Part,
        next: &Deed,
    ) -> Option<(Pattern, [Did; 3], &Foreign<S>)> {
        let earlier = self.foreign.iter().take(count);
        earlier
            .filter(|foreign| meet(foreign.party.part(), part))
            .find_map(|foreign| {
                let own = (&self.deed, self.last.key);
                let accesses = [own, (&foreign.deed, foreign.party.key), (next, part.1)];
                let (pattern, did) = Pattern::among(accesses)?;
                Some((pattern, did, foreign))
            })
    }

    /// Another context's access is over. Whether it is one to remember: no other like it is known.
    pub(super) fn wants(&self, deed: &Deed, part: Part) -> bool {
        let key = self.last.key;
        let did = deed.at(key);
        // A read stands between writes alone.
        let tells = did.tells() && self.deed.did().changes();
        let known = |foreign: &Foreign<S>| {
            let known = foreign.deed.at(key);
            // Of two that wrote some keys neither says what the other does, but of a single one.
            let is_like = key.is_some() || !(deed.is_partial() || foreign.deed.is_partial());
            foreign.party.part() == part
                && is_like
                && known.tells() >= tells
                && known.changes() >= did.changes()
        };
        // What was done to all keys is for whichever comes next.
        let is_whole = part.1.is_none() && !deed.is_partial();
        (self.foreign.len() < FOREIGN || is_whole)
            && (did.changes() || tells)
            && !self.foreign.iter().any(known)
    }
}

impl<E: Environment> Bucket<E> {
    pub(super) fn watch(&mut self, number: u64) -> Option<&mut Watch<E::Stack>> {
        self.watches.iter_mut().find(|watch| watch.number == number)
    }
}

impl<E: Environment> Engine<E> {
    /// A watch is about to be there. Of an operation with a mark all have to know, for its likes are filtered.
    pub(super) fn reveal(&self, hash: u64, watch: &Watch<E::Stack>) {
        self.watched.raise(hash);
        if !watch.last.operation.is_thread_safe() {
            self.published.raise(hash);
            self.now.publish();
        }
    }

    /// A watch is there no more.
    pub(super) fn conceal(&self, hash: u64, watch: &Watch<E::Stack>) {
        self.watched.lower(hash);
        if !watch.last.operation.is_thread_safe() {
            self.now.retract();
            self.published.lower(hash);
        }
    }

    /// Removes some watches on the object of these words.
    pub(super) fn unwatch(&self, words: [u64; 2], goes: impl Fn(&Watch<E::Stack>) -> bool) {
        let hash = object_hash(words);
        if !self.watched.any(hash) {
            return;
        }
        let mut bucket = self.traps.lock(hash);
        let gone = bucket
            .watches
            .extract_if(.., |watch| watch.object.words() == words && goes(watch))
            .collect::<Vec<_>>();
        gone.iter().for_each(|watch| self.conceal(hash, watch));
        // What they hold is freed without the lock.
        drop(bucket);
        drop(gone);
    }

    /// The object's life ends: nobody's watch is on the next one at its address.
    pub(in crate::engine) fn unwatch_object(&self, object: Object) {
        if !planted(Defect::RetiredWatchStays) {
            self.unwatch(object.words(), |_| true);
        }
    }
}
