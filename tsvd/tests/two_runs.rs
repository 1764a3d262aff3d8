//! What one process learns and the next knows, through the trap file.

#![cfg(not(loom))]

mod process;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use process::{Ended, run_again, run_with};
use tsvd::report::PairState;

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

/// Two calls, once in the process, some milliseconds apart.
fn once() {
    let store = Store(AtomicU64::new(0));
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            store.insert();
        });
        start.wait();
        // Without the processor, which others may have on a busy machine.
        thread::park_timeout(Duration::from_millis(4));
        store.get();
    });
}

fn passed(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
}

#[test]
fn a_pair_that_runs_once_per_process_is_caught_in_the_second_run() {
    let Some(first) = run_with(&[], once) else {
        return;
    };
    passed(&first);
    let report = first.report.as_ref().unwrap();
    assert_eq!(
        report.pairs.len(),
        1,
        "a near miss: {:?}, {:?}",
        report.summary,
        report.coverage
    );
    let second = run_again(first, once).unwrap();
    assert_eq!(second.status, Some(66), "{}", second.stderr);
    assert_eq!(second.report.as_ref().unwrap().violations.len(), 1);
    // And in the third, as long as it is there, with a delay that is no longer: it was caught.
    let delay = delay_of_the_pair(&second);
    let third = run_again(second, once).unwrap();
    assert_eq!(third.status, Some(66), "{}", third.stderr);
    assert_eq!(delay_of_the_pair(&third), delay);
}

/// In the trap file.
fn delay_of_the_pair(ended: &Ended) -> u64 {
    let text = std::fs::read_to_string(ended.dir.path().join("traps.json")).unwrap();
    let traps: serde_json::Value = serde_json::from_str(&text).unwrap();
    let [pair] = &traps["pairs"].as_array().unwrap()[..] else {
        panic!("one pair: {text}");
    };
    pair["delay_ns"].as_u64().unwrap()
}

#[test]
fn an_order_that_was_learnt_costs_nothing_in_the_second_run() {
    // In turns, not just under a lock: on a busy machine one thread would take that again and again, and each delay keep the
    // other from it.
    let ordered = || {
        let store = Store(AtomicU64::new(0));
        let (turn, passed) = (Mutex::new(0), Condvar::new());
        let body = |me| {
            for _ in 0..100 {
                let turn = turn.lock().unwrap();
                let mut turn = passed.wait_while(turn, |turn| *turn != me).unwrap();
                store.insert();
                *turn = 1 - me;
                passed.notify_one();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| body(0));
            body(1);
        });
    };
    // Long delays: after one the other has to go on within half of it. And enough of them.
    let delays = [
        ("TSVD_DELAY_GAP", "1000"),
        ("TSVD_BUDGET_PROCESS_MS", "5000"),
        ("TSVD_BUDGET_THREAD_MS", "5000"),
    ];
    let Some(first) = run_with(&delays, ordered) else {
        return;
    };
    passed(&first);
    let report = first.report.as_ref().unwrap();
    assert!(report.summary.delays > 0, "{:?}", report.summary);
    assert_eq!(
        report.pairs[0].state,
        PairState::Ordered,
        "{:?}",
        report.pairs
    );
    let second = run_again(first, ordered).unwrap();
    passed(&second);
    assert_eq!(second.report.as_ref().unwrap().summary.delays, 0);
}

#[test]
fn a_broken_trap_file_is_set_aside_with_one_warning() {
    let Some(first) = run_with(&[], once) else {
        return;
    };
    let file = first.dir.path().join("traps.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    let second = run_again(first, once).unwrap();
    passed(&second);
    assert_eq!(
        second.stderr.matches("tsvd: ").count(),
        1,
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains("traps.json"), "{}", second.stderr);
    let third = run_again(second, once).unwrap();
    assert_eq!(
        third.status,
        Some(66),
        "the new file serves: {}",
        third.stderr
    );
}
