//! `tsvd-hb`: what a program orders is suspected of nothing, as long as it tells of both ends; all else is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::lab::{Body, GET, INSERT, MS, Ran, Thread, object, parameters, run_by};
use crate::config::{Parameters, StrategyName};
use crate::contract::Object;
use crate::engine::history::Access;
use crate::engine::strategy::Synchronisation::{self, Acquired, Received, Released, Sent};
use crate::engine::strategy::choose;

const ROUNDS: u64 = 40;

fn by_clocks() -> Parameters {
    Parameters {
        strategy: StrategyName::TsvdHb,
        budget_process_ns: u64::MAX,
        budget_thread_ns: u64::MAX,
        ..parameters()
    }
}

/// What a program tells of, but for one kind, by number.
#[derive(Clone, Copy)]
struct Telling(Option<usize>);

impl Telling {
    fn tell(self, t: &Thread<'_>, kind: usize, what: Synchronisation) {
        if self.0 != Some(kind) {
            t.lab.engine.synchronised(t.context.number(), what);
        }
    }
}

fn wait_for(t: &Thread<'_>, word: &AtomicU64, value: u64) {
    while word.load(SeqCst) != value {
        t.pause(MS / 4);
    }
}

/// Two threads that take a lock for each call.
fn lock(telling: Telling, seed: u64) -> Ran {
    let map = 0;
    let map = object(&map);
    let lock = AtomicBool::new(false);
    let body = |operation, late: u64| -> Body<'_> {
        let lock = &lock;
        Box::new(move |t| {
            t.pause(late * MS);
            for _ in 0..ROUNDS {
                t.locked(lock, || {
                    telling.tell(t, 0, Acquired(64));
                    t.call(operation, map, MS / 3);
                    telling.tell(t, 1, Released(64));
                });
                t.pause(MS);
            }
        })
    };
    run_by(by_clocks(), seed, vec![body(&INSERT, 0), body(&GET, 1)])
}

/// Two threads that send each other the object, each time under a new number.
fn messages(telling: Telling, seed: u64) -> Ran {
    let map = 0;
    let map = object(&map);
    let sent = AtomicU64::new(1);
    let body = |operation, first: u64| -> Body<'_> {
        let sent = &sent;
        Box::new(move |t| {
            for round in 0..ROUNDS {
                let number = first + 2 * round;
                wait_for(t, sent, number);
                telling.tell(t, 0, Received(number));
                t.call(operation, map, MS / 3);
                telling.tell(t, 1, Sent(number + 1));
                sent.store(number + 1, SeqCst);
            }
        })
    };
    run_by(by_clocks(), seed, vec![body(&INSERT, 1), body(&GET, 2)])
}

/// Two threads that take turns by a flag.
fn flag(telling: Telling, seed: u64) -> Ran {
    let map = 0;
    let map = object(&map);
    let turn = AtomicU64::new(0);
    let body = |operation, own: u64| -> Body<'_> {
        let turn = &turn;
        Box::new(move |t| {
            for _ in 0..ROUNDS {
                wait_for(t, turn, own);
                telling.tell(t, 0, Acquired(64));
                t.call(operation, map, MS / 3);
                telling.tell(t, 1, Released(64));
                turn.store(1 - own, SeqCst);
            }
        })
    };
    run_by(by_clocks(), seed, vec![body(&INSERT, 0), body(&GET, 1)])
}

/// A thread that begins others, one after the other, and waits for each.
fn threads(telling: Telling, seed: u64) -> Ran {
    const CHILDREN: u64 = 8;
    let map = 0;
    let map = object(&map);
    // Twice the number of the child, and one more when it has ended.
    let step = AtomicU64::new(0);
    let step = &step;
    let mut bodies: Vec<Body<'_>> = vec![Box::new(move |t| {
        for child in 1..=CHILDREN {
            t.call(&INSERT, map, MS / 3);
            telling.tell(t, 0, Sent(2 * child));
            step.store(2 * child, SeqCst);
            wait_for(t, step, 2 * child + 1);
            telling.tell(t, 1, Received(2 * child + 1));
        }
        t.call(&INSERT, map, 0);
    })];
    bodies.extend((1..=CHILDREN).map(|child| -> Body<'_> {
        Box::new(move |t| {
            wait_for(t, step, 2 * child);
            telling.tell(t, 2, Received(2 * child));
            t.call(&GET, map, MS / 3);
            telling.tell(t, 3, Sent(2 * child + 1));
            step.store(2 * child + 1, SeqCst);
        })
    }));
    run_by(by_clocks(), seed, bodies)
}

#[test]
fn what_is_ordered_is_suspected_only_where_an_end_is_not_told() {
    type Program = fn(Telling, u64) -> Ran;
    let programs: [(&str, Program, usize); 4] = [
        ("lock", lock, 2),
        ("messages", messages, 2),
        ("flag", flag, 2),
        ("threads", threads, 4),
    ];
    for (name, program, ends) in programs {
        for seed in 0..4 {
            let ran = program(Telling(None), seed);
            assert_eq!((ran.near_misses, ran.delays), (0, 0), "{name}, seed {seed}");
            for end in 0..ends {
                let ran = program(Telling(Some(end)), seed);
                assert!(
                    ran.near_misses > 0 && ran.delays > 0,
                    "{name}, seed {seed}, without {end}"
                );
                assert!(ran.evidence.is_empty());
            }
        }
    }
}

