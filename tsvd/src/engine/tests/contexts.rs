//! The tree of contexts: what an operation's own children do is neither suspected nor reported, all else is.

use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::lab::*;
use crate::contract::{Object, Operation};
use crate::engine::enter::Entered;
use crate::engine::env::simulated::Simulated;
use crate::engine::trap_set::State;
use crate::engine::{Call, Engine, Lineage, Now};

/// Hands a lineage from one simulated thread to others, once for each of them and round.
#[derive(Default)]
struct Mailbox {
    lineages: Mutex<Vec<Lineage>>,
    taken: AtomicU64,
    done: AtomicU64,
}

impl Mailbox {
    #[track_caller]
    fn put(&self, t: &Thread<'_>) {
        let lineage = t.lab.engine.bequeath(Some(t.context), Location::caller());
        self.lineages.lock().unwrap().push(lineage);
    }

    fn take(&self, t: &Thread<'_>) -> Lineage {
        loop {
            if let Some(lineage) = self.lineages.lock().unwrap().pop() {
                self.taken.fetch_add(1, SeqCst);
                return lineage;
            }
            t.pause(MS / 4);
        }
    }

    fn inherit(&self, t: &Thread<'_>, body: impl FnOnce()) {
        t.lab.engine.env().inherit(self.take(t), body);
        self.done.fetch_add(1, SeqCst);
    }

    fn wait(&self, t: &Thread<'_>, count: &AtomicU64, until: u64) {
        while count.load(SeqCst) < until {
            t.pause(MS / 4);
        }
    }
}

/// A parent whose write runs `child` on another thread and waits for it, 12 times over.
fn parent_and_child<'a>(
    map: Object,
    jobs: &'a Mailbox,
    inherits: bool,
    child: impl Fn(&Thread<'_>) + Send + 'a,
) -> Vec<Body<'a>> {
    vec![
        Box::new(move |t| {
            for round in 1..=12 {
                t.with(&INSERT, map, None, |_| {
                    jobs.put(t);
                    jobs.wait(t, &jobs.done, round);
                });
                t.pause(MS);
            }
        }),
        Box::new(move |t| {
            for _ in 0..12 {
                if inherits {
                    jobs.inherit(t, || child(t));
                } else {
                    jobs.take(t);
                    child(t);
                    jobs.done.fetch_add(1, SeqCst);
                }
            }
        }),
    ]
}

#[test]
fn what_an_operation_runs_and_waits_for_is_not_even_suspected() {
    let mut tempted = 0;
    for (seed, inherits) in (0..100).flat_map(|seed| [(seed, true), (seed, false)]) {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let child = |t: &Thread<'_>| {
            t.call(&GET, map, MS);
            t.call(&INSERT, map, MS);
        };
        let bodies = parent_and_child(map, &jobs, inherits, child);
        let ran = run_by(parameters(), seed, bodies);
        assert!(ran.evidence.is_empty(), "seed {seed}: {:?}", ran.evidence);
        if inherits {
            assert_eq!(ran.delay_ns, 0, "seed {seed}");
        } else {
            tempted += usize::from(ran.delay_ns > 0);
        }
    }
    assert!(tempted > 90, "without inheritance {tempted} of 100 delay");
}

#[test]
fn a_grandchild_descends_from_the_operation_too() {
    for seed in 0..100 {
        let map = 0;
        let map = object(&map);
        let (jobs, deeper) = (Mailbox::default(), Mailbox::default());
        let mut bodies = parent_and_child(map, &jobs, true, |t| {
            let before = deeper.done.load(SeqCst);
            deeper.put(t);
            deeper.wait(t, &deeper.done, before + 1);
        });
        bodies.push(Box::new(|t| {
            (0..12).for_each(|_| {
                deeper.inherit(t, || {
                    t.call(&INSERT, map, MS);
                });
            });
        }));
        let ran = run_by(parameters(), seed, bodies);
        assert!(ran.evidence.is_empty(), "seed {seed}: {:?}", ran.evidence);
        assert_eq!(ran.delay_ns, 0, "seed {seed}");
    }
}

/// Writes with bodies of no length, now and then: caught by a trap or not at all.
fn writes(t: &Thread<'_>, map: Object) {
    for _ in 0..30 {
        t.call(&INSERT, map, 0);
        t.pause(4 * MS);
    }
}

#[test]
fn a_parent_and_its_child_outside_of_an_operation_conflict() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    jobs.put(t);
                    writes(t, map);
                }),
                Box::new(|t| jobs.inherit(t, || writes(t, map))),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}: {evidence:?}");
        let sites = [&evidence[0].first, &evidence[0].second].map(|party| {
            let lineage = party.lineage.as_ref()?;
            Some(lineage.spawned_at()?.file())
        });
        assert!(
            sites.contains(&None) && sites.contains(&Some(file!())),
            "{sites:?}"
        );
    }
}

