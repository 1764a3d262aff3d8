//! The engine in virtual time: planted overlaps are found, ordered programs are left alone, and an oracle checks every
//! verdict against what really overlapped.

mod contexts;

use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::env::simulated::Simulated;
use super::traps::{DetectedBy, Evidence};
use super::{Call, Context, Engine, Now, enter::Entered};
use crate::contract::{Access, Key, Object, Operation};

const MS: u64 = 1_000_000;

static GET: Operation = Operation::new("lab::Map", "get", Access::Read, Location::caller());
static INSERT: Operation = Operation::new("lab::Map", "insert", Access::Write, Location::caller());
static DROP: Operation =
    Operation::new("lab::Map", "drop", Access::Write, Location::caller()).dropping();
static PUSH: Operation =
    Operation::new("lab::Ring", "push", Access::Write, Location::caller()).with_role("producer");
static POP: Operation =
    Operation::new("lab::Ring", "pop", Access::Write, Location::caller()).with_role("consumer");

/// One simulated program.
struct Lab {
    engine: &'static Engine<Simulated>,
    calls: Mutex<Vec<Logged>>,
    clock: AtomicU64,
}

/// A call as it really was, in steps of a clock that every entry and exit advances.
struct Logged {
    context: u64,
    words: [u64; 2],
    operation: &'static Operation,
    entered: u64,
    left: u64,
}

/// What a simulated thread does its calls with.
struct Thread<'a> {
    lab: &'a Lab,
    context: &'static Context<Simulated>,
}

type Body<'a> = Box<dyn FnOnce(&Thread<'_>) + Send + 'a>;

fn run(seed: u64, bodies: Vec<Body<'_>>) -> Vec<Evidence<usize>> {
    run_and_time(seed, bodies).0
}

/// What was found, and how long calls were held for it in all.
fn run_and_time(seed: u64, bodies: Vec<Body<'_>>) -> (Vec<Evidence<usize>>, u64) {
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let world = Simulated::new(seed, bodies.len());
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(Engine::new(world, now, 64)));
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
                    context.release();
                });
            });
        }
    });
    let evidence = engine.env().evidence();
    lab.judge(&evidence);
    (evidence, engine.statistics().delay_ns.load(SeqCst))
}

impl Lab {
    /// The oracle: both parties of each verdict had calls in flight at one time on the object.
    fn judge(&self, evidence: &[Evidence<usize>]) {
        let calls = self.calls.lock().unwrap();
        let of = |party: &super::traps::Party<usize>, object: Object| {
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
    fn pause(&self, ns: u64) {
        self.lab.engine.env().pause(ns);
        self.lab.engine.tick();
    }

    #[track_caller]
    fn call(&self, operation: &'static Operation, object: Object, body_ns: u64) -> Entered {
        self.with(operation, object, None, |_| self.pause(body_ns))
    }

    #[track_caller]
    fn with(
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
    fn locked(&self, lock: &AtomicBool, body: impl FnOnce()) {
        while lock.swap(true, SeqCst) {
            self.pause(MS / 4);
        }
        body();
        lock.store(false, SeqCst);
    }
}

fn object(value: &u64) -> Object {
    Object::place(value)
}

#[test]
fn calls_that_never_meet_by_themselves_are_caught_by_a_trap() {
    for seed in 0..200 {
        let map = 0;
        let map = object(&map);
        // Bodies of no length, half a period apart: they meet only if somebody is held.
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    (0..40).for_each(|_| {
                        t.call(&INSERT, map, 0);
                        t.pause(4 * MS);
                    })
                }),
                Box::new(|t| {
                    t.pause(2 * MS);
                    (0..40).for_each(|_| {
                        t.call(&GET, map, 0);
                        t.pause(4 * MS);
                    })
                }),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}: {evidence:?}");
        assert_eq!(evidence[0].detected_by, DetectedBy::Trap);
        let operations = [
            evidence[0].first.operation.name(),
            evidence[0].second.operation.name(),
        ];
        assert!(
            operations.contains(&"insert") && operations.contains(&"get"),
            "{operations:?}"
        );
    }
}

