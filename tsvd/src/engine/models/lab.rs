//! What the models share: an engine with two contexts, its calls, and what must have happened in some execution.

use std::collections::BTreeSet;
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, Mutex};

use super::{Delays, DetectedBy, Modelled, Seen};
use crate::contract::{Access, Object, Operation};
use crate::engine::enter::Entered;
use crate::engine::{Call, Context, Engine, Now};

/// Called by context 0.
pub(super) static FIRST: Operation = operation("first", Access::Write, Location::caller());
/// Called by context 1.
pub(super) static SECOND: Operation = operation("second", Access::Write, Location::caller());
pub(super) static READ: Operation = operation("read", Access::Read, Location::caller());
/// Not on the object of the others.
pub(super) static WRITE_OTHER: Operation = operation("other", Access::Write, Location::caller());
/// The other site of every armed pair.
static NEVER: Operation = operation("never", Access::Write, Location::caller());

const fn operation(
    name: &'static str,
    access: Access,
    definition: &'static Location<'static>,
) -> Operation {
    Operation::new("lab::Map", name, access, definition)
}

/// One execution's engine.
pub(super) struct Lab {
    pub(super) engine: Engine<Modelled>,
    contexts: [&'static Context<Modelled>; 2],
    now: &'static Now,
}

impl Lab {
    /// An engine in which every call of `armed` is held.
    pub(super) fn new(delays: Delays, armed: &[&'static Operation]) -> Arc<Self> {
        let now: &'static Now = Box::leak(Box::new(Now::undecided()));
        now.switch_on();
        let engine = Engine::new(Modelled::new(delays), now, 2);
        let site = |operation: &'static Operation| {
            engine.sites().number(operation, operation.definition())
        };
        // Near misses of the models' own arm nothing more.
        for [a, b] in [[&FIRST, &SECOND], [&READ, &WRITE_OTHER]] {
            engine.trap_set().violated(site(a), site(b));
        }
        for operation in armed {
            engine.trap_set().suspect(site(operation), site(&NEVER), 0);
        }
        let contexts = [engine.attach(), engine.attach()];
        Arc::new(Self {
            engine,
            contexts,
            now,
        })
    }

    pub(super) fn enter(&self, me: usize, operation: &'static Operation) -> Entered {
        let name = if ptr::eq(operation, &WRITE_OTHER) {
            "other"
        } else {
            "map"
        };
        let call = Call {
            operation,
            site: operation.definition(),
            object: Object::resource(name),
            key: None,
        };
        self.engine.enter(self.contexts[me], &call)
    }

    pub(super) fn leave(&self, me: usize, entered: Entered) {
        match entered {
            Entered::InFlight(index) | Entered::Caught(index) => {
                self.engine.leave(self.contexts[me], index);
            }
            Entered::Unwatched => panic!("no model nests its calls"),
        }
    }

    pub(super) fn call(&self, me: usize, operation: &'static Operation) {
        let entered = self.enter(me, operation);
        self.leave(me, entered);
    }

    /// The time of all delays is over.
    pub(super) fn end_delays(&self) {
        self.engine.env().end_delays(&mut self.engine.traps.lock(0));
    }

    pub(super) fn seen(&self) -> Seen {
        self.engine.env().seen()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for context in self.contexts {
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
