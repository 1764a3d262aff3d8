//! Each rule of where and how long to sleep, beside the same program without the rule: what the rule is for does not happen
//! there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::lab::{Body, GET, INSERT, MS, Ran, Thread, object, parameters, run_by};
use crate::config::Parameters;
use crate::contract::{Object, Operation};
use crate::engine::Call;
use crate::engine::enter::{Entered, Passed, pass};
use crate::engine::env::Environment;
use crate::engine::sites::SiteId;
use crate::engine::trap_set::State;

/// One context works alone, then another one, within the window.
fn handed_over(parameters: Parameters) -> Ran {
    let map = 0;
    let map = object(&map);
    let other = [0_u64];
    let (built, used) = (AtomicBool::new(false), AtomicBool::new(false));
    let bodies: Vec<Body<'_>> = vec![
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
    ];
    run_by(parameters, 1, bodies)
}

#[test]
fn phase_what_one_context_does_after_another_alone_is_not_suspected() {
    let ran = handed_over(parameters());
    assert_eq!((ran.near_misses, ran.delays), (0, 0));
    let without = handed_over(Parameters {
        phase_points: u32::MAX,
        ..parameters()
    });
    assert!(without.near_misses > 0);
}

#[test]
fn window_accesses_further_apart_are_not_suspected() {
    // Periods of 300 ms, half a period apart.
    let far_apart = |parameters| {
        let map = 0;
        let map = object(&map);
        let body = |operation: &'static Operation, late: u64| -> Body<'_> {
            Box::new(move |t| {
                t.pause(late * MS);
                for _ in 0..10 {
                    t.call(operation, map, 0);
                    t.pause(300 * MS);
                }
            })
        };
        run_by(parameters, 1, vec![body(&INSERT, 0), body(&GET, 150)])
    };
    let ran = far_apart(parameters());
    assert_eq!((ran.near_misses, ran.delays), (0, 0));
    let without = far_apart(Parameters {
        window_ns: 1_000 * MS,
        ..parameters()
    });
    assert!(without.near_misses > 0);
}

/// A write that is inside its body for ever, and forty reads that are held for it in vain.
fn in_vain(parameters: Parameters) -> Ran {
    let map = 0;
    let map = object(&map);
    let done = AtomicBool::new(false);
    let bodies: Vec<Body<'_>> = vec![
        Box::new(|t| {
            for _ in 0..3 {
                t.call(&INSERT, map, 0);
                t.pause(MS);
            }
            t.with(&INSERT, map, None, |_| {
                while !done.load(SeqCst) {
                    t.pause(10 * MS);
                }
            });
        }),
        Box::new(|t| {
            t.pause(10 * MS);
            for _ in 0..40 {
                t.call(&GET, map, 0);
                t.pause(MS);
            }
            done.store(true, SeqCst);
        }),
    ];
    let ran = run_by(parameters, 1, bodies);
    assert!(ran.evidence.is_empty(), "{:?}", ran.evidence);
    ran
}

fn without_budget() -> Parameters {
    Parameters {
        budget_process_ns: u64::MAX,
        budget_thread_ns: u64::MAX,
        ..parameters()
    }
}

#[test]
fn budget_delays_end_where_it_ends() {
    let ran = in_vain(parameters());
    let slept = ran.delay_ns / MS;
    assert!((50..130).contains(&slept), "{slept} ms");
    let without = in_vain(without_budget());
    assert!(without.delay_ns > 500 * MS, "{} ns", without.delay_ns);
    let none = in_vain(Parameters {
        budget_process_ns: 0,
        budget_share: 0.0,
        ..parameters()
    });
    assert_eq!(none.delays, 0);
}

#[test]
fn decay_vain_delays_wear_the_pair_out() {
    let ran = in_vain(without_budget());
    assert_eq!(ran.delays, 10);
    assert_eq!(ran.pairs[0].1.state, State::Decayed);
    let without = in_vain(Parameters {
        decay: 0.0,
        ..without_budget()
    });
    assert!(without.delays >= 38, "{} of 40", without.delays);
    assert_eq!(without.pairs[0].1.state, State::Armed);
}

