//! Contract calls under `--cfg loom`: two calls that conflict must be *ordered*, in every execution loom explores.
//!
//! Loom keeps a vector clock per thread and checks it at each access of its `UnsafeCell`: an access panics unless every
//! earlier access it collides with happens before it. A contract call borrows that check. It has two *events*, its entry
//! and its exit. Each event looks at the cells of all conflicting calls of other threads (a read), then at a cell that
//! belongs to its own thread (a write), see [`ledger`]. So of any two events of conflicting calls the later one finds the
//! earlier one's write and fails unless it happens after it. What remains possible is A after B, B after A, or one wholly inside
//! the other and ordered with both ends of it: a child that was spawned and joined within the call. A partial overlap that
//! is ordered by flags (A enters, B enters, A leaves, B leaves) is told by the order of the events themselves.
//!
//! After its entry and before its exit a call has a scheduling point, so that bodies interleave even where nothing in
//! them is loom's. Both are needed for the verdict too: loom orders a reader of an `RwLock` after the readers that left
//! before it, which nothing in the program does, and does not try readers in another order; that two calls overlap under
//! read locks shows only where loom is made to try. A point is an access of a loom atomic which the execution makes before
//! its body runs (an atomic created later would have to happen before each of its uses). Objects take them in the order in
//! which they are first used, and share them where there are more objects: that costs executions, never a verdict. After
//! the first execution only as many are made as had a use; if that was none and an execution comes to need one, the model is run again. A read loads, a write tries a compare-and-exchange that fails:
//! loom then explores the order of a write against everything and leaves two reads alone. Neither of them stores, so
//! neither adds a happens-before edge, not even through fences, which a successful exchange would.

mod asynchronous;
mod defect;
mod ledger;
#[cfg(test)]
mod models;
mod regions;
pub(crate) mod steps;
mod table;
mod watches;

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::panic::Location;
use std::rc::Rc;

use ::loom::sync::atomic::AtomicUsize;
use ::loom::sync::atomic::Ordering::Relaxed;

use self::ledger::{Flight, Ledger};
use self::steps::{Act, Value};
use crate::contract::{Did, Key, Object, Operation};

pub(crate) use self::asynchronous::{End, Moment, Operating, begin};
pub(crate) use self::ledger::is_loom_muted;
pub(crate) use self::regions::{
    AccessGuard, Approach, Bequest as Inherited, On, PolledRegion, RegionEnd, RegionGuard, Section,
    access, approach, bequeath, region, revalidated,
};

/// Each is a loom object in every execution, about 2 % of the time of a small one.
const MAX_SCHEDULING_POINTS: usize = 8;

std::thread_local! {
    /// Whether this OS thread, on which loom runs all threads of a model, is inside an execution.
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
    static EXECUTION: RefCell<Option<Execution>> = const { RefCell::new(None) };
    static THREADS: Cell<usize> = const { Cell::new(0) };
    /// The most objects that an execution of this model has used so far.
    static OBJECTS: Cell<usize> = const { Cell::new(0) };
    /// Whether accesses under thread-safe contracts are looked at.
    static ACCESSES: Cell<bool> = const { Cell::new(false) };
    /// What an execution was without, and came to need.
    static MISSED: Cell<Needs> = const { Cell::new(Needs::NONE) };
}

::loom::thread_local! {
    /// A number per loom thread; gone when the thread's locals are being dropped.
    static THREAD: usize = next_thread();
}

/// What few models need in each execution, so that all others are spared it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// A scheduling point, though earlier executions had no use for one.
    points: bool,
    /// That accesses under thread-safe contracts are looked at, for there are regions.
    accesses: bool,
}

impl Needs {
    pub(crate) const NONE: Self = Self {
        points: false,
        accesses: false,
    };

    /// Those of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            points: self.points || other.points,
            accesses: self.accesses || other.accesses,
        }
    }
}

struct Execution {
    ledger: Ledger,
    regions: watches::Regions,
    points: Rc<[AtomicUsize]>,
}

fn next_thread() -> usize {
    THREADS.replace(THREADS.get() + 1)
}

/// The number of the loom thread. In destructors of thread locals each call counts as a thread of its own, which is
/// right too: cells of the same thread are skipped only because they are ordered anyway.
fn thread() -> usize {
    known_thread().unwrap_or_else(next_thread)
}

