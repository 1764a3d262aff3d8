//! `tsvd::model` itself: it counts what loom runs, its verdicts are true, and what it says that loom sees, loom sees.
#![cfg(loom)]

mod checkpoints;
mod ghosts;
mod seen;
mod verdicts;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed as CountOnly};
use std::time::Duration;

use tsvd::cell::UnsafeCell;
use tsvd::model::{Bound, Model, Verdict};
use tsvd::sync::Arc;
use tsvd::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::atomic::{AtomicUsize as Atomic, fence};
use tsvd::thread;
use tsvd_loom_tests::{fails, holds, rejected, shows};

/// Two atomics and what each of two threads does with them; returns what both threads read.
fn litmus(
    first: impl Fn(&Atomic, &Atomic) -> usize + Send + 'static,
    second: impl Fn(&Atomic, &Atomic) -> usize,
) -> (usize, usize) {
    let pair = Arc::new((Atomic::new(0), Atomic::new(0)));
    let other = {
        let pair = Arc::clone(&pair);
        thread::spawn(move || first(&pair.0, &pair.1))
    };
    let second = second(&pair.0, &pair.1);
    (other.join().unwrap(), second)
}

fn store_buffering(store: Ordering, load: Ordering, fenced: bool) -> (usize, usize) {
    let thread = move |mine: &Atomic, others: &Atomic| {
        mine.store(1, store);
        if fenced {
            fence(SeqCst);
        }
        others.load(load)
    };
    litmus(thread, move |x, y| thread(y, x))
}

fn small() {
    store_buffering(Relaxed, Relaxed, false);
}

/// What a model returns over all its executions.
fn outcomes(
    name: &str,
    body: impl Fn() -> (usize, usize) + Send + Sync + 'static,
) -> HashSet<(usize, usize)> {
    let seen = std::sync::Arc::new(Mutex::new(HashSet::new()));
    let all = std::sync::Arc::clone(&seen);
    holds(name, move || {
        let outcome = body();
        all.lock().unwrap().insert(outcome);
    });
    std::mem::take(&mut *seen.lock().unwrap())
}