#[test]
fn growth_vain_delays_become_longer_up_to_the_longest() {
    let ran = in_vain(without_budget());
    assert!(ran.delay_ns > 700 * MS, "{}", ran.delay_ns);
    let without = in_vain(Parameters {
        delay_growth: 1,
        ..without_budget()
    });
    // Ten of twice the gap, which is 10 ms.
    assert_eq!((without.delays, without.delay_ns), (10, 200 * MS));
    let shorter = in_vain(Parameters {
        delay_max_ns: 50 * MS,
        ..without_budget()
    });
    assert_eq!(
        (shorter.delays, shorter.delay_ns),
        (10, 20 * MS + 9 * 50 * MS)
    );
    let closer = in_vain(Parameters {
        delay_gap: 1,
        delay_growth: 1,
        ..without_budget()
    });
    assert_eq!((closer.delays, closer.delay_ns), (10, 100 * MS));
}

/// Calls that one lock orders, or a channel: each of the two hands over to the other.
fn ordered(parameters: Parameters, seed: u64, channel: bool) -> Ran {
    let map = 0;
    let map = object(&map);
    let lock = AtomicBool::new(false);
    let turn = AtomicU64::new(0);
    let body = |operation: &'static Operation, me: u64| -> Body<'_> {
        let (lock, turn) = (&lock, &turn);
        Box::new(move |t| {
            for _ in 0..40 {
                let call = || {
                    t.call(operation, map, MS / 3);
                };
                if channel {
                    while turn.load(SeqCst) % 2 != me {
                        t.pause(MS / 4);
                    }
                    call();
                    turn.fetch_add(1, SeqCst);
                } else {
                    t.locked(lock, call);
                    t.pause(MS);
                }
            }
        })
    };
    let ran = run_by(parameters, seed, vec![body(&INSERT, 0), body(&GET, 1)]);
    assert!(ran.evidence.is_empty(), "seed {seed}: {:?}", ran.evidence);
    ran
}

#[test]
fn inference_two_delays_end_the_suspicion_of_what_is_ordered() {
    for (seed, channel) in (0..50).flat_map(|seed| [(seed, false), (seed, true)]) {
        let ran = ordered(without_budget(), seed, channel);
        let ms = ran.delay_ns / MS;
        assert!(
            ran.delays > 0 && ms <= 25,
            "seed {seed}, channel {channel}: {ms} ms in {} delays",
            ran.delays
        );
        assert_eq!(ran.pairs[0].1.state, State::Ordered);
    }
    for channel in [false, true] {
        let without = ordered(
            Parameters {
                order_agree: 0,
                ..without_budget()
            },
            1,
            channel,
        );
        assert_eq!(without.pairs[0].1.state, State::Decayed);
        assert!(without.delay_ns > 500 * MS, "{}", without.delay_ns);
    }
}

/// Two threads come near each other once, and are then held together on objects of their own.
#[test]
fn inference_two_that_are_held_at_once_do_not_keep_each_other_away() {
    let maps = [0; 3];
    let [shared, left, right] = maps.each_ref().map(object);
    let body = |own, late| -> Body<'_> {
        Box::new(move |t| {
            let insert = |map| t.call(&INSERT, map, 0);
            t.pause(late);
            insert(shared);
            t.pause(20 * MS - late);
            for _ in 0..3 {
                insert(own);
                t.pause(MS / 4);
            }
        })
    };
    for seed in 0..20 {
        let ran = run_by(
            without_budget(),
            seed,
            vec![body(left, 0), body(right, 2 * MS)],
        );
        assert!(ran.delays >= 4, "seed {seed}: {} delays", ran.delays);
        assert_eq!(ran.pairs[0].1.state, State::Armed, "seed {seed}");
    }
}

/// Two operations that never meet by themselves, 5 ms apart; how long who was held lost beside what the other took.
#[test]
fn early_end_a_delay_that_caught_somebody_ends_with_that_ones_call() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let longest = AtomicU64::new(0);
        let body = |operation: &'static Operation, late: u64| -> Body<'_> {
            let longest = &longest;
            Box::new(move |t| {
                let env = t.lab.engine.env();
                t.pause(late * MS);
                for _ in 0..40 {
                    let before = env.now();
                    t.with(operation, map, None, |entered| {
                        longest.fetch_max(env.now() - before, SeqCst);
                        // The second party's body is what the first one waits for.
                        if matches!(entered, Entered::Caught(_)) {
                            t.pause(3 * MS);
                        }
                    });
                    t.pause(10 * MS);
                }
            })
        };
        let ran = run_by(parameters(), seed, vec![body(&INSERT, 0), body(&GET, 5)]);
        assert_eq!(ran.evidence.len(), 1, "seed {seed}");
        let longest = longest.load(SeqCst);
        // The gap of 5 ms, then the 3 ms of the second party.
        assert!(
            (4 * MS..=9 * MS).contains(&longest),
            "seed {seed}: held for {longest} ns"
        );
        assert!(ran.delay_ns <= 6 * MS, "seed {seed}: {} ns", ran.delay_ns);
    }
}

