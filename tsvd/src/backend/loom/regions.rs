//! Accesses under thread-safe contracts, and the regions expected to be atomic that look at them.
//!
//! Nothing conflicts here, so there is nothing to be ordered: what a region looks at is which access came after which, in the
//! order of the execution itself. An annotated access has a scheduling point before its entry and one before its exit, so that
//! loom tries these events in every order that makes a difference. An access of a drop-in needs none, for it is one with a step of loom's:
//! the moment after a lock was taken, or before it is given back, is the moment itself, since loom runs another thread only before a
//! step. Where a drop-in's lock is not loom's (`dashmap`), there is a point before the call alone: no thread may rest while it holds such a lock.
//!
//! Models without a region have none of this: the first execution that opens one asks for another [start](super::Needs).

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};

use super::ledger::Call;
use super::steps::{self, Act, Value};
use super::watches::{Inherited, Regions, Visit};
use super::{
    UNDER_WAY, enabled, known_thread, needs_accesses, retire, scheduling_point, with_ledger,
    with_regions,
};
use crate::contract::{Deed, Did, Key, Object, Operation, Region};

/// Whether accesses are looked at, and by which thread this one would be.
fn watching(object: Object) -> Option<usize> {
    let is_watched = enabled() && super::ACCESSES.get() && object.is_watched();
    is_watched.then(known_thread).flatten()
}

fn point(object: Object, writes: bool) {
    let order = with_ledger(|ledger| ledger.order_of(object));
    scheduling_point(order, writes);
}

/// An access that is about to be made.
#[derive(Debug)]
pub(crate) struct Approach {
    call: Call,
    object: Object,
}

/// Where mode detect has its delay, a model has its scheduling point.
pub(crate) fn approach(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<u64>,
) -> Approach {
    if watching(object).is_some() {
        point(object, operation.access().writes());
    }
    Approach::undelayed(operation, site, object, key)
}

impl Approach {
    /// One that is made in a step of loom's, or must not wait.
    pub(crate) fn undelayed(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<u64>,
    ) -> Self {
        let call = Call {
            operation,
            site,
            key,
        };
        Self { call, object }
    }

    /// The access begins.
    pub(crate) fn enter(self) -> Section {
        Section::enter(self.call, self.object, None)
    }
}

/// An access that has begun; it ends when it is dropped, on whatever thread, with what its operation declares.
#[derive(Debug)]
pub(crate) struct Section(Option<Box<Visit>>);

impl Section {
    pub(super) fn inert() -> Self {
        Self(None)
    }

    pub(super) fn enter(call: Call, object: Object, key: Option<Key<'_>>) -> Self {
        let text = || Some(format!("{:?}", key?.debug?));
        let visit = watching(object)
            .map(|thread| with_regions(|regions| regions.arrive(call, object, thread, None, text)));
        Self(visit.map(Box::new))
    }

    /// An annotated one, which is a step by itself.
    fn enter_by_step(call: Call, object: Object, key: Option<Key<'_>>) -> Self {
        if watching(object).is_none() {
            return Self::inert();
        }
        let step = steps::begin(Act::call(call.operation, object, "enters"), call.site);
        point(object, call.operation.access().writes());
        let section = Self::enter(call, object, key);
        step.end(Value::Nothing);
        section
    }

    /// It ends, and this is what it did.
    pub(crate) fn leave(mut self, did: Did) {
        self.end(|_| did.into());
    }

    /// Whether anybody wants to know which keys it writes, if it is of all.
    pub(crate) fn asks(&self) -> bool {
        self.0.is_some()
    }

    /// It ends, is of all keys, and wrote these; `elsewhere` is what it did to the others.
    pub(crate) fn leave_partly(mut self, did: Did, keys: Vec<u64>, elsewhere: Did) {
        self.end(|_| Deed::partial(did, keys, elsewhere));
    }

