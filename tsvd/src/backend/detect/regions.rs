//! Accesses under thread-safe contracts, and the regions expected to be atomic that look at them.

use std::cell::Cell;
#[cfg(feature = "tokio")]
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};

use super::threads::{self, Attached};
use super::world::World;
use super::{ENGINE, declared, enabled, recorder, retire};
use crate::contract::{Did, Key, Object, Operation, Region};
use crate::engine::region::access::Delayed;
use crate::engine::region::awaited::{Approached, HeldRegion};
use crate::engine::tasks::task_number;
use crate::engine::{Call, On, OpenRegion, Paused, Visit};

/// An access that is about to be made; its delay, if there was one, is over.
#[derive(Debug)]
pub(crate) struct Approach {
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<u64>,
    delayed: Option<Delayed>,
}

/// To be called before a lock of the guest's is taken for the access, never while one is held that it needs: it may sleep.
#[inline]
pub(crate) fn approach(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<u64>,
) -> Approach {
    let mut approach = Approach::undelayed(operation, site, object, key);
    if let Some(context) = threads::attached()
        && object.is_watched()
    {
        approach.delayed = ENGINE.approach(context, &approach.call());
    }
    approach
}

impl Approach {
    /// The same for where nobody may sleep.
    #[inline]
    pub(crate) fn undelayed(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<u64>,
    ) -> Self {
        Self {
            operation,
            site,
            object,
            key,
            delayed: None,
        }
    }

    /// Its delay, which a future awaits.
    #[cfg(feature = "tokio")]
    pub(crate) async fn awaited(mut self) -> Self {
        if self.object.is_watched() {
            let mut delay = Delay::default();
            self.delayed = poll_fn(|cx| delay.poll(cx, &self.call())).await;
        }
        self
    }

    /// The access begins.
    #[inline]
    pub(crate) fn enter(self) -> Section {
        let call = self.call();
        Section::new(&call, self.delayed)
    }

    fn call(&self) -> Call<'static> {
        Call {
            operation: self.operation,
            site: self.site,
            object: self.object,
            key: self.key.map(|hash| Key { hash, debug: None }),
        }
    }
}

/// The delay before an access that a future makes.
#[derive(Default)]
pub(super) struct Delay(Option<Box<HeldRegion<World>>>);

impl Delay {
    /// Ready as soon as `call`, the same at every poll, may be made.
    pub(super) fn poll(&mut self, cx: &Poller<'_>, call: &Call<'_>) -> Poll<Option<Delayed>> {
        let approached = match self.0.take() {
            Some(held) => ENGINE.approach_again(threads::current(), *held, cx.waker()),
            None => match threads::attached() {
                Some(context) => ENGINE.approach_polled(context, call, cx.waker()),
                None => Approached::Goes(None),
            },
        };
        match approached {
            Approached::Goes(delayed) => Poll::Ready(delayed),
            Approached::Waits(held) => {
                self.0 = Some(Box::new(held));
                Poll::Pending
            }
        }
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            ENGINE.give_up(threads::attached(), *held);
        }
    }
}

impl std::fmt::Debug for Delay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Delay").field(&self.0.is_some()).finish()
    }
}

/// An access that has begun; it ends when it is dropped, on whatever thread, with what its operation declares.
#[derive(Debug)]
pub(crate) struct Section(Option<Entered>);

#[derive(Debug)]
struct Entered {
    visit: Visit,
    was_panicking: bool,
}

impl Section {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self(None)
    }

    #[inline]
    pub(super) fn new(call: &Call<'_>, delayed: Option<Delayed>) -> Self {
        if !call.object.is_watched() {
            declared::leave_unwatched(call.operation);
            return Self::inert();
        }
        let visit = threads::current().and_then(|context| ENGINE.arrive(context, call, delayed));
        Self(visit.map(|visit| Entered {
            visit,
            was_panicking: std::thread::panicking(),
        }))
    }

    /// It ends, and this is what it did.
    #[inline]
    pub(crate) fn leave(mut self, did: Did) {
        self.end(|_| did);
    }

    /// Whether anybody wants to know which keys it writes, if it is of all.
    #[inline]
    pub(crate) fn asks(&self) -> bool {
        match (&self.0, threads::attached()) {
            (Some(entered), Some(context)) => ENGINE.asks(context, &entered.visit),
            _ => false,
        }
    }

    /// It ends, and is what [`Visit::wrote_only`] says.
    pub(crate) fn leave_partly(mut self, did: Did, keys: Vec<u64>, elsewhere: Did) {
        if let Some(entered) = &mut self.0 {
            entered.visit.wrote_only(keys, elsewhere);
        }
        self.end(|_| did);
    }

    /// It ends, with what its operation declares, or as one that was refused if it is known not to have written.
    pub(super) fn leave_when(mut self, wrote: Option<bool>) {
        self.end_when(wrote);
    }

    fn end_when(&mut self, wrote: Option<bool>) {
        self.end(|operation| match wrote {
            Some(false) => Did::Refused,
            _ => operation.access().into(),
        });
    }

    #[inline]
    fn end(&mut self, did: impl FnOnce(&'static Operation) -> Did) {
        let Some(entered) = &mut self.0 else { return };
        // Nobody knows how far an access came that panicked.
        let unknown = !entered.was_panicking && std::thread::panicking();
        let did = if unknown {
            Did::Nothing
        } else {
            did(entered.visit.operation())
        };
        ENGINE.depart_from(threads::attached(), &mut entered.visit, did);
        self.0 = None;
    }
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        self.end(|operation| operation.access().into());
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
    #[inline]
    fn drop(&mut self) {
        self.section.end_when(self.wrote.get());
    }
}

