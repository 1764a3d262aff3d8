//! The shapes that atomicity bugs of safe Rust have in public bug reports, as small programs: each is found in at most two runs,
//! and its fixed twin, in the same scenario, is silent. And what looks like one and is none: silent, 100 times.
//!
//! A guard of dashmap that is held across an `insert` is a deadlock: a class that is out of scope.

#![cfg(not(loom))]

#[path = "shapes/calls.rs"]
mod calls;
#[path = "shapes/locks.rs"]
mod locks;
#[path = "shapes/maps.rs"]
mod maps;
mod process;
#[path = "shapes/silent.rs"]
mod silent;
#[path = "shapes/tasks.rs"]
mod tasks;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use process::{Ended, run_again, run_with};
use tsvd::report::{Access, Kind, Pattern};

const ROUNDS: u32 = 100;

/// Ordinary work between two calls.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(50) {
        std::hint::spin_loop();
    }
}

/// Two threads, each on its own side of one object, again and again: who is held has the other come by.
fn share<T: Sync>(object: T, left: impl Fn(&T, u32) + Sync, right: impl Fn(&T, u32)) {
    let start = Barrier::new(2);
    let side = |side: &dyn Fn(&T, u32)| {
        start.wait();
        for round in 0..3 * ROUNDS {
            side(&object, round);
            work();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| side(&left));
        side(&right);
    });
}

/// The same with a fresh object in each round, at which they begin together.
fn meet<T: Sync>(fresh: impl Fn() -> T, left: impl Fn(&T) + Sync, right: impl Fn(&T)) {
    let objects = (0..ROUNDS).map(|_| fresh()).collect::<Vec<_>>();
    let start = Barrier::new(2);
    let side = |side: &dyn Fn(&T)| {
        for object in &objects {
            start.wait();
            side(object);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| side(&left));
        side(&right);
    });
}

/// What is found in the first run, or in the second, is violations of `region`: its access, the foreign one, its next.
fn found(region: &str, pattern: Pattern, accesses: [(&str, Access); 3], body: impl Fn()) {
    let Some(first) = run_with(&[], &body) else {
        return;
    };
    let ended = if first.status == Some(66) {
        first
    } else {
        assert_eq!(first.status, Some(0), "{}\n{}", first.stdout, first.stderr);
        run_again(first, &body).expect("the parent")
    };
    let text = ended.stderr;
    assert_eq!(ended.status, Some(66), "{}\n{text}", ended.stdout);
    let heading = "tsvd: thread-safety violation (atomicity)\n";
    assert!(text.contains(heading), "{text}");
    let report = ended.report.expect("a report");
    assert!(!report.violations.is_empty(), "{text}");
    for violation in &report.violations {
        assert_eq!(violation.kind, Kind::Atomicity, "{text}");
        let interrupted = violation.region.as_ref().expect("a region");
        assert_eq!(interrupted.name, region, "{text}");
        assert_eq!(interrupted.pattern, pattern, "{text}");
        let [check, act] = &interrupted.accesses[..] else {
            panic!("{:?}", interrupted.accesses);
        };
        let parties = [check, &violation.second, act];
        let did = parties.map(|party| (party.operation.as_str(), party.access));
        assert_eq!(did, accesses, "{text}");
        assert_eq!(check.context.thread_id, act.context.thread_id, "{text}");
        assert_ne!(act.context, violation.second.context, "{text}");
    }
}

/// Silent in one run, and in a second with what the first has learnt. `tempted` says whether somebody was held between check and act,
/// where that is sure.
fn silent(tempted: impl Into<Option<bool>>, body: impl Fn()) {
    let Some(first) = run_with(&[], &body) else {
        return;
    };
    let check = |ended: &Ended| {
        assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let report = ended.report.as_ref().expect("a report");
        assert!(report.violations.is_empty(), "{}", ended.stderr);
        assert!(report.suspicions.is_empty(), "{:?}", report.suspicions);
        assert!(report.summary.operations > 0, "nothing was watched");
        report.summary.delays
    };
    let delays = check(&first);
    let second = run_again(first, &body).expect("the parent");
    let delays = delays + check(&second);
    if let Some(tempted) = tempted.into() {
        assert_eq!(delays > 0, tempted, "{delays} delays");
    }
}
