//! The steps of the execution under way: what each thread did last on the types of [`sync`](crate::sync), where, in which
//! order. A failing execution is shown from them, and ghost state that is open notices a step by them.
//!
//! They are written down all the time, since a failed model may abort before it could be run again. Who makes a step is told by its
//! stack, which costs a few comparisons where loom's own thread local costs a look-up.

use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::contract::{Object, Operation};
use crate::ghost;

/// One thing that one thread did.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) thread: usize,
    pub(crate) act: Act,
    pub(crate) failed: bool,
    pub(crate) site: &'static Location<'static>,
}

/// What was done to what.
#[derive(Clone, Copy)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    /// Its type and its address, which in one execution is one object.
    pub(crate) object: Option<(&'static str, usize)>,
    pub(crate) order: Option<Ordering>,
    /// What was handed in, and what came out.
    pub(crate) given: Value,
    pub(crate) got: Value,
}

/// A value in a step, as far as it can be shown without calling anybody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Signed(i64),
    Unsigned(u64),
    Bool(bool),
    Word(&'static str),
    /// A number that is given in the order of appearance.
    Thread(usize),
}

impl Act {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            object: None,
            order: None,
            given: Value::Nothing,
            got: Value::Nothing,
        }
    }

    /// One end of an annotated call.
    pub(super) fn call(operation: &'static Operation, object: Object, end: &'static str) -> Self {
        let mut act = Self::new(operation.name());
        let [address, _] = object.words();
        act.object = Some((operation.contract(), address as usize));
        act.given = Value::Word(end);
        act
    }

    pub(crate) fn on<T: ?Sized>(mut self, kind: &'static str, object: &T) -> Self {
        self.object = Some((kind, std::ptr::from_ref(object).cast::<()>().addr()));
        self
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Thread(number) => write!(f, "thread {number}"),
        }
    }
}

/// What is known of the execution under way.
struct Steps {
    /// Where the stack of each thread lies, once it runs.
    stacks: Vec<Option<Stack>>,
    done: Vec<Step>,
    /// What a thread has begun and not ended: where it is blocked, if it is.
    begun: Vec<Option<Step>>,
    /// Whether there was a panic since the last step.
    panicked: bool,
}

/// A stack grows downwards from its start.
#[derive(Clone, Copy)]
struct Stack {
    start: usize,
    size: usize,
}

/// What loom gives a thread that asks for no other size: the default of its coroutines.
pub(crate) const DEFAULT_STACK: usize = 0x8000;

std::thread_local! {
    static STEPS: RefCell<Steps> = const {
        RefCell::new(Steps { stacks: Vec::new(), done: Vec::new(), begun: Vec::new(), panicked: false })
    };
}

/// Forgets the execution before; called on the first thread of the new one.
pub(super) fn begin_execution() {
    ghost::begin_execution();
    STEPS.with_borrow_mut(|steps| {
        steps.stacks.clear();
        steps.done.clear();
        steps.begun.clear();
        steps.panicked = false;
    });
    started(spawned(), DEFAULT_STACK);
}

/// Numbers a thread that is about to be spawned, as loom does.
pub(crate) fn spawned() -> usize {
    if !super::enabled() {
        return 0;
    }
    STEPS.with_borrow_mut(|steps| {
        steps.stacks.push(None);
        steps.begun.push(None);
        steps.stacks.len() - 1
    })
}

/// Called on thread `number` before anything else.
pub(crate) fn started(number: usize, size: usize) {
    let start = here();
    STEPS.with_borrow_mut(|steps| {
        if let Some(stack) = steps.stacks.get_mut(number) {
            *stack = Some(Stack { start, size });
        }
    });
}

/// An address on the stack of the calling thread.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::hint::black_box(&raw const local).addr()
}

impl Steps {
    /// Whose stack `address` is on.
    fn thread(&self, address: usize) -> Option<usize> {
        self.stacks.iter().position(|stack| {
            stack.is_some_and(|Stack { start, size }| {
                // The caller of `started` has some frames above.
                address < start + 0x400 && start < address + size
            })
        })
    }
}

/// A step between its beginning, after which other threads may run, and its end.
#[must_use]
pub(crate) struct Begun(Option<usize>);

/// Begins a step.
///
/// # Panics
///
/// If ghost state is open.
#[inline]
pub(crate) fn begin(act: Act, site: &'static Location<'static>) -> Begun {
    if !super::enabled() {
        return Begun(None);
    }
    if let Some(opened) = ghost::opened_at() {
        step_within_open(act, site, opened);
    }
    let address = here();
    STEPS.with_borrow_mut(|steps| {
        steps.panicked = false;
        let Some(thread) = steps.thread(address) else {
            return Begun(None);
        };
        let step = Step {
            thread,
            act,
            failed: false,
            site,
        };
        steps.begun[thread] = Some(step);
        Begun(Some(thread))
    })
}

impl Begun {
    /// As [`end`](Self::end), of an attempt that failed.
    pub(crate) fn failed(self, got: Value) {
        self.end_as(got, true);
    }

    /// The step was made just now: no other thread has run since.
    #[inline]
    pub(crate) fn end(self, got: Value) {
        self.end_as(got, false);
    }

    #[inline]
    fn end_as(self, got: Value, failed: bool) {
        let Some(thread) = self.0 else { return };
        STEPS.with_borrow_mut(|steps| {
            let Some(mut step) = steps.begun[thread].take() else {
                return;
            };
            (step.act.got, step.failed) = (got, failed);
            steps.done.push(step);
        });
    }
}

/// Called at a panic: whether it is the second in an execution since its last step. If the first is not caught, the process
/// now aborts.
pub(crate) fn panics_again() -> bool {
    super::UNDER_WAY.get()
        && STEPS.with_borrow_mut(|steps| std::mem::replace(&mut steps.panicked, true))
}

/// The steps of the execution under way or last one, as a table; empty if there are none.
pub(crate) fn table() -> String {
    STEPS.with_borrow(|steps| {
        if steps.done.is_empty() {
            return String::new();
        }
        let begun: Vec<Step> = steps.begun.iter().flatten().copied().collect();
        super::table::table(&steps.done, &begun, steps.stacks.len())
    })
}

#[cold]
fn step_within_open(act: Act, site: &Location<'_>, opened: &Location<'_>) -> ! {
    panic!(
        "tsvd: ghost state held open across a step: opened at {opened}, then `{}` at {site}. Close it before the next step: \
         what is open between two steps, other threads never see.",
        act.name
    )
}
