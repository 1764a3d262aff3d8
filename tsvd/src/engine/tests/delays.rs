//! Where calls are delayed, and for how long.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::lab::{Body, GET, INSERT, MS, object, run_and_time};
use crate::contract::Operation;

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
