//! Calls on real threads at the very same time: what only decides where to sleep may lose something, but not always the same.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::history::{Access, History};
use crate::engine::phase::{Phase, Points};

const WINDOW: u32 = 50;

/// A write by `context`, so many ticks ago; whether it is a near miss.
fn record(history: &History, object: u64, context: u16, ago: u32) -> bool {
    const NOW: u32 = 1 << 20;
    let access = Access {
        site: context,
        context,
        tick: NOW - ago,
        concurrent: true,
        keyed: false,
        writes: true,
    };
    let recorded = history.record(object, access, WINDOW, |_, _| true);
    recorded.nearest.is_some()
}

#[test]
fn of_two_first_accesses_at_one_time_one_sees_the_other() {
    const OBJECTS: u64 = 20_000;
    // With few sets lines are emptied all the time.
    for (already_known, lines) in [(false, 1 << 17), (false, 1 << 10), (true, 1 << 10)] {
        let history = History::new(lines, 5);
        // No barrier, which lets one go well before the other.
        let arrived = AtomicU64::new(0);
        let seen = [1, 2].map(|_| AtomicU64::new(0));
        let body = |me: u16| {
            for object in 1..=OBJECTS {
                if already_known && me == 1 {
                    // Too long ago to count.
                    record(&history, object, 9, WINDOW + 1);
                }
                arrived.fetch_add(1, Ordering::AcqRel);
                while arrived.load(Ordering::Acquire) < 2 * object {
                    std::thread::yield_now();
                }
                if record(&history, object, me, 0) {
                    seen[usize::from(me) - 1].fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| body(1));
            scope.spawn(|| body(2));
        });
        let [one, two] = seen.map(AtomicU64::into_inner);
        // But for the few where a thread was put aside in the middle.
        assert!(
            one + two >= OBJECTS / 1000 * 999,
            "{one} + {two} of {OBJECTS}, known: {already_known}, {lines} lines"
        );
    }
}

#[test]
fn of_two_first_points_at_one_time_one_is_concurrent() {
    const ROUNDS: usize = 20_000;
    let phases: Vec<_> = (0..ROUNDS).map(|_| Phase::new(16)).collect();
    let arrived = AtomicU64::new(0);
    let concurrent: Vec<_> = (0..ROUNDS).map(|_| AtomicU64::new(0)).collect();
    let body = |me: u64| {
        for (round, phase) in phases.iter().enumerate() {
            let points = Points::new();
            arrived.fetch_add(1, Ordering::AcqRel);
            while arrived.load(Ordering::Acquire) < 2 * (round as u64 + 1) {
                std::thread::yield_now();
            }
            let found = phase.point(&points, me, 0);
            concurrent[round].fetch_add(u64::from(found), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| body(1));
        scope.spawn(|| body(2));
    });
    let all = concurrent.iter().map(|count| count.load(Ordering::Relaxed));
    assert!(all.into_iter().all(|count| count == 1));
}