#[test]
fn children_of_one_operation_conflict() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let child = || -> Body<'_> { Box::new(|t| jobs.inherit(t, || writes(t, map))) };
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    t.with(&INSERT, map, None, |_| {
                        jobs.put(t);
                        jobs.put(t);
                        jobs.wait(t, &jobs.done, 2);
                    });
                }),
                child(),
                child(),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}: {evidence:?}");
    }
}

fn touch(t: &Thread<'_>, map: Object) {
    t.with(&INSERT, map, None, |_| ());
}

/// The very same call within two operations, in the very same moment: the filter must not take one for the other.
#[test]
fn children_of_the_next_operation_conflict_as_those_of_the_last() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let (own, others) = (Mailbox::default(), Mailbox::default());
        let ran = run_by(
            parameters(),
            seed,
            vec![
                Box::new(|t| {
                    for round in 0..2 {
                        t.with(&INSERT, map, None, |_| {
                            own.put(t);
                            own.inherit(t, || touch(t, map));
                            if round == 1 {
                                others.put(t);
                                others.wait(t, &others.done, 1);
                            }
                        });
                    }
                }),
                Box::new(|t| others.inherit(t, || touch(t, map))),
            ],
        );
        assert_eq!(ran.near_misses, 1, "seed {seed}");
    }
}

#[test]
fn what_a_parent_goes_on_to_do_inside_its_operation_conflicts_with_its_child() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    t.with(&INSERT, map, None, |_| {
                        jobs.put(t);
                        writes(t, map);
                        jobs.wait(t, &jobs.done, 1);
                    });
                }),
                Box::new(|t| jobs.inherit(t, || writes(t, map))),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}: {evidence:?}");
    }
}

#[test]
fn an_operation_that_has_ended_excuses_nothing() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let write = |t: &Thread<'_>, body: &dyn Fn()| {
            t.with(&INSERT, map, None, |_| body());
        };
        let evidence = run(
            seed,
            vec![
                Box::new(|t| {
                    // The child outlives the write that began it; later ones are at the same line.
                    write(t, &|| {
                        jobs.put(t);
                        jobs.wait(t, &jobs.taken, 1);
                    });
                    for _ in 0..30 {
                        write(t, &|| ());
                        t.pause(4 * MS);
                    }
                }),
                Box::new(|t| {
                    jobs.inherit(t, || {
                        t.pause(10 * MS);
                        writes(t, map);
                    });
                }),
            ],
        );
        assert_eq!(evidence.len(), 1, "seed {seed}: {evidence:?}");
    }
}

/// A call that is held while the operation that its context was begun in ends: no proof against that one, be it a method
/// or a scope.
#[test]
fn a_held_child_asks_neither_call_nor_scope_of_its_parent() {
    for (seed, scope) in (0..50).flat_map(|seed| [(seed, false), (seed, true)]) {
        for inherits in [true, false] {
            let map = 0;
            let map = object(&map);
            let jobs = Mailbox::default();
            let evidence = run(
                seed,
                vec![
                    Box::new(|t| {
                        let body = || {
                            jobs.put(t);
                            jobs.wait(t, &jobs.taken, 1);
                            t.pause(2 * MS);
                        };
                        if scope {
                            let call = here(&INSERT, map);
                            let entered = t.lab.clock.fetch_add(1, SeqCst);
                            let (token, _) = t.lab.engine.open(t.context, &call).unwrap();
                            body();
                            t.log(&call, entered);
                            t.lab.engine.close(Some(t.context), token);
                        } else {
                            t.with(&INSERT, map, None, |_| body());
                        }
                    }),
                    Box::new(|t| {
                        let call = here(&GET, map);
                        let engine = t.lab.engine;
                        let site = engine.sites().number(call.operation, call.site, |_| None);
                        let lineage = jobs.take(t);
                        // Suspected, as if strangers had come near there.
                        engine.trap_set().suspect(site, site, 20 * MS);
                        let held = || {
                            let entered = t.lab.clock.fetch_add(1, SeqCst);
                            t.enter_and_leave(&call);
                            t.log(&call, entered);
                        };
                        if inherits {
                            engine.env().inherit(lineage, held);
                        } else {
                            held();
                        }
                        t.pause(MS);
                    }),
                ],
            );
            assert_eq!(
                evidence.is_empty(),
                inherits,
                "seed {seed}, scope {scope}: {evidence:?}"
            );
        }
    }
}

