//! Operations in flight, one private stack a thread.
//!
//! Only the owner writes; it does so without shared read-modify-writes. Others read a consistent copy by the entry's
//! `state`, which counts up and is odd while the entry is in flight (a sequence lock, Boehm: "Can seqlocks get along with
//! programming language memory models?", MSPC 2012):
//!
//! | `state` | meaning |
//! |---|---|
//! | even | free; the other fields are being written or stale |
//! | odd | in flight; the other fields stand until the next change |
//!
//! The same odd value never comes back, so "this very call is still in flight" is one comparison.

use std::panic::Location;
use std::ptr;

use super::Call;
use super::budget::Spent;
use super::defect::{Defect, planted};
use super::env::Environment;
use super::filter::{Filter, PairCache};
use super::lineage::Bequest;
use super::order::Gaps;
use super::phase::Points;
use super::primitive::{
    AtomicBool, AtomicPtr, AtomicU64, Condvar, Ordering, compiler_fence, fence,
};
use super::region::Regions;
use super::sites::SiteCache;
use crate::contract::{Object, Operation};

/// In place of the depth: this thread's calls are unwatched.
const SUSPENDED: u64 = u64::MAX;

/// Nested operations of one thread that are watched; deeper ones run unwatched.
pub(crate) const DEPTH: usize = if cfg!(loom) { 2 } else { 16 };

/// A thread's block. Leaked and recycled: a scan may read a block whose thread is gone, and finds nothing in flight.
//
// In this order, so that what every call writes is at its beginning and needs no address of its own.
#[repr(C, align(128))]
pub(crate) struct Context<E: Environment> {
    entries: [Entry; DEPTH],
    taken: AtomicBool,
    /// Which of the threads that had this block has it now; never used twice.
    number: AtomicU64,
    /// Entries in use; the owner's alone.
    depth: AtomicU64,
    /// Scopes opened; written by the owner. Operations are counted by the states of their entries.
    scopes: AtomicU64,
    /// Objects that were new to the history; written by the owner.
    objects: AtomicU64,
    pub(super) filter: Filter,
    pub(super) sites: SiteCache,
    pub(super) pairs: PairCache,
    pub(super) points: Points,
    pub(super) gaps: Gaps,
    pub(super) slept: Spent,
    pub(super) bequest: Bequest,
    pub(crate) regions: Regions,
    /// Wakes the owner out of its delay; waited for under the lock of the trap's bucket.
    pub(super) signal: Condvar,
    world: std::marker::PhantomData<fn() -> E>,
}

/// One operation in flight.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Entry {
    state: AtomicU64,
    word: AtomicU64,
    type_word: AtomicU64,
    key: AtomicU64,
    operation: AtomicPtr<Operation>,
    site: AtomicPtr<Location<'static>>,
    /// Set by others when the owner has to look at the traps on its way out; see [`Context::finish`].
    asked: AtomicBool,
}

/// Which call of which thread: stands for it after it has left, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(super) context: u64,
    pub(super) index: usize,
    pub(super) state: u64,
}

/// Puts back, also by unwinding, the depth at which the thread's calls are watched.
#[must_use]
pub(super) struct Suspended<'a> {
    depth: &'a AtomicU64,
    before: u64,
}

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        self.depth.store(self.before, Ordering::Relaxed);
    }
}

/// A flight whose check is under way: ended if the check unwinds, for nobody else will.
pub(super) struct Unchecked<'a, E: Environment> {
    context: &'a Context<E>,
    index: usize,
}

impl<E: Environment> Unchecked<'_, E> {
    /// The check is over; the flight goes on.
    pub(super) fn checked(self) -> usize {
        let index = self.index;
        std::mem::forget(self);
        index
    }
}

impl<E: Environment> Drop for Unchecked<'_, E> {
    fn drop(&mut self) {
        self.context.finish(self.index);
    }
}

/// A consistent copy of somebody's entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) flight: Flight,
    pub(super) operation: &'static Operation,
    pub(super) site: &'static Location<'static>,
    pub(super) key: Option<u64>,
}

impl<E: Environment> Context<E> {
    pub(super) fn new(number: u64) -> Self {
        Self {
            taken: AtomicBool::new(true),
            number: AtomicU64::new(number),
            depth: AtomicU64::new(0),
            scopes: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            entries: std::array::from_fn(|_| Entry::default()),
            filter: Filter::new(),
            sites: SiteCache::new(),
            pairs: PairCache::new(),
            points: Points::new(),
            gaps: Gaps::new(),
            slept: Spent::new(),
            bequest: Bequest::new(),
            regions: Regions::new(),
            signal: Condvar::new(),
            world: std::marker::PhantomData,
        }
    }