#[test]
fn the_second_party_runs_alone() {
    let mut caught = 0;
    for seed in 0..100 {
        let map = 0;
        let map = object(&map);
        let (inside, alone) = (AtomicBool::new(false), AtomicBool::new(false));
        let count = AtomicU64::new(0);
        let step = |t: &Thread<'_>, operation| {
            t.with(operation, map, None, |outcome| {
                let caught = matches!(outcome, Entered::Caught(_));
                assert!(
                    !alone.load(SeqCst),
                    "seed {seed}: a body met the second party"
                );
                assert!(
                    !(caught && inside.load(SeqCst)),
                    "seed {seed}: the second party met a body"
                );
                count.fetch_add(u64::from(caught), SeqCst);
                alone.store(caught, SeqCst);
                inside.store(true, SeqCst);
                t.pause(MS / 2);
                inside.store(false, SeqCst);
                alone.store(false, SeqCst);
            });
        };
        run(
            seed,
            vec![
                Box::new(|t| {
                    (0..20).for_each(|_| {
                        step(t, &INSERT);
                        t.pause(40 * MS);
                    })
                }),
                Box::new(|t| {
                    t.pause(10 * MS);
                    (0..20).for_each(|_| {
                        step(t, &GET);
                        t.pause(40 * MS);
                    })
                }),
            ],
        );
        caught += count.load(SeqCst);
    }
    assert!(
        caught >= 100,
        "only {caught} second parties in 100 programs"
    );
}

#[test]
fn a_call_held_while_another_is_in_its_body_is_confirmed_when_that_one_leaves() {
    let mut overlaps = 0;
    for seed in 0..100 {
        let map = 0;
        let map = object(&map);
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    (0..20).for_each(|_| {
                        t.call(&INSERT, map, 5 * MS);
                        t.pause(MS);
                    })
                }),
                Box::new(|t| {
                    (0..60).for_each(|_| {
                        t.call(&GET, map, 0);
                        t.pause(2 * MS);
                    })
                }),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}");
        overlaps += usize::from(evidence[0].detected_by == DetectedBy::Overlap);
    }
    assert!(overlaps > 20, "only {overlaps} of 100 by overlap");
}

#[test]
fn a_write_that_waits_for_its_reading_children_is_never_reported() {
    for seed in 0..300 {
        let map = 0;
        let map = object(&map);
        let begun = AtomicU64::new(0);
        let done = AtomicU64::new(0);
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    for round in 1..=12 {
                        t.with(&INSERT, map, None, |_| {
                            begun.store(round, SeqCst);
                            while done.load(SeqCst) < round {
                                t.pause(MS / 2);
                            }
                        });
                    }
                }),
                Box::new(|t| {
                    for round in 1..=12 {
                        while begun.load(SeqCst) < round {
                            t.pause(MS / 2);
                        }
                        t.call(&GET, map, MS / 10);
                        done.store(round, SeqCst);
                    }
                }),
            ],
        );
        assert!(evidence.is_empty(), "seed {seed}: {evidence:?}");
    }
}

#[test]
fn calls_under_one_lock_are_never_reported() {
    for seed in 0..200 {
        let map = 0;
        let map = object(&map);
        let lock = AtomicBool::new(false);
        let body = |operation: &'static Operation| -> Body<'_> {
            let lock = &lock;
            Box::new(move |t| {
                for _ in 0..20 {
                    t.locked(lock, || {
                        t.call(operation, map, MS / 3);
                    });
                    t.pause(MS);
                }
            })
        };
        let evidence = run(seed, vec![body(&INSERT), body(&GET), body(&INSERT)]);
        assert!(evidence.is_empty(), "seed {seed}: {evidence:?}");
    }
}

#[test]
fn a_caught_pair_costs_no_more_than_its_gap() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let body = |operation: &'static Operation, late: u64| -> Body<'_> {
            Box::new(move |t| {
                t.pause(late * MS);
                for _ in 0..40 {
                    t.call(operation, map, 0);
                    t.pause(10 * MS);
                }
            })
        };
        let (evidence, delay_ns) = run_and_time(seed, vec![body(&INSERT, 0), body(&GET, 5)]);
        assert_eq!(evidence.len(), 1, "seed {seed}");
        assert!(
            delay_ns <= 10 * MS,
            "seed {seed}: {delay_ns} ns for a gap of 5 ms"
        );
    }
}

#[test]
fn an_order_is_learnt_from_two_delays() {
    for seed in 0..100 {
        let map = 0;
        let map = object(&map);
        let lock = AtomicBool::new(false);
        let body = |operation: &'static Operation| -> Body<'_> {
            let lock = &lock;
            Box::new(move |t| {
                for _ in 0..40 {
                    t.locked(lock, || {
                        t.call(operation, map, MS / 3);
                    });
                    t.pause(MS);
                }
            })
        };
        let (evidence, delay_ns) = run_and_time(seed, vec![body(&INSERT), body(&GET)]);
        assert!(evidence.is_empty(), "seed {seed}: {evidence:?}");
        assert!(
            delay_ns > 0 && delay_ns <= 25 * MS,
            "seed {seed}: {delay_ns} ns"
        );
    }
}