/// Three calls one after the other, by three threads of which the second calls nothing, with what each tells.
fn passed_on(first: &[Synchronisation], second: &[Synchronisation], third: Synchronisation) -> Ran {
    let map = 0;
    let map = object(&map);
    let step = AtomicU64::new(0);
    let step = &step;
    let telling = Telling(None);
    run_by(
        by_clocks(),
        1,
        vec![
            Box::new(move |t| {
                t.call(&INSERT, map, 0);
                first.iter().for_each(|what| telling.tell(t, 0, *what));
                step.store(1, SeqCst);
            }),
            Box::new(move |t| {
                wait_for(t, step, 1);
                second.iter().for_each(|what| telling.tell(t, 0, *what));
                step.store(2, SeqCst);
            }),
            Box::new(move |t| {
                wait_for(t, step, 2);
                telling.tell(t, 0, third);
                t.call(&GET, map, 0);
            }),
        ],
    )
}

#[test]
fn an_order_is_passed_on_by_who_accesses_nothing_and_from_one_place_to_another() {
    let ran = passed_on(
        &[Released(64)],
        &[Acquired(64), Released(128)],
        Acquired(128),
    );
    assert_eq!(ran.near_misses, 0);
    let not = |first: &[_], second: &[_], third, why| {
        assert_eq!(passed_on(first, second, third).near_misses, 1, "{why}");
    };
    not(&[Released(64)], &[], Acquired(128), "another place");
    not(
        &[Released(64)],
        &[Released(128), Acquired(64)],
        Acquired(128),
        "released before it was acquired",
    );
    not(&[Sent(1)], &[Received(1)], Received(1), "got by another");
    not(&[Sent(1)], &[], Acquired(!1 >> 1), "no message but a place");
}

/// A thread that calls, tells, and calls once more: what is known of the first says nothing of the second.
fn after_it_was_told(second: impl FnOnce(&Thread<'_>, Object) + Send) -> Ran {
    let map = 0;
    let map = object(&map);
    let step = AtomicU64::new(0);
    let (step, telling) = (&step, Telling(None));
    run_by(
        by_clocks(),
        1,
        vec![
            Box::new(move |t| {
                second(t, map);
                step.store(1, SeqCst);
            }),
            Box::new(move |t| {
                wait_for(t, step, 1);
                telling.tell(t, 0, Acquired(64));
                t.call(&GET, map, 0);
            }),
        ],
    )
}

#[test]
fn what_follows_a_release_is_not_ordered_by_it() {
    let told = |t: &Thread<'_>| Telling(None).tell(t, 0, Released(64));
    let ran = after_it_was_told(|t, map| {
        t.call(&INSERT, map, 0);
        told(t);
    });
    assert_eq!(ran.near_misses, 0);
    let ran = after_it_was_told(|t, map| {
        t.call(&INSERT, map, 0);
        told(t);
        t.call(&INSERT, map, 0);
    });
    assert_eq!(ran.near_misses, 1);
    let ran = after_it_was_told(|t, map| {
        for round in 0..2 {
            // The very same call, in the very same moment: the filter must not know it.
            t.with(&INSERT, map, None, |_| ());
            if round == 0 {
                told(t);
            }
        }
    });
    assert_eq!(ran.near_misses, 1);
}

/// What happened, by whom, and what is known of it: the oracle's view.
struct Event {
    context: u64,
    released: Option<usize>,
    acquired: Option<usize>,
    accessed: bool,
}

/// Whether the event `from` happens before `to`: by the order of each context, and from a release to each later acquisition.
fn happens_before(events: &[Event], from: usize, to: usize) -> bool {
    let mut reached = vec![false; events.len()];
    reached[from] = true;
    for later in from + 1..=to {
        reached[later] = (from..later).any(|earlier| {
            let [one, other] = [&events[earlier], &events[later]];
            let place = one.released.is_some() && one.released == other.acquired;
            reached[earlier] && (one.context == other.context || place)
        });
    }
    reached[to]
}

#[test]
fn clocks_know_exactly_what_happens_before_what() {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let [mut ordered, mut unordered] = [0, 0];
    for _ in 0..2_000 {
        let strategy = choose(&by_clocks(), || 0);
        let mut events: Vec<Event> = Vec::new();
        for slot in 0..24 {
            let (context, place) = (1 + draw(4), 64 * (1 + draw(3) as usize));
            let kind = draw(3);
            events.push(Event {
                context,
                released: (kind == 0).then_some(place),
                acquired: (kind == 1).then_some(place),
                accessed: kind == 2,
            });
            match kind {
                0 => strategy.synchronised(context, Released(place)),
                1 => strategy.synchronised(context, Acquired(place)),
                _ => {
                    for earlier in (0..slot).filter(|earlier| events[*earlier].accessed) {
                        let other = events[earlier].context;
                        if other == context {
                            continue;
                        }
                        let access = Access {
                            site: 1,
                            context: other as u16,
                            tick: 0,
                            concurrent: true,
                            keyed: false,
                            writes: true,
                        };
                        let truly = happens_before(&events, earlier, slot);
                        assert_eq!(strategy.is_ordered(earlier, access, context), truly);
                        *if truly { &mut ordered } else { &mut unordered } += 1;
                    }
                    strategy.recorded(slot, context);
                }
            }
        }
    }
    assert!(
        ordered > 1_000 && unordered > 1_000,
        "{ordered} {unordered}"
    );
}