#[test]
fn found_a_pair_that_was_caught_is_not_delayed_again() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let held_after = Mutex::new(Vec::new());
        let body = |operation: &'static Operation, late: u64| -> Body<'_> {
            let held_after = &held_after;
            Box::new(move |t| {
                let env = t.lab.engine.env();
                t.pause(late * MS);
                for _ in 0..40 {
                    let (before, found) = (env.now(), !env.evidence().is_empty());
                    t.with(operation, map, None, |_| ());
                    if found {
                        held_after.lock().unwrap().push(env.now() - before);
                    }
                    t.pause(10 * MS);
                }
            })
        };
        let ran = run_by(
            without_budget(),
            seed,
            vec![body(&INSERT, 0), body(&GET, 5)],
        );
        assert_eq!(ran.pairs[0].1.state, State::Violated);
        let held_after = held_after.into_inner().unwrap();
        assert!(held_after.len() > 40 && held_after.iter().all(|held| *held == 0));
        assert_eq!(ran.evidence.len(), 1, "seed {seed}");
    }
}

/// A call that is in its thread's filter, while nothing ticks and no near miss is new: only a publication can make it look.
#[test]
fn invalidation_a_filtered_call_looks_again_once_a_trap_is_published() {
    fn write(t: &Thread<'_>, map: Object) {
        t.with(&INSERT, map, None, |_| ());
    }
    fn read(t: &Thread<'_>, map: Object) -> Entered {
        t.with(&GET, map, None, |_| ())
    }
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let (ready, held) = (AtomicBool::new(false), AtomicBool::new(false));
        let ran = run_by(
            parameters(),
            seed,
            vec![
                Box::new(|t| {
                    write(t, map);
                    while !ready.load(SeqCst) {
                        t.lab.engine.env().pause(MS);
                    }
                    held.store(true, SeqCst);
                    write(t, map);
                }),
                Box::new(|t| {
                    let engine = t.lab.engine;
                    t.pause(MS);
                    read(t, map);
                    // The pair is known, so that the reader is not held; the writer is, for something else.
                    let sites = engine.sites();
                    let (pair, _) = engine.trap_set().pairs()[0];
                    let site = |operation: &'static Operation| {
                        let mut sides = [pair.0, pair.1].into_iter();
                        let is = |site: &SiteId| {
                            std::ptr::eq(sites.get(*site).unwrap().operation, operation)
                        };
                        sides.find(is).unwrap()
                    };
                    let (writer, reader) = (site(&INSERT), site(&GET));
                    engine.trap_set.violated(writer, reader);
                    engine.trap_set.suspect(writer, 1_000, 5 * MS);
                    let call = Call {
                        operation: &GET,
                        site: sites.get(reader).unwrap().location,
                        object: map,
                        key: None,
                    };
                    let mut known = 0;
                    while !held.load(SeqCst) {
                        match pass(engine.now, || {}, t.context, &call) {
                            Passed::Known(index) => {
                                known += 1;
                                engine.leave(t.context, index);
                                ready.store(known > 10, SeqCst);
                            }
                            Passed::New(index) => {
                                let entered = engine.examine(t.context, &call, index);
                                assert_eq!(entered, Entered::InFlight(0), "seed {seed}");
                                engine.leave(t.context, 0);
                            }
                            Passed::Unwatched => unreachable!("not nested"),
                        }
                        engine.env().pause(MS / 8);
                    }
                    assert_eq!(read(t, map), Entered::Caught(0), "seed {seed}");
                }),
            ],
        );
        assert_eq!(ran.evidence.len(), 1, "seed {seed}");
    }
}