fn known_thread() -> Option<usize> {
    THREAD.try_with(|number| *number).ok()
}

/// A model that is running on this OS thread; contract calls are checked until it is dropped.
#[derive(Debug)]
pub(crate) struct Session(());

impl Session {
    /// Each execution has what it needs.
    pub(crate) fn start(needs: Needs) -> Self {
        OBJECTS.set(usize::from(needs.points));
        ACCESSES.set(needs.accesses);
        MISSED.set(Needs::NONE);
        Self(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        UNDER_WAY.set(false);
        EXECUTION.set(None);
    }
}

/// Starts an execution, from within loom: what the previous one knew of objects is forgotten.
pub(crate) fn begin_execution() {
    THREADS.set(0);
    let is_first = EXECUTION.with_borrow(Option::is_none);
    let count = if is_first {
        MAX_SCHEDULING_POINTS
    } else {
        OBJECTS.get().min(MAX_SCHEDULING_POINTS)
    };
    let points = (0..count).map(|_| AtomicUsize::new(0)).collect();
    EXECUTION.set(Some(Execution {
        ledger: Ledger::default(),
        regions: watches::Regions::default(),
        points,
    }));
    UNDER_WAY.set(true);
    steps::begin_execution();
}

/// A step on the ghosts' clock: loom explores its order among all of them.
pub(crate) fn tick() {
    if enabled() {
        try_to_write(0);
    }
}

/// An operation in flight, until it is dropped; to regions it is an access.
#[derive(Debug)]
pub(crate) struct Guard {
    token: Token,
    section: Section,
    wrote: Cell<bool>,
}

impl Guard {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self {
            token: Token::inert(),
            section: Section::inert(),
            wrote: Cell::new(true),
        }
    }

    #[inline]
    pub(crate) fn when(&self, wrote: bool) {
        self.wrote.set(wrote);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.token.end();
        let section = std::mem::replace(&mut self.section, Section::inert());
        if !self.wrote.get() {
            section.leave(Did::Revalidated { wrote: false });
        }
    }
}

/// The guard of a scope: it may end on another thread, whose exit then counts as that thread's event.
#[derive(Debug)]
pub(crate) struct Token(Option<Flight>);