#[test]
fn delays_stay_within_the_budget_where_nothing_can_be_learnt() {
    let map = 0;
    let map = object(&map);
    let inside = AtomicBool::new(false);
    // A write that is inside its body for ever, and reads that are held for it in vain.
    let (evidence, delay_ns) = run_and_time(
        1,
        vec![
            Box::new(|t| {
                for _ in 0..3 {
                    t.call(&INSERT, map, 0);
                    t.pause(MS);
                }
                t.with(&INSERT, map, None, |_| {
                    while !inside.load(SeqCst) {
                        t.pause(10 * MS);
                    }
                });
            }),
            Box::new(|t| {
                t.pause(10 * MS);
                for _ in 0..30 {
                    t.call(&GET, map, 0);
                    t.pause(MS);
                }
                inside.store(true, SeqCst);
            }),
        ],
    );
    assert!(evidence.is_empty(), "{evidence:?}");
    assert!((50 * MS..130 * MS).contains(&delay_ns), "{delay_ns} ns");
}

#[test]
fn what_one_context_does_after_another_alone_is_not_suspected() {
    let map = 0;
    let map = object(&map);
    let other = [0_u64];
    let (built, used) = (AtomicBool::new(false), AtomicBool::new(false));
    let (_, delay_ns) = run_and_time(
        1,
        vec![
            // Builds for a while, then is there but does nothing.
            Box::new(|t| {
                for _ in 0..40 {
                    t.call(&INSERT, map, 0);
                    t.pause(2 * MS);
                }
                built.store(true, SeqCst);
                while !used.load(SeqCst) {
                    t.pause(MS);
                }
            }),
            // Takes over within the window, at first with something else.
            Box::new(|t| {
                while !built.load(SeqCst) {
                    t.pause(MS);
                }
                for _ in 0..18 {
                    t.call(&INSERT, object(&other[0]), 0);
                    t.pause(2 * MS);
                }
                for _ in 0..10 {
                    t.call(&GET, map, 0);
                    t.pause(2 * MS);
                }
                used.store(true, SeqCst);
            }),
        ],
    );
    assert_eq!(delay_ns, 0);
}

#[test]
fn keys_and_roles_narrow_what_is_reported() {
    let ring = 0;
    let ring = object(&ring);
    let calls = |operation: &'static Operation, key: Option<u64>| -> Body<'static> {
        Box::new(move |t| {
            (0..30).for_each(|_| {
                t.with(operation, ring, key, |_| t.pause(MS));
                t.pause(MS);
            })
        })
    };
    for seed in 0..30 {
        assert!(
            run(seed, vec![calls(&PUSH, None), calls(&POP, None)]).is_empty(),
            "seed {seed}: roles"
        );
        assert!(
            !run(seed, vec![calls(&PUSH, None), calls(&PUSH, None)]).is_empty(),
            "seed {seed}: one role"
        );
        assert!(
            run(seed, vec![calls(&INSERT, Some(1)), calls(&INSERT, Some(2))]).is_empty(),
            "seed {seed}: keys"
        );
        assert!(
            !run(seed, vec![calls(&INSERT, Some(1)), calls(&INSERT, Some(1))]).is_empty(),
            "seed {seed}: one key"
        );
        assert!(
            !run(seed, vec![calls(&INSERT, Some(1)), calls(&INSERT, None)]).is_empty(),
            "seed {seed}: no key"
        );
    }
}

#[test]
fn an_object_dropped_inside_its_own_method_is_not_the_next_one_at_its_address() {
    for seed in 0..300 {
        let slot = 0;
        let slot = object(&slot);
        let freed = AtomicU64::new(0);
        let taken = AtomicU64::new(0);
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    for round in 1..=12 {
                        // `release(&self)` frees `self` and goes on for a while.
                        t.with(&INSERT, slot, None, |_| {
                            t.call(&DROP, slot, 0);
                            freed.store(round, SeqCst);
                            t.pause(3 * MS);
                        });
                        while taken.load(SeqCst) < round {
                            t.pause(MS);
                        }
                    }
                }),
                Box::new(|t| {
                    for round in 1..=12 {
                        while freed.load(SeqCst) < round {
                            t.pause(MS / 4);
                        }
                        // Another object, at the same address.
                        t.call(&INSERT, slot, MS / 4);
                        taken.store(round, SeqCst);
                    }
                }),
            ],
        );
        assert!(evidence.is_empty(), "seed {seed}: {evidence:?}");
    }
}

