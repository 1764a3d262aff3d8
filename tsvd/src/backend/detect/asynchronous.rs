//! Async operations of the process: begun when they are called, in flight while they are polled.

use std::cell::Cell;
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};

use super::inherit::Before;
use super::regions::{Delay, Section};
use super::world::World;
use super::{ENGINE, NOW, declared, enabled, recorder, threads};
use crate::contract::{Did, Key, Object, Operation};
use crate::engine::Call;
use crate::engine::Ending;
use crate::engine::env::Environment;
use crate::engine::tasks::{OpenTask, Polled, task_number};

thread_local! {
    /// Async operations that have ended on this thread.
    static ENDED: Cell<u32> = const { Cell::new(0) };
}

/// When an operation was called: how many have ended on this thread, which its address tells from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    thread: usize,
    ended: u32,
}

impl Moment {
    pub(crate) fn now() -> Self {
        ENDED.with(|ended| Self {
            thread: std::ptr::from_ref(ended).addr(),
            ended: ended.get(),
        })
    }

    /// Whether operations have ended since, on this thread: then it was called before they ran, as by `join!`.
    fn is_overtaken(self) -> bool {
        let now = Self::now();
        now.thread == self.thread && now.ended != self.ended
    }
}

/// An async operation, from its call until it is complete or dropped.
#[derive(Debug)]
pub(crate) struct Operating(State);

#[derive(Debug, Default)]
enum State {
    /// Nothing is in flight, or no more.
    #[default]
    Inert,
    Begun(Begun),
    InFlight(Shared),
    /// Under a thread-safe contract: in nobody's way, but an access of regions.
    Access(Section),
}

/// An operation that has not been polled.
#[derive(Debug)]
struct Begun {
    operation: &'static Operation,
    site: &'static Location<'static>,
    moment: Moment,
    object: Object,
    key: Option<u64>,
    key_text: Option<Text>,
    may_be_held: bool,
    /// Where its [`End`] expects what is in flight; `None` under a thread-safe contract.
    shared: Option<Shared>,
    /// Of an access, before it is made.
    delay: Delay,
}

impl Begun {
    fn call(&self) -> Call<'_> {
        let debug = |text| text as &dyn fmt::Debug;
        Call {
            operation: self.operation,
            site: self.site,
            object: self.object,
            key: self.key.map(|hash| Key {
                hash,
                debug: self.key_text.as_ref().map(debug),
            }),
        }
    }
}

/// A key's text, for the report.
#[derive(Clone)]
struct Text(String);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct InFlight {
    task: OpenTask<World>,
    operation: &'static Operation,
}

/// What is in flight; whoever ends it, who polls it or its [`End`], takes it out.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Option<InFlight>>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<InFlight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(&self, cx: &Poller<'_>) -> Polled {
        match &mut *self.lock() {
            Some(flight) if flight.task.is_held() => {
                ENGINE.resume(threads::current(), &mut flight.task, cx.waker())
            }
            _ => Polled::Goes,
        }
    }

    fn operation(&self) -> Option<&'static Operation> {
        self.lock().as_ref().map(|flight| flight.operation)
    }

    /// The calling thread acts for it until this is dropped.
    fn frame(&self) -> Option<Before> {
        self.lock()
            .as_ref()
            .map(|flight| Before::acting(flight.task.frame()))
    }

    /// The body has been polled, and was ready or not.
    fn polled(&self, ready: bool) {
        if let Some(flight) = &mut *self.lock() {
            ENGINE.body_polled(&mut flight.task, ready);
        }
    }

    #[cold]
    fn end(&self, ending: Ending) {
        let taken = self.lock().take();
        let Some(flight) = taken else { return };
        let _ = ENDED.try_with(|ended| ended.set(ended.get().wrapping_add(1)));
        if !NOW.is_off() {
            ENGINE.end_task(threads::current(), flight.task, ending);
        }
    }
}

/// Owned by the body, as the last of its parameters: it ends the operation before the others are dropped, one of which may be the
/// guard of the lock that orders the operations.
#[derive(Debug)]
pub(crate) struct End(Option<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        // If the future is dropped while it waits, the operation has ended before.
        if std::thread::panicking() {
            shared.end(Ending::Dropped);
        } else {
            shared.polled(true);
            shared.end(Ending::ByItself);
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight")
            .field("operation", self.operation)
            .finish_non_exhaustive()
    }
}

/// An operation that was called at `site`, at `moment`; nothing is in flight yet.
pub(crate) fn begin(
    operation: &'static Operation,
    site: &'static Location<'static>,
    moment: Moment,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    if !enabled() {
        return Operating::inert();
    }
    if !object.is_watched() {
        declared::leave_unwatched(operation);
        return Operating::inert();
    }
    // Only here is it at hand. Before the first suspicion nobody will ask for it.
    let text = |key: Key<'_>| {
        let debug = key.debug?;
        threads::current()?;
        if ENGINE.trap_set().is_empty() {
            return None;
        }
        threads::unwatched(|| ENGINE.env().text(debug)).map(Text)
    };
    Operating(State::Begun(Begun {
        operation,
        site,
        moment,
        object,
        key: key.map(|key| key.hash),
        key_text: key.and_then(text),
        may_be_held: true,
        shared: (!operation.is_thread_safe()).then(Shared::default),
        delay: Delay::default(),
    }))
}