    fn leave_by_step(mut self, did: impl FnOnce(&'static Operation) -> Did) {
        let Some(visit) = self.0.as_ref().filter(|_| enabled()) else {
            return;
        };
        let (call, object) = (*visit.call(), visit.object());
        let step = steps::begin(Act::call(call.operation, object, "leaves"), call.site);
        point(object, call.operation.access().writes());
        self.end(|operation| did(operation).into());
        step.end(Value::Nothing);
    }

    fn end(&mut self, deed: impl FnOnce(&'static Operation) -> Deed) {
        let Some(visit) = self.0.take() else { return };
        // Nobody knows how far an access came that panicked; and the execution has failed.
        if !enabled() {
            return;
        }
        let Some(thread) = known_thread() else { return };
        let deed = deed(visit.call().operation);
        if let Some(broken) = with_regions(|regions| regions.depart(*visit, thread, deed)) {
            panic!("{broken}");
        }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        self.end(|operation| Did::from(operation.access()).into());
    }
}

/// What an access of a thread-safe operation did, if it is known whether it wrote.
fn did_when(wrote: Option<bool>) -> impl FnOnce(&'static Operation) -> Did {
    move |operation| match wrote {
        Some(false) => Did::Refused,
        _ => operation.access().into(),
    }
}

/// A call of an annotated operation under a thread-safe contract.
#[derive(Debug)]
pub(crate) struct AccessGuard {
    section: Section,
    wrote: Cell<Option<bool>>,
}

impl AccessGuard {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self {
            section: Section::inert(),
            wrote: Cell::new(None),
        }
    }

    /// Whether it really wrote: it looked before, and nobody came in between.
    #[inline]
    pub(crate) fn when(&self, wrote: bool) {
        self.wrote.set(Some(wrote));
    }
}

impl Drop for AccessGuard {
    fn drop(&mut self) {
        let section = std::mem::replace(&mut self.section, Section::inert());
        section.leave_by_step(did_when(self.wrote.get()));
    }
}

pub(crate) fn access(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> AccessGuard {
    if operation.drops() {
        // Whatever it does, nobody can come after it.
        retire(object);
        return AccessGuard::inert();
    }
    let call = Call::new(operation, site, key);
    AccessGuard {
        section: Section::enter_by_step(call, object, key),
        wrote: Cell::new(None),
    }
}

/// An async operation under a thread-safe contract begins.
pub(super) fn begin_access(call: Call, object: Object) -> Section {
    Section::enter_by_step(call, object, None)
}

/// It is complete.
pub(super) fn end_access(section: Section, wrote: Option<bool>) {
    section.leave_by_step(did_when(wrote));
}

/// What a scope's region is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct On {
    pub(crate) object: Object,
    pub(crate) role: Option<&'static str>,
    pub(crate) key: Option<u64>,
}

/// A region of the calling thread, until it is dropped.
#[derive(Debug)]
pub(crate) struct RegionGuard {
    open: Option<u64>,
    // It is about what its own thread does.
    stays: PhantomData<*const ()>,
}

impl RegionGuard {
    /// What the region knew has been looked at anew.
    pub(crate) fn restart(&self) {
        if let Some(region) = self.open
            && UNDER_WAY.get()
        {
            with_regions(|regions| regions.restart(region));
        }
    }
}

impl Drop for RegionGuard {
    fn drop(&mut self) {
        if let Some(region) = self.open.take() {
            close(region, true);
        }
    }
}

/// The thread by which a region is begun, if accesses are looked at. If not, they have to be.
fn opening() -> Option<usize> {
    if !enabled() {
        return None;
    }
    if !super::ACCESSES.get() {
        needs_accesses();
        return None;
    }
    known_thread()
}

/// A region begins, about everything, or about a part of one object.
pub(crate) fn region(declared: &'static Region, on: Option<On>) -> RegionGuard {
    let open =
        opening().map(|thread| with_regions(|regions| regions.open(declared, on, thread, false)));
    RegionGuard {
        open,
        stays: PhantomData,
    }
}

/// A region ends; if it is a strict one that came to its end by itself, with a last look at all that it has worked on.
fn close(region: u64, by_itself: bool) {
    if !UNDER_WAY.get() {
        return;
    }
    let ends = if by_itself && enabled() {
        with_regions(|regions| regions.to_end(region))
    } else {
        Vec::new()
    };
    let mut broken = None;
    for (object, call) in ends {
        let Some(thread) = known_thread() else { break };
        let step = steps::begin(Act::call(call.operation, object, "ends"), call.site);
        point(object, false);
        broken = broken.or_else(|| {
            with_regions(|regions| {
                let visit = regions.arrive(call, object, thread, Some(region), || None);
                regions.depart(visit, thread, Did::Read.into())
            })
        });
        step.end(Value::Nothing);
    }
    with_regions(|regions| regions.close(region));
    if let Some(broken) = broken {
        panic!("{broken}");
    }
}

/// What the regions of the calling thread know of `object` has been looked at anew.
pub(crate) fn revalidated(object: Object) {
    if let Some(thread) = watching(object) {
        with_regions(|regions| regions.revalidated(object, thread));
    }
}

/// What a thread, closure or future that is begun here has of the regions that are open here.
#[derive(Clone, Debug)]
pub(crate) struct Bequest(Option<Inherited>);

pub(crate) fn bequeath() -> Bequest {
    let thread = if enabled() && super::ACCESSES.get() {
        known_thread()
    } else {
        None
    };
    Bequest(thread.map(|thread| with_regions(|regions| regions.bequeath(thread))))
}

impl Bequest {
    /// What a future has.
    pub(crate) fn into_future(self) -> Self {
        self
    }

