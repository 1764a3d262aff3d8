//! What the models share: an engine with two contexts, its calls, and what must have happened in some execution.

use std::collections::BTreeSet;
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use super::{Delays, DetectedBy, Modelled, Seen};
use crate::config::Parameters;
use crate::contract::{Access, Did, Object, Operation, Region};
use crate::engine::Ending;
use crate::engine::enter::Entered;
use crate::engine::marks::Flight;
use crate::engine::tasks::{OpenTask, Polled};
use crate::engine::traps::Evidence;
use crate::engine::{Call, Context, Engine, Lineage, Now, OpenRegion, OpenToken, Visit};

/// Called by context 0.
pub(super) static FIRST: Operation = operation("first", Access::Write, Location::caller());
/// Called by context 1.
pub(super) static SECOND: Operation = operation("second", Access::Write, Location::caller());
/// Called by context 2.
pub(super) static THIRD: Operation = operation("third", Access::Write, Location::caller());
pub(super) static READ: Operation = operation("read", Access::Read, Location::caller());
/// Not on the object of the others.
pub(super) static WRITE_OTHER: Operation = operation("other", Access::Write, Location::caller());
/// The other site of every armed pair.
static NEVER: Operation = operation("never", Access::Write, Location::caller());

/// Of a thread-safe contract.
pub(super) static LOOK: Operation =
    operation("look", Access::Read, Location::caller()).thread_safe();
pub(super) static PUT: Operation =
    operation("put", Access::Write, Location::caller()).thread_safe();
pub(super) static REGION: Region = Region::new("lab", "region", false, Location::caller());
pub(super) static STRICT: Region = Region::new("lab", "strict", true, Location::caller());

const fn operation(
    name: &'static str,
    access: Access,
    definition: &'static Location<'static>,
) -> Operation {
    Operation::new("lab::Map", name, access, definition)
}

