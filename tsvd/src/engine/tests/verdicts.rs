//! What is reported and what never is.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::lab::{Body, DROP, GET, INSERT, Logged, MS, POP, PUSH, Thread, object, parameters, run};
use crate::contract::{Object, Operation};
use crate::engine::enter::{Entered, object_hash};
use crate::engine::env::simulated::Simulated;
use crate::engine::marks::DEPTH;
use crate::engine::traps::DetectedBy;
use crate::engine::{Call, Context, Engine, Now};

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
            (0..5).for_each(|_| assert_eq!(nest(t, map, 20), 20 - DEPTH))
        })],
    );
    assert!(evidence.is_empty());
}

/// An engine in which nothing runs but the test itself.
fn alone() -> (&'static Engine<Simulated>, &'static Context<Simulated>) {
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let engine = Engine::new(Simulated::new(1, 1), now, parameters());
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(engine));
    now.switch_on();
    (engine, engine.attach())
}

#[track_caller]
fn call_of(operation: &'static Operation, object: Object) -> Call<'static> {
    Call {
        operation,
        site: Location::caller(),
        object,
        key: None,
    }
}

/// Its address may be another's next: no call of its thread may be open any more, however deep the thread is in others.
#[test]
fn the_end_of_an_object_ends_its_scopes_at_any_depth() {
    for depth in [0, 1, DEPTH - 1, DEPTH, DEPTH + 1] {
        let (engine, context) = alone();
        let (map, other) = (0, 0);
        let (map, other) = (object(&map), object(&other));
        engine.open(context, &call_of(&GET, map)).unwrap();
        assert!(engine.published.any(object_hash(map.words())));
        for _ in 0..depth {
            engine.enter(context, &call_of(&GET, other));
        }
        engine.enter(context, &call_of(&DROP, map));
        assert!(
            !engine.published.any(object_hash(map.words())),
            "under {depth} calls"
        );
    }
}

/// As coroutines with stacks of their own may leave.
#[test]
fn a_call_that_leaves_out_of_turn_takes_no_other_ones_place() {
    let (engine, context) = alone();
    let (map, other) = (0, 0);
    let (map, other) = (object(&map), object(&other));
    let first = context.mark(&call_of(&GET, other)).unwrap();
    let second = context.mark(&call_of(&INSERT, map)).unwrap();
    let flight = context.flight(second);
    engine.leave(context, first);
    let third = context.mark(&call_of(&GET, other)).unwrap();
    assert_eq!(context.mark(&call_of(&GET, other)), None);
    assert!(context.in_flight(flight), "the second is still there");
    engine.leave(context, third);
    engine.enter(context, &call_of(&DROP, map));
    assert!(!context.in_flight(flight), "its object is gone");
    engine.leave(context, second);
    assert!(!context.in_flight(flight));
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
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(Engine::new(
        Simulated::new(1, 1),
        now,
        parameters(),
    )));
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