/// The parent makes no points while its child is held, for it waits for it: that is no order of the two call sites.
#[test]
fn a_held_child_whose_parent_waits_for_it_says_nothing_of_an_order() {
    let mut held = 0;
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let jobs = Mailbox::default();
        let call = |operation: &'static Operation| Call {
            site: operation.definition(),
            ..here(operation, map)
        };
        let lab = Mutex::new(None);
        run(
            seed,
            vec![
                Box::new(|t| {
                    let [a, b] = [&GET, &INSERT].map(|operation| {
                        let sites = t.lab.engine.sites();
                        sites.number(operation, operation.definition(), |_| None)
                    });
                    t.lab.engine.trap_set().suspect(a, b, MS);
                    *lab.lock().unwrap() = Some((t.lab.engine, (a, b)));
                    // Twice, for so many delays have to agree.
                    for round in 1..=2 {
                        t.with(&INSERT, map, None, |_| {
                            jobs.put(t);
                            jobs.wait(t, &jobs.done, round);
                        });
                        t.enter_and_leave(&call(&INSERT));
                    }
                }),
                Box::new(|t| {
                    (0..2).for_each(|_| jobs.inherit(t, || t.enter_and_leave(&call(&GET))));
                }),
            ],
        );
        let (engine, key) = lab.into_inner().unwrap().unwrap();
        let pairs = engine.trap_set().pairs();
        let (_, pair) = pairs.iter().find(|(pair, _)| *pair == key).unwrap();
        assert_ne!(pair.state, State::Ordered, "seed {seed}: {pair:?}");
        held += pair.delays;
    }
    assert!(held > 100, "{held} delays in 50 programs");
}

#[test]
fn a_check_that_unwinds_leaves_nothing_behind() {
    let map = 0;
    let map = object(&map);
    run(
        1,
        vec![
            Box::new(|t| {
                let (engine, call) = (t.lab.engine, here(&INSERT, map));
                let site = engine.sites().number(call.operation, call.site, |_| None);
                engine.trap_set().suspect(site, site, MS);
                let fails = |check: &dyn Fn()| {
                    engine.env().fail();
                    let check = std::panic::AssertUnwindSafe(check);
                    let panic = std::panic::catch_unwind(check).unwrap_err();
                    assert_eq!(panic.downcast_ref(), Some(&"told to fail"));
                };
                fails(&|| assert!(engine.open(t.context, &call).is_none()));
                assert!(!t.context.is_suspended());
                fails(&|| assert_eq!(engine.enter(t.context, &call), Entered::Unwatched));
                assert_eq!(t.context.see(map).count(), 0, "it is in flight no more");
                // Watched again, at the same depth.
                let entered = engine.enter(t.context, &call);
                assert_eq!(entered, Entered::InFlight(0));
                assert_eq!(t.context.see(map).count(), 1);
                engine.leave(t.context, 0);
            }),
            Box::new(|t| t.pause(100 * MS)),
        ],
    );
}

/// What is published stays so until it is retracted, whatever else is retracted meanwhile.
#[test]
fn a_scope_stays_published_beside_a_held_call() {
    let map = 0;
    let map = object(&map);
    run(
        1,
        vec![
            Box::new(|t| {
                let (engine, call) = (t.lab.engine, here(&GET, map));
                let told = || {
                    let quiet = Now::is_quiet(engine.now.load());
                    assert_eq!(!quiet, engine.published.any(call.object_hash()));
                    !quiet
                };
                let (token, _) = engine.open(t.context, &call).unwrap();
                let held = here(&GET, map);
                let site = engine.sites().number(held.operation, held.site, |_| None);
                engine.trap_set().suspect(site, site, MS);
                t.enter_and_leave(&held);
                assert_eq!(engine.statistics().delays.load(SeqCst), 1);
                assert!(told());
                engine.close(Some(t.context), token);
                assert!(!told());
            }),
            Box::new(|t| t.pause(200 * MS)),
        ],
    );
}

#[test]
fn there_are_as_many_blocks_as_threads_were_alive_at_once() {
    const AT_ONCE: usize = 50;
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(Engine::new(
        Simulated::new(1, 0),
        now,
        parameters(),
    )));
    now.switch_on();
    let barrier = std::sync::Barrier::new(AT_ONCE);
    for _ in 0..20 {
        let blocks = Mutex::new(std::collections::HashSet::new());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let context = engine.attach();
                    blocks
                        .lock()
                        .unwrap()
                        .insert(std::ptr::from_ref(context).addr());
                    barrier.wait();
                    context.release();
                });
            }
        });
        assert_eq!(blocks.into_inner().unwrap().len(), AT_ONCE, "each its own");
        assert_eq!(engine.contexts.lock().len(), AT_ONCE);
    }
}

#[track_caller]
fn here(operation: &'static Operation, object: Object) -> Call<'static> {
    Call {
        operation,
        site: Location::caller(),
        object,
        key: None,
    }
}

impl Thread<'_> {
    fn enter_and_leave(&self, call: &Call<'_>) {
        let engine = self.lab.engine;
        if let Entered::InFlight(index) | Entered::Caught(index) = engine.enter(self.context, call)
        {
            engine.leave(self.context, index);
        }
    }

    fn log(&self, call: &Call<'_>, entered: u64) {
        let left = self.lab.clock.fetch_add(1, SeqCst);
        self.lab.calls.lock().unwrap().push(Logged {
            context: self.context.number(),
            words: call.object.words(),
            operation: call.operation,
            entered,
            left,
        });
    }
}
