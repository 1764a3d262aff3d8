//! A simulated program over an engine of its own, with an oracle that checks every verdict against what really overlapped.

use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::config::Parameters;
use crate::contract::{Access, Key, Object, Operation};
use crate::engine::env::{Environment, simulated::Simulated};
use crate::engine::trap_set::{Pair, PairKey};
use crate::engine::traps::{Evidence, Party};
use crate::engine::{Call, Context, Engine, Now, enter::Entered};

pub(super) const MS: u64 = 1_000_000;

pub(super) static GET: Operation =
    Operation::new("lab::Map", "get", Access::Read, Location::caller());
pub(super) static INSERT: Operation =
    Operation::new("lab::Map", "insert", Access::Write, Location::caller());
pub(super) static DROP: Operation =
    Operation::new("lab::Map", "drop", Access::Write, Location::caller()).dropping();
pub(super) static PUSH: Operation =
    Operation::new("lab::Ring", "push", Access::Write, Location::caller()).with_role("producer");
pub(super) static POP: Operation =
    Operation::new("lab::Ring", "pop", Access::Write, Location::caller()).with_role("consumer");

/// One simulated program.
pub(super) struct Lab {
    pub(super) engine: &'static Engine<Simulated>,
    pub(super) calls: Mutex<Vec<Logged>>,
    pub(super) clock: AtomicU64,
}

/// A call as it really was, in steps of a clock that every entry and exit advances.
pub(super) struct Logged {
    pub(super) context: u64,
    pub(super) words: [u64; 2],
    pub(super) operation: &'static Operation,
    pub(super) entered: u64,
    pub(super) left: u64,
}

/// What a simulated thread does its calls with.
pub(super) struct Thread<'a> {
    pub(super) lab: &'a Lab,
    pub(super) context: &'static Context<Simulated>,
}

pub(super) type Body<'a> = Box<dyn FnOnce(&Thread<'_>) + Send + 'a>;

/// What became of a program.
pub(super) struct Ran {
    pub(super) evidence: Vec<Evidence<usize>>,
    pub(super) delays: u64,
    /// How long calls were held in all.
    pub(super) delay_ns: u64,
    pub(super) near_misses: u64,
    pub(super) pairs: Vec<(PairKey, Pair)>,
    /// When its last thread ended, in virtual time.
    pub(super) end_ns: u64,
}

/// As many lines as the programs here have objects, several times.
pub(super) fn parameters() -> Parameters {
    Parameters {
        history_lines: 64,
        ..Parameters::default()
    }
}

pub(super) fn run(seed: u64, bodies: Vec<Body<'_>>) -> Vec<Evidence<usize>> {
    run_by(parameters(), seed, bodies).evidence
}

pub(super) fn run_by(parameters: Parameters, seed: u64, bodies: Vec<Body<'_>>) -> Ran {
    run_on(seed, bodies, |world, now| {
        Engine::new(world, now, parameters)
    })
}

/// Runs the bodies as threads of one program, watched by the engine that `make` makes.
pub(super) fn run_on(
    seed: u64,
    bodies: Vec<Body<'_>>,
    make: impl FnOnce(Simulated, &'static Now) -> Engine<Simulated>,
) -> Ran {
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let world = Simulated::new(seed, bodies.len());
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(make(world, now)));
    now.switch_on();
    let lab = Lab {
        engine,
        calls: Mutex::new(Vec::new()),
        clock: AtomicU64::new(0),
    };
    std::thread::scope(|scope| {
        for (me, body) in bodies.into_iter().enumerate() {
            let lab = &lab;
            scope.spawn(move || {
                engine.env().run_as(me, || {
                    let context = engine.attach();
                    body(&Thread { lab, context });
                    engine.abandon_regions(context);
                    context.release();
                });
            });
        }
    });
    let evidence = engine.env().evidence();
    lab.judge(&evidence);
    let statistics = engine.statistics();
    Ran {
        evidence,
        delays: statistics.delays.load(SeqCst),
        delay_ns: statistics.delay_ns.load(SeqCst),
        near_misses: statistics.near_misses.load(SeqCst),
        pairs: engine.trap_set().pairs(),
        end_ns: engine.env().now(),
    }
}

impl Lab {
    /// The oracle: both parties of each verdict had calls in flight at one time on the object.
    fn judge(&self, evidence: &[Evidence<usize>]) {
        let calls = self.calls.lock().unwrap();
        let of = |party: &Party<usize>, object: Object| {
            let (context, operation) = (party.context, party.operation);
            calls
                .iter()
                .filter(move |call| {
                    call.context == context
                        && std::ptr::eq(call.operation, operation)
                        && call.words == object.words()
                })
                .collect::<Vec<_>>()
        };
        for found in evidence {
            if found.region.is_some() {
                // What is true of regions, `regions` knows.
                continue;
            }
            let seconds = of(&found.second, found.object);
            let overlapped = of(&found.first, found.object).iter().any(|first| {
                seconds
                    .iter()
                    .any(|second| first.entered < second.left && second.entered < first.left)
            });
            assert!(overlapped, "reported what did not happen: {found:?}");
        }
    }
}

impl Thread<'_> {
    pub(super) fn pause(&self, ns: u64) {
        self.lab.engine.env().pause(ns);
        self.lab.engine.tick();
    }

    #[track_caller]
    pub(super) fn call(
        &self,
        operation: &'static Operation,
        object: Object,
        body_ns: u64,
    ) -> Entered {
        self.with(operation, object, None, |_| self.pause(body_ns))
    }

    #[track_caller]
    pub(super) fn with(
        &self,
        operation: &'static Operation,
        object: Object,
        key: Option<u64>,
        body: impl FnOnce(Entered),
    ) -> Entered {
        let site = Location::caller();
        let entered = self.lab.clock.fetch_add(1, SeqCst);
        let key = key.map(|hash| Key { hash, debug: None });
        let outcome = self.lab.engine.enter(
            self.context,
            &Call {
                operation,
                site,
                object,
                key,
            },
        );
        body(outcome);
        let left = self.lab.clock.fetch_add(1, SeqCst);
        let words = object.words();
        let logged = Logged {
            context: self.context.number(),
            words,
            operation,
            entered,
            left,
        };
        self.lab.calls.lock().unwrap().push(logged);
        if let Entered::InFlight(index) | Entered::Caught(index) = outcome {
            self.lab.engine.leave(self.context, index);
        }
        outcome
    }

    /// Runs `body` under a lock of the simulated program.
    pub(super) fn locked(&self, lock: &AtomicBool, body: impl FnOnce()) {
        while lock.swap(true, SeqCst) {
            self.pause(MS / 4);
        }
        body();
        lock.store(false, SeqCst);
    }
}

pub(super) fn object(value: &u64) -> Object {
    Object::place(value)
}