impl Operating {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self(State::Inert)
    }

    /// What has not been polled, but is not before its body any more: it is checked and answers, and is not delayed.
    #[inline]
    pub(crate) fn never_held(mut self) -> Self {
        if let State::Begun(begun) = &mut self.0 {
            begun.may_be_held = false;
        }
        self
    }

    /// With what its body owns.
    #[inline]
    pub(crate) fn with_end(self) -> (Self, End) {
        let end = match &self.0 {
            State::Begun(begun) => begun.shared.clone(),
            _ => None,
        };
        (self, End(end))
    }

    /// Polls `body` in the operation. The first poll says that it is in flight, and may hold it.
    #[inline]
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Poller<'_>,
        body: impl FnOnce(&mut Poller<'_>) -> Poll<R>,
        wrote: impl FnOnce(&R) -> Option<bool>,
    ) -> Poll<R> {
        // A body that is polled once more after its end says itself what it thinks of that.
        if matches!(self.0, State::Inert) {
            return body(cx);
        }
        if self.arrive_task(cx).is_pending() {
            return Poll::Pending;
        }
        let State::InFlight(flight) = &self.0 else {
            let polled = body(cx);
            if let Poll::Ready(output) = &polled {
                self.leave(wrote(output));
            }
            return polled;
        };
        let polled = {
            let _frame = flight.frame();
            body(cx)
        };
        flight.polled(polled.is_ready());
        if polled.is_ready() {
            self.end(Ending::ByItself);
        }
        polled
    }

    /// What happens before the body is polled.
    fn arrive_task(&mut self, cx: &Poller<'_>) -> Poll<()> {
        let polled = match &self.0 {
            State::Begun(_) => self.open(cx),
            State::InFlight(flight) => flight.resume(cx),
            State::Inert | State::Access(_) => Polled::Goes,
        };
        match (polled, &self.0) {
            (Polled::Waits, _) => return Poll::Pending,
            (Polled::Caught, State::InFlight(flight)) => {
                if let Some(operation) = flight.operation() {
                    recorder::react(operation);
                }
            }
            _ => {}
        }
        Poll::Ready(())
    }

    #[cold]
    fn open(&mut self, cx: &Poller<'_>) -> Polled {
        let State::Begun(begun) = std::mem::take(&mut self.0) else {
            return Polled::Goes;
        };
        let Some(shared) = begun.shared.clone() else {
            return self.approach(begun, cx);
        };
        let Some(context) = threads::current() else {
            return Polled::Goes;
        };
        let call = begun.call();
        let task = (!begun.moment.is_overtaken()).then(|| task_number(cx.waker()));
        let Some(task) = ENGINE.open_task(context, &call, task) else {
            return Polled::Goes;
        };
        let operation = begun.operation;
        *shared.lock() = Some(InFlight { task, operation });
        // Here before it is checked, so that a panic ends it.
        self.0 = State::InFlight(shared.clone());
        let waker = begun.may_be_held.then(|| cx.waker());
        match &mut *shared.lock() {
            Some(flight) => ENGINE.arrive_task(context, &mut flight.task, &call, waker),
            None => Polled::Goes,
        }
    }

    fn approach(&mut self, mut begun: Begun, cx: &Poller<'_>) -> Polled {
        let mut delay = std::mem::take(&mut begun.delay);
        let polled = if begun.may_be_held {
            delay.poll(cx, &begun.call())
        } else {
            Poll::Ready(None)
        };
        let Poll::Ready(delayed) = polled else {
            self.0 = State::Begun(Begun { delay, ..begun });
            return Polled::Waits;
        };
        self.0 = State::Access(Section::new(&begun.call(), delayed));
        Polled::Goes
    }

    /// An access is complete, and did what it declares, or what its output says.
    fn leave(&mut self, wrote: Option<bool>) {
        if let State::Access(access) = std::mem::take(&mut self.0) {
            access.leave_when(wrote);
        }
    }

    #[cold]
    fn end(&mut self, ending: Ending) {
        match std::mem::take(&mut self.0) {
            // Nobody knows how far it came.
            State::Access(access) => access.leave(Did::Nothing),
            State::InFlight(flight) => flight.end(ending),
            State::Inert | State::Begun(_) => {}
        }
    }
}

impl Drop for Operating {
    fn drop(&mut self) {
        self.end(Ending::Dropped);
    }
}

// A panic ends what is in flight, and leaves nothing half done.
impl UnwindSafe for Operating {}
impl RefUnwindSafe for Operating {}
impl UnwindSafe for End {}
impl RefUnwindSafe for End {}

// It goes wherever the future goes.
const _: () = {
    const fn moves<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    moves::<Operating>();
    moves::<End>();
};
