//! What each strategy does, and does not do.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::lab::{Body, GET, INSERT, MS, Ran, Thread, object, parameters, run_by, run_on};
use crate::config::{Parameters, StrategyName};
use crate::contract::{Object, Operation};
use crate::engine::Engine;
use crate::engine::env::Environment;
use crate::engine::history::{Access, Slot};
use crate::engine::sites::SiteId;
use crate::engine::strategy::{Arrival, Strategy, Synchronisation};
use crate::engine::trap_set::{State, TrapSet};

/// Delays as often as the strategy wants.
fn with(strategy: StrategyName) -> Parameters {
    Parameters {
        strategy,
        budget_process_ns: u64::MAX,
        budget_thread_ns: u64::MAX,
        ..parameters()
    }
}

/// Calls without any length, half a period apart: they meet only if somebody is held.
fn planted(parameters: Parameters, seed: u64) -> Ran {
    let map = 0;
    let map = object(&map);
    let body = |operation: &'static Operation, late: u64| -> Body<'_> {
        Box::new(move |t| {
            t.pause(late * MS);
            (0..100).for_each(|_| {
                t.call(operation, map, 0);
                t.pause(4 * MS);
            })
        })
    };
    run_by(parameters, seed, vec![body(&INSERT, 0), body(&GET, 2)])
}

/// Runs `calls` beside a thread that does nothing, so that it is not alone.
fn beside_an_idle_one<'a>(parameters: Parameters, calls: impl FnOnce(&Thread<'_>) + Send + 'a) {
    let done = AtomicBool::new(false);
    run_by(
        parameters,
        1,
        vec![
            Box::new(|t| {
                calls(t);
                done.store(true, SeqCst);
            }),
            Box::new(|t| {
                while !done.load(SeqCst) {
                    t.pause(MS);
                }
            }),
        ],
    );
}

/// Makes a call of no length and says how long it was held.
#[track_caller]
fn held(t: &Thread<'_>, operation: &'static Operation, object: Object) -> u64 {
    let env = t.lab.engine.env();
    let before = env.now();
    t.with(operation, object, None, |_| ());
    env.now() - before
}

#[test]
fn every_strategy_that_delays_finds_a_planted_overlap() {
    for (strategy, at_least) in [
        (StrategyName::Tsvd, 50),
        (StrategyName::TsvdFixed, 50),
        (StrategyName::TsvdHb, 50),
        (StrategyName::Random, 49),
        // Two sites, in a sample or not, four or five times.
        (StrategyName::StaticRandom, 45),
    ] {
        let parameters = Parameters {
            sample_share: 0.5,
            ..with(strategy)
        };
        let ran = (0..50).map(|seed| planted(parameters, seed).evidence.len());
        let found = ran.filter(|found| *found > 0).count();
        assert!(found >= at_least, "{strategy:?}: {found} of 50");
    }
}

#[test]
fn observe_arms_what_it_sees_and_delays_nobody() {
    for seed in 0..50 {
        let ran = planted(with(StrategyName::Observe), seed);
        assert_eq!((ran.delays, ran.delay_ns), (0, 0), "seed {seed}");
        assert!(ran.evidence.is_empty() && ran.near_misses > 0);
        assert_eq!(ran.pairs.len(), 1);
        assert_eq!(ran.pairs[0].1.state, State::Armed);
    }
}

#[test]
fn random_delays_so_many_calls_in_a_hundred_also_the_same_one_again() {
    for (probability, least, most) in [(0.05, 170, 230), (0.0, 0, 0), (1.0, 4_000, 4_000)] {
        let parameters = Parameters {
            random_probability: probability,
            ..with(StrategyName::Random)
        };
        let map = 0;
        let map = object(&map);
        let delays = AtomicU64::new(0);
        beside_an_idle_one(parameters, |t| {
            for _ in 0..4_000 {
                // Nothing changes in between: a filtered call would never be drawn for again.
                let held = held(t, &GET, map);
                assert!(held == 0 || held == 100 * MS, "{held}");
                delays.fetch_add(u64::from(held > 0), SeqCst);
            }
        });
        let delays = delays.load(SeqCst);
        assert!((least..=most).contains(&delays), "{delays} of 4,000");
    }
}

#[test]
fn static_random_delays_rare_and_frequent_sites_alike() {
    let map = 0;
    let map = object(&map);
    let [rare, frequent] = [AtomicU64::new(0), AtomicU64::new(0)];
    let parameters = Parameters {
        delay_max_ns: MS,
        sample_share: 0.25,
        ..with(StrategyName::StaticRandom)
    };
    // Two hundred seconds, in which 2,000 samples are drawn; the one site is reached once in a sample, the other often.
    beside_an_idle_one(parameters, |t| {
        for round in 0_u64..20_000 {
            t.pause((10 * MS * (round + 1)).saturating_sub(t.lab.engine.env().now()));
            if round % 10 == 5 {
                rare.fetch_add(held(t, &GET, map) / MS, SeqCst);
            }
            for _ in 0..5 {
                frequent.fetch_add(held(t, &INSERT, map) / MS, SeqCst);
            }
        }
    });
    for (name, delays) in [("rare", rare), ("frequent", frequent)] {
        let delays = delays.load(SeqCst);
        assert!((450..550).contains(&delays), "{name}: {delays} of 2,000");
    }
}