#[test]
fn a_scope_reports_when_it_ends_and_never_when_it_leaks() {
    for (leak, seed) in (0..60).flat_map(|seed| [(false, seed), (true, seed)]) {
        let map = 0;
        let map = object(&map);
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    t.pause(MS);
                    for _ in 0..6 {
                        let call = Call {
                            operation: &GET,
                            site: Location::caller(),
                            object: map,
                            key: None,
                        };
                        let entered = t.lab.clock.fetch_add(1, SeqCst);
                        let (token, _) = t.lab.engine.open(t.context, &call).unwrap();
                        if leak {
                            // The scope's object is gone; the address is another's now.
                            return;
                        }
                        t.pause(8 * MS);
                        let left = t.lab.clock.fetch_add(1, SeqCst);
                        let (context, words) = (t.context.number(), map.words());
                        t.lab.calls.lock().unwrap().push(Logged {
                            context,
                            words,
                            operation: &GET,
                            entered,
                            left,
                        });
                        t.lab.engine.close(Some(t.context), token);
                        t.pause(MS);
                    }
                }),
                Box::new(|t| {
                    t.pause(3 * MS);
                    (0..60).for_each(|_| {
                        t.call(&INSERT, map, 0);
                        t.pause(MS);
                    });
                }),
            ],
        );
        assert_eq!(evidence.is_empty(), leak, "seed {seed}: {evidence:?}");
    }
}

#[test]
fn nested_calls_of_one_thread_are_never_reported_and_the_deepest_run_unwatched() {
    fn nest(t: &Thread<'_>, map: Object, depth: usize) -> usize {
        let mut unwatched = 0;
        if depth > 0 {
            let outcome = t.with(&INSERT, map, None, |_| unwatched = nest(t, map, depth - 1));
            unwatched += usize::from(outcome == Entered::Unwatched);
        }
        unwatched
    }
    let map = 0;
    let map = object(&map);
    let evidence = run(
        1,
        vec![Box::new(|t| {
            (0..5).for_each(|_| assert_eq!(nest(t, map, 20), 20 - super::marks::DEPTH))
        })],
    );
    assert!(evidence.is_empty());
}

#[test]
fn after_off_nothing_is_held_or_counted() {
    let map = 0;
    let map = object(&map);
    let evidence = run(
        1,
        vec![
            Box::new(|t| {
                t.lab.engine.now.switch_off();
                (0..40).for_each(|_| {
                    t.call(&INSERT, map, MS);
                });
            }),
            Box::new(|t| {
                t.pause(MS / 2);
                (0..40).for_each(|_| {
                    t.call(&GET, map, MS);
                })
            }),
        ],
    );
    assert!(evidence.is_empty());
}

/// Thousands of random programs, some with locks, some without: no verdict the oracle does not share.
#[test]
fn no_random_program_gets_a_verdict_that_is_not_true() {
    let mut found = 0;
    for seed in 0..2_000_u64 {
        let objects = [0_u64; 2];
        let locks = [AtomicBool::new(false), AtomicBool::new(false)];
        let locked = seed % 3 == 0;
        let body = |thread: u64| -> Body<'_> {
            let (objects, locks) = (&objects, &locks);
            Box::new(move |t| {
                let mut state = seed.wrapping_mul(31).wrapping_add(thread * 7919) | 1;
                let mut draw = |below: u64| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state % below
                };
                for _ in 0..12 {
                    let which = draw(2) as usize;
                    let operation = [&GET, &INSERT][draw(2) as usize];
                    let (body_ns, rest_ns) = (draw(3) * MS, draw(4) * MS);
                    let call = || {
                        t.call(operation, object(&objects[which]), body_ns);
                    };
                    if locked {
                        t.locked(&locks[which], call)
                    } else {
                        call()
                    }
                    t.pause(rest_ns);
                }
            })
        };
        let evidence = run(seed, vec![body(0), body(1), body(2)]);
        assert!(!locked || evidence.is_empty(), "seed {seed}: {evidence:?}");
        found += usize::from(!evidence.is_empty());
    }
    assert!(
        found > 600,
        "only {found} of 1,333 unlocked programs had a violation found"
    );
}

#[test]
fn a_recycled_block_remembers_nothing_of_the_thread_before() {
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let engine: &'static Engine<Simulated> =
        Box::leak(Box::new(Engine::new(Simulated::new(1, 1), now, 64)));
    now.switch_on();
    let map = 0;
    let call = Call {
        operation: &INSERT,
        site: Location::caller(),
        object: object(&map),
        key: None,
    };
    let first = engine.attach();
    assert_eq!(engine.enter(first, &call), Entered::InFlight(0));
    // Its thread is torn down inside of the call.
    first.release();
    let second = engine.attach();
    assert!(std::ptr::eq(first, second), "the block is used again");
    assert_eq!(engine.enter(second, &call), Entered::InFlight(0));
    assert_eq!(engine.statistics().near_misses.load(SeqCst), 1);
}