impl Token {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self(None)
    }

    fn end(&mut self) {
        let Some(flight) = self.0.take() else { return };
        if !UNDER_WAY.get() {
            return;
        }
        // A second panic would abort, and the execution has failed or is about to: only the books are put right.
        if std::thread::panicking() {
            with_ledger(|ledger| ledger.forget(&flight));
            return;
        }
        let step = steps::begin(flight.act("leaves"), flight.site());
        scheduling_point(flight.order_of_object(), flight.writes());
        let thread = thread();
        if let Some(violation) = with_ledger(|ledger| ledger.exit(&flight, thread)) {
            panic!("{violation}");
        }
        step.end(Value::Nothing);
        if flight.ends_object() {
            with_regions(|regions| regions.retire(flight.object()));
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether an execution is under way on this OS thread, and not coming down.
#[inline]
pub(crate) fn enabled() -> bool {
    UNDER_WAY.get() && !std::thread::panicking()
}

/// Whether [`enter`] has to be asked.
#[inline]
pub(crate) fn may_enter() -> bool {
    enabled()
}

pub(crate) fn enter(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> Guard {
    let token = token(operation, site, object, key);
    let is_access = token.0.is_some() && !operation.drops();
    let call = ledger::Call::new(operation, site, key);
    Guard {
        section: if is_access {
            Section::enter(call, object, key)
        } else {
            Section::inert()
        },
        token,
        wrote: Cell::new(true),
    }
}

pub(crate) fn token(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> Token {
    if !enabled() || !object.is_watched() {
        return Token::inert();
    }
    let step = steps::begin(Act::call(operation, object, "enters"), site);
    let thread = thread();
    let flight = match with_ledger(|ledger| ledger.enter(operation, site, object, key, thread)) {
        Ok(flight) => flight,
        Err(violation) => panic!("{violation}"),
    };
    step.end(Value::Nothing);
    scheduling_point(flight.order_of_object(), operation.access().writes());
    Token(Some(flight))
}

/// Ends what is in flight on an object whose life is over.
pub(crate) fn retire(object: Object) {
    if UNDER_WAY.get() {
        with_ledger(|ledger| ledger.retire(object));
        with_regions(|regions| regions.retire(object));
    }
}

/// What the program sets: nothing here has settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen;

impl Chosen {
    #[inline]
    pub(crate) fn set(&mut self, _: &str, _: &dyn Display, _: &'static Location<'static>) {}
}

/// Models are watched whether or not the program asks for it.
pub(crate) fn enable(_: Chosen) {}

// A scope's token may be moved to another thread and dropped there.
const _: () = {
    const fn moves<T: Send + Sync>() {}
    moves::<Token>();
};

fn with_regions<R>(f: impl FnOnce(&mut watches::Regions) -> R) -> R {
    EXECUTION.with_borrow_mut(|execution| {
        f(&mut execution
            .as_mut()
            .expect("an execution is under way")
            .regions)
    })
}

fn with_ledger<R>(f: impl FnOnce(&mut Ledger) -> R) -> R {
    EXECUTION.with_borrow_mut(|execution| {
        f(&mut execution
            .as_mut()
            .expect("an execution is under way")
            .ledger)
    })
}

fn scheduling_point(order_of_object: usize, writes: bool) {
    if writes {
        try_to_write(order_of_object);
    } else {
        point(order_of_object, |point| {
            point.load(Relaxed);
        });
    }
}

fn try_to_write(index: usize) {
    point(index, |point| {
        let failed = point.compare_exchange(1, 1, Relaxed, Relaxed);
        debug_assert!(failed.is_err(), "scheduling points are never stored to");
    });
}

fn point(index: usize, access: impl FnOnce(&AtomicUsize)) {
    OBJECTS.set(OBJECTS.get().max(index + 1));
    // Cloned out: loom may run another thread, which needs the execution itself.
    let points = EXECUTION
        .with_borrow(|execution| Rc::clone(&execution.as_ref().expect("under way").points));
    if points.is_empty() {
        miss(Needs {
            points: true,
            ..Needs::NONE
        });
    } else {
        access(&points[index % points.len()]);
    }
}

fn miss(needs: Needs) {
    MISSED.set(MISSED.get().and(needs));
}

fn needs_accesses() {
    miss(Needs {
        accesses: true,
        ..Needs::NONE
    });
}

/// What an execution needed and was without: orders were left out, and regions were not looked at. The model has to be run again, with
/// it from the beginning.
pub(crate) fn missed() -> Option<Needs> {
    let missed = MISSED.get();
    (missed != Needs::NONE).then_some(missed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Access;
    use crate::sync::Arc;
    use crate::thread;
    use ::loom::sync::atomic::AtomicBool;
    use ::loom::sync::atomic::Ordering::{self, Acquire, Release};

    pub(super) static READ: Operation =
        Operation::new("tests::List", "iterate", Access::Read, Location::caller());
    pub(super) static WRITE: Operation =
        Operation::new("tests::List", "push", Access::Write, Location::caller());

    pub(super) fn here() -> (&'static Location<'static>, Object) {
        (Location::caller(), Object::resource("tests::List"))
    }

    /// A scope begins on one thread and ends on another, which then sets a flag with `publish`.
    fn handed_over(publish: Ordering) {
        let done = Arc::new(AtomicBool::new(false));
        let (site, list) = here();
        drop(enter(&WRITE, site, list, None));
        let scope = token(&READ, site, list, None);
        let other = {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                drop(scope);
                done.store(true, publish);
            })
        };
        if done.load(Acquire) {
            drop(enter(&WRITE, site, list, None));
        }
        other.join().unwrap();
        drop(enter(&WRITE, site, list, None));
    }

    #[test]
    fn a_scope_ends_where_it_is_dropped() {
        let exploration = crate::model(|| handed_over(Release));
        assert!(exploration.executions() > 1);
    }

    #[test]
    #[should_panic(expected = "`List::push` (write) at")]
    fn a_scope_that_ended_unseen_is_in_the_way() {
        crate::model(|| handed_over(Relaxed));
    }

    #[test]
    fn nothing_is_watched_outside_a_model() {
        let (site, list) = here();
        assert!(!enabled());
        assert!(enter(&WRITE, site, list, None).token.0.is_none());
    }
}