    pub(super) fn try_take(&self, number: u64) -> bool {
        // Acquire/Release on `taken`: the next owner sees the last one's entries as it left them.
        if self
            .taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        // Release: who sees the new number sees that the last owner's flights have ended.
        self.number.store(number, Ordering::Release);
        true
    }

    /// Gives the block back when its thread ends.
    pub(crate) fn release(&self) {
        // Operations still open belong to a thread that was torn down inside them; they are over.
        self.entries.iter().for_each(Entry::end);
        self.depth.store(0, Ordering::Relaxed);
        self.points.reset();
        self.gaps.reset();
        self.slept.reset();
        self.bequest.reset();
        let order = if planted(Defect::ReleasedRelaxed) {
            Ordering::Relaxed
        } else {
            Ordering::Release
        };
        self.taken.store(false, order);
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// Operations and scopes entered by all owners so far.
    pub(super) fn operations(&self) -> u64 {
        let flights = self.entries.iter().map(Entry::count);
        flights.sum::<u64>() + self.scopes.load(Ordering::Relaxed)
    }

    pub(super) fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    pub(super) fn count_scope(&self) {
        one_more(&self.scopes);
    }

    pub(super) fn count_object(&self) {
        one_more(&self.objects);
    }

    /// Makes this thread's own calls unwatched for as long as the value lives: the engine must not observe itself, nor what it
    /// calls (a key's `Debug`, an allocator).
    pub(super) fn suspend(&self) -> Suspended<'_> {
        let before = self.depth.load(Ordering::Relaxed);
        self.depth.store(SUSPENDED, Ordering::Relaxed);
        Suspended {
            depth: &self.depth,
            before,
        }
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.depth.load(Ordering::Relaxed) == SUSPENDED
    }

    /// Says that `call` is in flight; `None` when too many are.
    #[inline]
    pub(super) fn mark(&self, call: &Call<'_>) -> Option<usize> {
        let index = self.depth.load(Ordering::Relaxed) as usize;
        let entry = self.entries.get(index)?;
        let [word, type_word] = call.object.words();
        // Before the entry is looked at: a signal handler that calls an operation takes the next one.
        self.depth.store(index as u64 + 1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        let state = entry.state.load(Ordering::Relaxed);
        if state & 1 == 1 {
            // Still in flight: guards of this thread do not end in turn (coroutines with stacks of their own).
            self.depth.store(index as u64, Ordering::Relaxed);
            return None;
        }
        // Pairs with the acquire fence in `see`: who reads a field written below also sees that the last flight ended.
        fence(Ordering::Release);
        entry.word.store(word, Ordering::Relaxed);
        entry.type_word.store(type_word, Ordering::Relaxed);
        entry.key.store(call.key_word(), Ordering::Relaxed);
        entry
            .operation
            .store(ptr::from_ref(call.operation).cast_mut(), Ordering::Relaxed);
        entry
            .site
            .store(ptr::from_ref(call.site).cast_mut(), Ordering::Relaxed);
        // Pairs with the acquire load in `see`: an odd state comes with its fields.
        entry.state.store(state.wrapping_add(1), Ordering::Release);
        Some(index)
    }

    /// Ends the flight at `index`, the last one; says whether somebody asked to be told.
    #[inline]
    pub(crate) fn finish(&self, index: usize) -> bool {
        // An index of `mark`; the remainder spares the check that it is.
        let entry = &self.entries[index % DEPTH];
        entry.end();
        self.depth.store(index as u64, Ordering::Relaxed);
        // Not ordered after the store above on purpose: an answer missed here is found by the asker, which reads the
        // state again at the end of its delay.
        entry.asked.load(Ordering::Relaxed)
    }

    pub(super) fn clear_asked(&self, index: usize) {
        self.entries[index].asked.store(false, Ordering::Relaxed);
    }

    /// Where the caller's last call is marked.
    #[inline]
    pub(crate) fn last(&self) -> usize {
        self.depth.load(Ordering::Relaxed).saturating_sub(1) as usize
    }

    pub(super) fn unchecked(&self, index: usize) -> Unchecked<'_, E> {
        Unchecked {
            context: self,
            index,
        }
    }