    /// Polls `body`, once more, as a part of those regions.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Poller<'_>,
        body: impl FnOnce(&mut Poller<'_>) -> R,
    ) -> R {
        self.clone().run(|| body(cx))
    }

    /// Runs `body` as a part of those regions.
    pub(crate) fn run<R>(self, body: impl FnOnce() -> R) -> R {
        /// Gives the thread back what it had, also by unwinding.
        struct Running(usize, Option<Inherited>);
        impl Drop for Running {
            fn drop(&mut self) {
                if UNDER_WAY.get() {
                    with_regions(|regions| regions.inherit(self.0, self.1.take()));
                }
            }
        }
        // Outside of a model there are no threads of loom's to ask for.
        let thread = if enabled() { known_thread() } else { None };
        let running = self.0.zip(thread).map(|(inherited, thread)| {
            let before = with_regions(|regions| regions.inherit(thread, Some(inherited)));
            Running(thread, before)
        });
        let result = body();
        drop(running);
        result
    }
}

/// A region of an `async fn`, between its polls.
#[derive(Debug)]
pub(crate) struct PolledRegion {
    declared: &'static Region,
    /// With what it inherits; `None` before the first poll.
    open: Option<(u64, Bequest)>,
    polled: Shared,
}

/// The region during a poll; whoever ends it takes it out.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Option<u64>>>);

impl Shared {
    fn replace(&self, region: Option<u64>) -> Option<u64> {
        let mut polled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut polled, region)
    }

    fn close(&self) {
        if let Some(region) = self.replace(None) {
            close(region, true);
        }
    }
}

/// Owned by the body, as the last of its parameters.
#[derive(Debug)]
pub(crate) struct RegionEnd(Shared);

impl Drop for RegionEnd {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.close();
        }
    }
}

impl PolledRegion {
    pub(crate) fn new(declared: &'static Region) -> Self {
        Self {
            declared,
            open: None,
            polled: Shared::default(),
        }
    }

    /// What its body owns.
    pub(crate) fn end(&self) -> RegionEnd {
        RegionEnd(self.polled.clone())
    }

    /// Runs `poll` as a part of the region, which ends with it if the outcome is there.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Poller<'_>,
        poll: impl FnOnce(&mut Poller<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let Some(thread) = opening() else {
            return poll(cx);
        };
        let (region, inherited) = match self.open.take() {
            Some((region, inherited)) => {
                with_regions(|regions| regions.hand(region, Some(thread)));
                (region, inherited)
            }
            None => {
                let inherited = bequeath();
                let open = |regions: &mut Regions| regions.open(self.declared, None, thread, true);
                (with_regions(open), inherited)
            }
        };
        let inherited = &mut self.open.insert((region, inherited)).1;
        self.polled.replace(Some(region));
        let outcome = inherited.poll(cx, poll);
        if outcome.is_ready() {
            self.open = None;
            self.polled.close();
        } else {
            self.polled.replace(None);
            with_regions(|regions| regions.hand(region, None));
        }
        outcome
    }
}

impl Drop for PolledRegion {
    fn drop(&mut self) {
        if let Some((region, _)) = self.open.take() {
            close(region, false);
        }
    }
}

// Guards of locks may be dropped on other threads than they began on, and futures are moved.
const _: () = {
    const fn moves<T: Send + Sync>() {}
    moves::<Section>();
    moves::<Approach>();
    moves::<PolledRegion>();
    moves::<RegionEnd>();
};
