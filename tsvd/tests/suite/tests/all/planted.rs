//! The five tests that are wrong. Each passes by itself. Its threads begin together, so that they meet on a busy machine, too.

use std::sync::{Barrier, Mutex};
use std::thread;

use suite::things::{Gauge, set_title};
use suite::work;

const ROUNDS: u64 = 300;

/// Some rounds of work, each with a call at its end, from when both threads are there.
fn rounds(start: &Barrier, call: impl Fn(u64)) {
    start.wait();
    for round in 0..ROUNDS {
        work(round);
        call(round);
    }
}

/// Nothing keeps the two apart.
#[test]
fn two_writers() {
    let (gauge, start) = (Gauge::default(), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| rounds(&start, |round| gauge.set(round)));
        rounds(&start, |_| assert!(gauge.add(1) < 2 * ROUNDS));
    });
}

/// The writer has the lock, the reader forgot it.
#[test]
fn a_reader_without_the_lock() {
    let (gauge, start) = (Gauge::default(), Barrier::new(2));
    let lock = Mutex::new(());
    tsvd::thread::scope(|scope| {
        scope.spawn(|| {
            rounds(&start, |round| {
                let _lock = lock.lock().unwrap();
                gauge.set(round);
            });
        });
        scope.spawn(|| rounds(&start, |_| assert!(gauge.get() < ROUNDS)));
    });
}

/// Each has a lock of its own.
#[test]
fn a_lock_for_each() {
    let (gauge, start) = (Gauge::default(), Barrier::new(2));
    tsvd::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let lock = Mutex::new(&gauge);
                rounds(&start, |_| {
                    assert!(lock.lock().unwrap().add(1) < 2 * ROUNDS)
                });
            });
        }
    });
    assert_eq!(gauge.get(), 2 * ROUNDS);
}

/// Something that the whole process has one of.
#[test]
fn one_terminal() {
    let start = Barrier::new(2);
    let titles = |title: &str| rounds(&start, |_| assert_eq!(set_title(title), title.len()));
    thread::scope(|scope| {
        scope.spawn(|| titles("right"));
        titles("left");
    });
}

/// Changed while somebody goes round it.
#[test]
fn changed_during_iteration() {
    let (gauge, start) = (Gauge::default(), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| rounds(&start, |round| gauge.set(round)));
        rounds(&start, |round| {
            let _iteration = tsvd::scope(&gauge).read();
            work(round);
        });
    });
}