fn call(operation: &'static Operation) -> Call<'static> {
    let name = if ptr::eq(operation, &WRITE_OTHER) {
        "other"
    } else {
        "map"
    };
    Call {
        operation,
        site: operation.definition(),
        object: Object::resource(name),
        key: None,
    }
}

/// One execution's engine.
pub(super) struct Lab {
    pub(super) engine: Engine<Modelled>,
    contexts: Vec<&'static Context<Modelled>>,
    now: &'static Now,
}

impl Lab {
    /// An engine for `contexts` threads in which every call of `armed` is held.
    pub(super) fn new(delays: Delays, contexts: usize, armed: &[&'static Operation]) -> Arc<Self> {
        let now: &'static Now = Box::leak(Box::new(Now::undecided()));
        now.switch_on();
        let parameters = Parameters {
            history_lines: 4,
            // They go by stacks, which models have none of.
            suspicions: false,
            ..Parameters::default()
        };
        let engine = Engine::new(Modelled::new(delays), now, parameters);
        let site = |operation: &'static Operation| {
            engine
                .sites()
                .number(operation, operation.definition(), |_| None)
        };
        // Near misses of the models' own arm nothing more.
        let pairs = [
            [&FIRST, &SECOND],
            [&FIRST, &THIRD],
            [&SECOND, &THIRD],
            [&LOOK, &LOOK],
            [&LOOK, &PUT],
            [&PUT, &PUT],
        ];
        for [a, b] in pairs {
            engine.trap_set().violated(site(a), site(b));
        }
        for operation in armed {
            engine.trap_set().suspect(site(operation), site(&NEVER), 0);
        }
        let contexts = (0..contexts).map(|_| engine.attach()).collect();
        Arc::new(Self {
            engine,
            contexts,
            now,
        })
    }

    pub(super) fn enter(&self, me: usize, operation: &'static Operation) -> Entered {
        self.engine.enter(self.contexts[me], &call(operation))
    }

    pub(super) fn leave(&self, me: usize, entered: Entered) {
        match entered {
            Entered::InFlight(index) | Entered::Caught(index) => {
                self.engine.leave(self.contexts[me], index);
            }
            Entered::Unwatched => panic!("no model nests its calls so deeply"),
        }
    }

    pub(super) fn call(&self, me: usize, operation: &'static Operation) {
        let entered = self.enter(me, operation);
        self.leave(me, entered);
    }

    /// A scope, which is a token; with whether it was caught.
    pub(super) fn open(&self, me: usize, operation: &'static Operation) -> (OpenToken, bool) {
        let opened = self.engine.open(self.contexts[me], &call(operation));
        opened.expect("no model nests its scopes")
    }

    pub(super) fn close(&self, me: usize, token: OpenToken) {
        self.engine.close(Some(self.contexts[me]), token);
    }

    /// An async operation is polled for the first time by context `me`.
    pub(super) fn begin_task(
        &self,
        me: usize,
        operation: &'static Operation,
        waker: &Waker,
    ) -> (OpenTask<Modelled>, Polled) {
        let (context, call) = (self.contexts[me], call(operation));
        let task = self.engine.open_task(context, &call, None);
        let mut task = task.expect("not within the engine's own work");
        let polled = self
            .engine
            .arrive_task(context, &mut task, &call, Some(waker));
        (task, polled)
    }

    pub(super) fn resume(&self, me: usize, task: &mut OpenTask<Modelled>, waker: &Waker) -> Polled {
        self.engine.resume(Some(self.contexts[me]), task, waker)
    }

    pub(super) fn end_task(&self, me: usize, task: OpenTask<Modelled>) {
        self.engine
            .end_task(Some(self.contexts[me]), task, Ending::ByItself);
    }

    pub(super) fn drop_task(&self, me: usize, task: OpenTask<Modelled>) {
        self.engine
            .end_task(Some(self.contexts[me]), task, Ending::Dropped);
    }

    pub(super) fn open_region(&self, me: usize, declared: &'static Region) -> OpenRegion {
        let region = self.engine.open_region(self.contexts[me], declared, None);
        region.expect("the engine is on")
    }

    pub(super) fn close_region(&self, me: usize, region: &OpenRegion) {
        self.engine.close_region(self.contexts[me], region, true);
    }

    pub(super) fn restart_region(&self, me: usize, region: &OpenRegion) {
        self.engine.restart_region(self.contexts[me], region);
    }

    pub(super) fn revalidated(&self, me: usize, operation: &'static Operation) {
        self.engine
            .revalidated(self.contexts[me], call(operation).object);
    }

    pub(super) fn arrive(&self, me: usize, operation: &'static Operation) -> Visit {
        let (context, call) = (self.contexts[me], call(operation));
        let delayed = self.engine.approach(context, &call);
        let visit = self.engine.arrive(context, &call, delayed);
        visit.expect("not within the engine's own work")
    }

    pub(super) fn depart(&self, me: usize, visit: Visit, did: Did) {
        self.engine.depart(Some(self.contexts[me]), visit, did);
    }

    /// The life of the object of `operation` ends in context `me`.
    pub(super) fn retire(&self, me: usize, operation: &'static Operation) {
        self.engine
            .retire(self.contexts[me], call(operation).object);
    }

    /// The thread of context `me` makes a call and ends; the number of the call in its entry.
    pub(super) fn call_and_end(&self, me: usize, operation: &'static Operation) -> Flight {
        let context = self.contexts[me];
        let index = self.enter_index(context, operation);
        let flight = context.flight(index);
        self.engine.leave(context, index);
        context.release();
        flight
    }

    /// A new thread makes a call; likewise.
    pub(super) fn begin_and_call(&self, operation: &'static Operation) -> Flight {
        let context = self.engine.attach();
        let index = self.enter_index(context, operation);
        let flight = context.flight(index);
        self.engine.leave(context, index);
        flight
    }

    fn enter_index(
        &self,
        context: &'static Context<Modelled>,
        operation: &'static Operation,
    ) -> usize {
        match self.engine.enter(context, &call(operation)) {
            Entered::InFlight(index) | Entered::Caught(index) => index,
            Entered::Unwatched => panic!("no model nests its calls so deeply"),
        }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.engine.contexts.lock().len()
    }

    /// What a context that context `me` begins now inherits.
    pub(super) fn bequeath(&self, me: usize) -> Lineage {
        let site = Location::caller();
        self.engine.bequeath(Some(self.contexts[me]), site)
    }

    /// The calls of context `me` on the object of `operation`, as a trapper's scan sees them.
    pub(super) fn scan(&self, me: usize, operation: &'static Operation) -> Vec<&'static Operation> {
        let seen = self.contexts[me].see(call(operation).object);
        seen.map(|seen| seen.operation).collect()
    }

    /// The time of all delays is over.
    pub(super) fn end_delays(&self) {
        let mut bucket = self.engine.traps.lock(call(&FIRST).object_hash());
        self.engine.env().end_delays(&mut bucket);
    }

    pub(super) fn seen(&self) -> Seen {
        self.engine.env().seen()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for context in self.engine.contexts.lock().drain(..) {
            // SAFETY: leaked by `attach` as a box, and only this laboratory's engine, which ends here, knows it.
            drop(unsafe { Box::from_raw(ptr::from_ref(context).cast_mut()) });
        }
        // SAFETY: leaked by `new`, likewise.
        drop(unsafe { Box::from_raw(ptr::from_ref(self.now).cast_mut()) });
    }
}

pub(super) fn is_caught(entered: Entered) -> bool {
    matches!(entered, Entered::Caught(_))
}

pub(super) fn is_trap(violation: &Evidence<()>) -> bool {
    violation.detected_by == DetectedBy::Trap
}

/// What was reached, over all executions of a model: a model in which nobody is ever caught proves little.
#[derive(Clone, Default)]
pub(super) struct Goals(Arc<Mutex<BTreeSet<&'static str>>>);

impl Goals {
    pub(super) fn reach(&self, seen: &Seen) {
        let mut reached = self.0.lock().unwrap();
        for violation in &seen.violations {
            reached.insert(match violation.detected_by {
                DetectedBy::Trap => "trap",
                DetectedBy::Overlap => "overlap",
            });
        }
        if seen.asked > 0 {
            reached.insert("asked");
        }
    }

    #[track_caller]
    pub(super) fn assert_reached(&self, goals: &[&'static str]) {
        let reached = self.0.lock().unwrap();
        for goal in goals {
            assert!(
                reached.contains(goal),
                "no execution reached \"{goal}\", only {reached:?}"
            );
        }
    }
}
