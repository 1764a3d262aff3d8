//! The strategy `tsvd-hb`: programs that `tsvd::sync` and `tsvd::thread` order are not suspected, all others are.
//!
//! Each scenario is a process of its own with real threads. Where an order is to come of one thing alone, the threads are
//! std's, of which nothing is told.

#![cfg(not(loom))]

mod process;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use process::{Ended, run_with};

const ROUNDS: usize = 40;

/// Whose calls are harmless, so that only what is told of their order matters.
#[derive(Default)]
struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    #[tsvd::read]
    fn get(&self) {
        std::hint::black_box(self.0.load(Relaxed));
    }

    #[tsvd::write]
    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Not asleep, so that calls of other threads come close.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

fn by_clocks(body: impl FnOnce()) -> Option<Ended> {
    run_with(&[("TSVD_STRATEGY", "tsvd-hb")], body)
}

fn near_misses(ended: &Ended) -> u64 {
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.as_ref().expect("a report");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations as usize >= ROUNDS);
    report.summary.near_misses
}

/// A program that is seen to be ordered. It has near misses for whoever does not see that, or silence would mean nothing.
fn ordered(body: impl Fn()) {
    let Some(ended) = by_clocks(&body) else {
        return;
    };
    let blind = run_with(&[("TSVD_STRATEGY", "observe")], &body).expect("this is the parent");
    assert_eq!(near_misses(&ended), 0, "{}", ended.stderr);
    let summary = ended.report.unwrap().summary;
    assert_eq!((summary.delays, summary.delay_ms), (0, 0));
    assert!(near_misses(&blind) > 0);
}

/// A program that is not: it is delayed, and the violation found.
fn unordered(body: impl Fn()) {
    let Some(ended) = by_clocks(body) else {
        return;
    };
    assert_eq!(ended.status, Some(66), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert_eq!(report.run.strategy, "tsvd-hb");
    assert!(report.summary.delays > 0);
    let violation = &report.violations[0];
    let mut operations = [&violation.first, &violation.second].map(|party| &*party.operation);
    operations.sort_unstable();
    assert_eq!(operations, ["get", "insert"]);
}

#[test]
fn a_thread_comes_after_what_began_it_and_before_what_joins_it() {
    ordered(|| {
        let store = Arc::new(Store::default());
        for _ in 0..ROUNDS {
            store.insert();
            let child = Arc::clone(&store);
            let body = move || {
                work();
                child.insert();
            };
            tsvd::thread::spawn(body).join().unwrap();
            let child = Arc::clone(&store);
            let builder = tsvd::thread::Builder::new();
            let handle = builder.spawn(move || child.insert()).unwrap();
            handle.join().unwrap();
        }
    });
}

#[test]
fn one_that_is_joined_by_nobody_does_not() {
    unordered(|| {
        for _ in 0..ROUNDS {
            let store = Arc::new(Store::default());
            let child = Arc::clone(&store);
            let handle = tsvd::thread::spawn(move || {
                for _ in 0..20 {
                    child.insert();
                    work();
                }
            });
            for _ in 0..20 {
                work();
                store.get();
            }
            handle.join().unwrap();
        }
    });
}

#[test]
fn a_scope_comes_after_its_threads_joined_or_not() {
    ordered(|| {
        let store = Store::default();
        for round in 0..ROUNDS {
            store.insert();
            tsvd::thread::scope(|scope| {
                let body = || {
                    work();
                    store.insert();
                };
                let builder = tsvd::thread::Builder::new();
                let handle = if round % 2 == 0 {
                    scope.spawn(body)
                } else {
                    builder.spawn_scoped(scope, body).unwrap()
                };
                if round % 4 < 2 {
                    handle.join().unwrap();
                    store.insert();
                }
            });
            store.insert();
        }
    });
}

#[test]
fn a_job_comes_after_where_it_inherits_from() {
    ordered(|| {
        let (jobs, work_of) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let pool = std::thread::spawn(move || work_of.into_iter().for_each(|job| job()));
        // All alive at once: of an address that is used again nobody tells.
        let stores: Vec<_> = (0..ROUNDS).map(|_| Arc::<Store>::default()).collect();
        for store in &stores {
            let store = Arc::clone(store);
            store.insert();
            let job = tsvd::context::inherit(move || store.insert());
            jobs.send(Box::new(job)).unwrap();
            work();
        }
        drop(jobs);
        pool.join().unwrap();
    });
}