    /// This thread's flights, outermost first, with the words of their objects; for the owner.
    pub(super) fn flights(
        &'static self,
    ) -> impl Iterator<Item = (Flight, [u64; 2], &'static Entry)> {
        let number = self.number();
        self.entries
            .iter()
            .enumerate()
            .filter_map(move |(index, entry)| {
                let state = entry.state.load(Ordering::Relaxed);
                let flight = Flight {
                    context: number,
                    index,
                    state,
                };
                (state & 1 == 1).then(|| (flight, entry.words(), entry))
            })
    }

    /// The flight at `index`, which is the caller's own.
    pub(super) fn flight(&self, index: usize) -> Flight {
        Flight {
            context: self.number(),
            index,
            state: self.entries[index].state.load(Ordering::Relaxed),
        }
    }

    /// The flight that has just ended at `index`, which is the caller's own, and the words of its object.
    pub(super) fn ended(&self, index: usize) -> (Flight, [u64; 2]) {
        let entry = &self.entries[index];
        let state = entry.state.load(Ordering::Relaxed).wrapping_sub(1);
        (
            Flight {
                context: self.number(),
                index,
                state,
            },
            entry.words(),
        )
    }

    /// Asks the flight to look at the traps on its way out.
    pub(super) fn ask(&self, flight: Flight) {
        self.entries[flight.index]
            .asked
            .store(true, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self, flight: Flight) -> bool {
        self.entries[flight.index].is_at(flight.state) && self.number() == flight.context
    }

    /// Ends this thread's open flights on `object`, whose life ends: its address may be another's before they leave.
    pub(super) fn retire(&self, object: Object) {
        let [word, type_word] = object.words();
        // All of them: a call that left out of turn has lowered the depth below one that is open.
        for entry in &self.entries {
            if entry.word.load(Ordering::Relaxed) == word
                && entry.type_word.load(Ordering::Relaxed) == type_word
            {
                entry.end();
            }
        }
    }

    /// Copies of this thread's flights on `object`.
    pub(super) fn see(&self, object: Object) -> impl Iterator<Item = Seen> + '_ {
        let depth = if planted(Defect::OutermostOnly) {
            1
        } else {
            DEPTH
        };
        self.entries[..depth]
            .iter()
            .enumerate()
            .filter_map(move |(index, entry)| {
                loop {
                    let context = self.number.load(Ordering::Acquire);
                    let (state, operation, site, key) = entry.copy(object)?;
                    // Else the block has changed hands meanwhile: whose the copy is, the next look shows.
                    if self.number() == context {
                        return Some(Seen {
                            flight: Flight {
                                context,
                                index,
                                state,
                            },
                            operation,
                            site,
                            key,
                        });
                    }
                }
            })
    }
}

/// Of a number with one writer.
fn one_more(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

type Copied = (
    u64,
    &'static Operation,
    &'static Location<'static>,
    Option<u64>,
);

impl Entry {
    /// Even states stay (the flight was retired), odd ones end. Release: what the body did is seen with the end.
    #[inline]
    fn end(&self) {
        let state = self.state.load(Ordering::Relaxed);
        self.state
            .store(state.wrapping_add(1) & !1, Ordering::Release);
    }

    /// Flights so far: each takes the state two further.
    fn count(&self) -> u64 {
        self.state.load(Ordering::Relaxed).div_ceil(2)
    }

    /// Whether the flight of this `state` is still the entry's.
    pub(super) fn is_at(&self, state: u64) -> bool {
        self.state.load(Ordering::Acquire) == state
    }

    fn words(&self) -> [u64; 2] {
        [
            self.word.load(Ordering::Relaxed),
            self.type_word.load(Ordering::Relaxed),
        ]
    }

    fn copy(&self, object: Object) -> Option<Copied> {
        let state = self.state.load(Ordering::Acquire);
        if state & 1 == 0 {
            return None;
        }
        let words = self.words();
        let key = self.key.load(Ordering::Relaxed);
        let operation = self.operation.load(Ordering::Relaxed);
        let site = self.site.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let torn = self.state.load(Ordering::Relaxed) != state && !planted(Defect::TornEntry);
        if torn || words != object.words() {
            return None;
        }
        // SAFETY: the unchanged odd state says that both pointers are those `mark` stored from `&'static` references.
        let (operation, site) = unsafe { (operation.as_ref()?, site.as_ref()?) };
        Some((state, operation, site, (key != 0).then_some(key)))
    }
}