/// Two calls that a lock orders, and the lengths of all delays at them.
fn ordered(parameters: Parameters) -> (Ran, Vec<u64>) {
    let map = 0;
    let map = object(&map);
    let lock = AtomicBool::new(false);
    let delays = Mutex::new(Vec::new());
    let body = |operation: &'static Operation| -> Body<'_> {
        let (lock, delays) = (&lock, &delays);
        Box::new(move |t| {
            for _ in 0..40 {
                t.locked(lock, || {
                    let held = held(t, operation, map);
                    t.pause(MS / 3);
                    delays.lock().unwrap().extend((held > 0).then_some(held));
                });
                t.pause(MS);
            }
        })
    };
    let ran = run_by(parameters, 1, vec![body(&INSERT), body(&GET)]);
    (ran, delays.into_inner().unwrap())
}

#[test]
fn the_papers_delays_are_of_one_length_and_one_of_them_shows_an_order() {
    let (ran, delays) = ordered(with(StrategyName::TsvdFixed));
    assert_eq!(delays, [100 * MS]);
    assert_eq!(ran.pairs[0].1.state, State::Ordered);
    // Not told of the lock, and told to infer nothing: only decay ends it.
    let (ran, delays) = ordered(with(StrategyName::TsvdHb));
    assert!(delays.len() > 1 && delays.iter().all(|delay| *delay == 100 * MS));
    assert_ne!(ran.pairs[0].1.state, State::Ordered);
    let (ran, delays) = ordered(with(StrategyName::Tsvd));
    assert!(
        delays.len() == 2 && delays.iter().sum::<u64>() <= 25 * MS,
        "{delays:?}"
    );
    assert_eq!(ran.pairs[0].1.state, State::Ordered);
}

#[test]
fn a_delay_of_the_paper_ends_when_it_has_caught_somebody() {
    for seed in 0..100 {
        let strategy = [StrategyName::TsvdFixed, StrategyName::TsvdHb][seed as usize % 2];
        let ran = planted(with(strategy), seed);
        assert_eq!(ran.evidence.len(), 1, "seed {seed}");
        assert!(ran.delay_ns <= 10 * MS, "seed {seed}: {}", ran.delay_ns);
        // A hundred rounds of 4 ms, and what was not slept away.
        assert!(ran.end_ns <= 420 * MS, "seed {seed}: {}", ran.end_ns);
    }
}

#[test]
fn the_lot_teaches_nothing_about_pairs() {
    for strategy in [StrategyName::Random, StrategyName::StaticRandom] {
        let (ran, delays) = ordered(Parameters {
            random_probability: 0.5,
            sample_share: 1.0,
            ..with(strategy)
        });
        assert!(ran.evidence.is_empty() && !delays.is_empty());
        let pair = ran.pairs[0].1;
        assert_eq!((pair.state, pair.probability), (State::Armed, 1.0));
    }
}

/// One lock that orders everything: whoever has taken it comes after all that was recorded before it was released.
#[derive(Default)]
struct OneLock(Mutex<Ghost>);

#[derive(Default)]
struct Ghost {
    steps: u64,
    recorded: HashMap<Slot, u64>,
    released: u64,
    acquired: HashMap<u64, u64>,
}

impl Strategy for OneLock {
    fn is_due(&self, pairs: &TrapSet, arrival: Arrival) -> bool {
        pairs.is_armed(arrival.site)
    }

    fn delay_ns(&self, pairs: &TrapSet, arrival: Arrival, random: f64) -> Option<u64> {
        pairs.draw(arrival.site, random)
    }

    fn failed(&self, pairs: &TrapSet, site: SiteId) {
        pairs.failed(site);
    }

    fn is_clocked(&self) -> bool {
        true
    }

    fn recorded(&self, slot: Slot, _: u64) {
        let mut ghost = self.0.lock().unwrap();
        ghost.steps += 1;
        let step = ghost.steps;
        ghost.recorded.insert(slot, step);
    }

    fn is_ordered(&self, slot: Slot, _: Access, context: u64) -> bool {
        let ghost = self.0.lock().unwrap();
        // Who is not told of an access knows of no order.
        match (ghost.recorded.get(&slot), ghost.acquired.get(&context)) {
            (Some(recorded), Some(acquired)) => recorded < acquired,
            _ => false,
        }
    }

    fn synchronised(&self, context: u64, what: Synchronisation) {
        let mut ghost = self.0.lock().unwrap();
        ghost.steps += 1;
        match what {
            Synchronisation::Acquired(_) => {
                let released = ghost.released;
                ghost.acquired.insert(context, released);
            }
            _ => ghost.released = ghost.steps,
        }
    }
}

#[test]
fn a_strategy_that_knows_an_order_has_no_near_miss_there() {
    for locked in [true, false] {
        let map = 0;
        let map = object(&map);
        let lock = AtomicBool::new(false);
        let body = |operation: &'static Operation, late: u64| -> Body<'_> {
            let lock = &lock;
            Box::new(move |t| {
                t.pause(late * MS);
                for _ in 0..40 {
                    let tell = |what| {
                        let context = t.context.number();
                        t.lab.engine.strategy.synchronised(context, what);
                    };
                    t.locked(lock, || {
                        if locked {
                            tell(Synchronisation::Acquired(0));
                        }
                        t.call(operation, map, MS / 3);
                        tell(Synchronisation::Released(0));
                    });
                    t.pause(MS);
                }
            })
        };
        for seed in 0..20 {
            let bodies = vec![body(&INSERT, 0), body(&GET, 1)];
            let ran = run_on(seed, bodies, |world, now| {
                Engine::with_strategy(world, now, parameters(), Box::<OneLock>::default())
            });
            assert_eq!(ran.near_misses == 0, locked, "seed {seed}");
            assert_eq!(ran.delays == 0, locked, "seed {seed}");
        }
    }
}