#[inline]
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
    let call = Call {
        operation,
        site,
        object,
        key,
    };
    let delayed = threads::attached()
        .filter(|_| object.is_watched())
        .and_then(|context| ENGINE.approach(context, &call));
    AccessGuard {
        section: Section::new(&call, delayed),
        wrote: Cell::new(None),
    }
}

/// A region of the calling thread, until it is dropped.
#[derive(Debug)]
pub(crate) struct RegionGuard {
    open: Option<(Owner, OpenRegion)>,
    declared: &'static Region,
    // It is about what its own thread does.
    stays: PhantomData<*const ()>,
}

struct Owner(Attached);

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.number())
    }
}

impl RegionGuard {
    pub(crate) fn inert(declared: &'static Region) -> Self {
        Self {
            open: None,
            declared,
            stays: PhantomData,
        }
    }

    /// What the region knew has been looked at anew.
    pub(crate) fn restart(&self) {
        if let Some((Owner(context), region)) = &self.open {
            ENGINE.restart_region(context, region);
        }
    }
}

impl Drop for RegionGuard {
    fn drop(&mut self) {
        let Some((Owner(context), region)) = self.open.take() else {
            return;
        };
        // A block that its thread has given back may be another's.
        if threads::attached().is_none_or(|own| !std::ptr::eq(own, context)) {
            return;
        }
        let by_itself = !std::thread::panicking();
        if ENGINE.close_region(context, &region, by_itself) {
            recorder::react(self.declared.end());
        }
    }
}

/// A region begins, about everything, or about a part of one object.
pub(crate) fn region(declared: &'static Region, on: Option<On>) -> RegionGuard {
    let open = threads::current().and_then(|context| {
        let open = ENGINE.open_region(context, declared, on)?;
        Some((Owner(context), open))
    });
    RegionGuard {
        open,
        ..RegionGuard::inert(declared)
    }
}

/// What the regions of the calling thread know of `object` has been looked at anew.
pub(crate) fn revalidated(object: Object) {
    if enabled()
        && let Some(context) = threads::attached()
    {
        ENGINE.revalidated(context, object);
    }
}

/// A region of an `async fn`, between its polls.
#[derive(Debug)]
pub(crate) struct PolledRegion {
    declared: &'static Region,
    /// `None` before the first poll, and during each.
    paused: Option<Paused>,
    open: Shared,
}

/// The region during a poll; whoever ends it, who polls it or its [`RegionEnd`], takes it out.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Option<OpenRegion>>>);

impl Shared {
    fn replace(&self, region: Option<OpenRegion>) -> Option<OpenRegion> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut open, region)
    }

    fn close(&self, context: Attached, declared: &'static Region) {
        if let Some(region) = self.replace(None)
            && ENGINE.close_region(context, &region, true)
        {
            recorder::react(declared.end());
        }
    }
}

/// Owned by the body, as the last of its parameters: the region is over before the others are dropped.
#[derive(Debug)]
pub(crate) struct RegionEnd {
    declared: &'static Region,
    open: Shared,
}

impl Drop for RegionEnd {
    fn drop(&mut self) {
        // If it is polled at all, then here.
        if let Some(context) = threads::attached()
            && !std::thread::panicking()
        {
            self.open.close(context, self.declared);
        }
    }
}

impl PolledRegion {
    pub(crate) fn new(declared: &'static Region) -> Self {
        Self {
            declared,
            paused: None,
            open: Shared::default(),
        }
    }

    /// What its body owns.
    pub(crate) fn end(&self) -> RegionEnd {
        RegionEnd {
            declared: self.declared,
            open: self.open.clone(),
        }
    }

    /// Runs `poll` as a part of the region, which ends with it if the outcome is there.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Poller<'_>,
        poll: impl FnOnce(&mut Poller<'_>) -> Poll<R>,
    ) -> Poll<R> {
        /// Takes the region from the thread, also by unwinding.
        struct Polling<'a> {
            paused: &'a mut Option<Paused>,
            context: Attached,
            open: &'a Shared,
        }
        impl Drop for Polling<'_> {
            fn drop(&mut self) {
                if let Some(region) = self.open.replace(None) {
                    *self.paused = ENGINE.pause_region(self.context, &region);
                }
            }
        }
        let begin = |context| ENGINE.begin_region(context, self.declared, task_number(cx.waker()));
        let context = threads::current().filter(|context| !context.is_suspended());
        let polled = context.and_then(|context| {
            let paused = self.paused.take().or_else(|| begin(context))?;
            Some((context, paused))
        });
        let Some((context, paused)) = polled else {
            return poll(cx);
        };
        let region = ENGINE.resume_region(context, paused);
        self.open.replace(Some(region));
        let _polling = Polling {
            paused: &mut self.paused,
            context,
            open: &self.open,
        };
        let outcome = poll(cx);
        if outcome.is_ready() {
            self.open.close(context, self.declared);
        }
        outcome
    }
}

impl Drop for PolledRegion {
    fn drop(&mut self) {
        if let Some(paused) = self.paused.take() {
            ENGINE.end_region(threads::attached(), paused);
        }
    }
}

// A panic takes it from the thread, as a poll's end does.
impl UnwindSafe for PolledRegion {}
impl RefUnwindSafe for PolledRegion {}
impl UnwindSafe for RegionEnd {}
impl RefUnwindSafe for RegionEnd {}

// As its future is moved between polls; and guards of locks may be dropped elsewhere.
const _: () = {
    const fn moves<T: Send + Sync>() {}
    const fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}
    moves::<PolledRegion>();
    moves::<RegionEnd>();
    unwinds::<PolledRegion>();
    moves::<Section>();
    moves::<Approach>();
};
