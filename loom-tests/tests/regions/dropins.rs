//! `tsvd::sync`: critical sections and atomics, as they are natively.

use tsvd::model::Model;
use tsvd::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use tsvd::sync::atomic::{AtomicBool, AtomicU32};
use tsvd::sync::{Mutex, RwLock};
use tsvd_loom_tests::shows;

use super::beside;

#[tsvd::expect_atomic]
fn take_locked(jobs: &Mutex<u32>) -> Option<u32> {
    let mut jobs = jobs.lock().unwrap();
    let next = jobs.checked_sub(1)?;
    *jobs = next;
    Some(next)
}

#[tsvd::expect_atomic]
fn initialise_looking_twice(value: &RwLock<Option<u32>>) -> u32 {
    if let Some(known) = *value.read().unwrap() {
        return known;
    }
    let mut value = value.write().unwrap();
    if value.is_none() {
        *value = Some(1);
        tsvd::reachable!("initialised");
    } else {
        tsvd::reachable!("found by the second look");
    }
    1
}

#[tsvd::expect_atomic]
fn double(value: &AtomicU32) {
    let mut known = value.load(Relaxed);
    while let Err(newer) = value.compare_exchange(known, known * 2, Relaxed, Relaxed) {
        known = newer;
        tsvd::reachable!("tried again");
    }
}

#[test]
fn one_critical_section() {
    let model = Model::new()
        .name("regions: one section")
        .property("look and act in one critical section are atomic");
    shows(model, || {
        let take = |jobs: &Mutex<u32>| {
            take_locked(jobs);
        };
        beside(Mutex::new(2), take, take);
    });
}

#[test]
fn a_second_look_under_the_lock() {
    let model = Model::new()
        .name("regions: double-checked")
        .property("a second look with the lock held is silent")
        .goals(["initialised", "found by the second look"]);
    shows(model, || {
        let initialise = |value: &RwLock<_>| assert_eq!(initialise_looking_twice(value), 1);
        beside(RwLock::new(None), initialise, initialise);
    });
}

#[test]
fn a_loop_of_exchanges() {
    let model = Model::new()
        .name("regions: exchange loop")
        .property("an exchange that is tried again is silent")
        .goals(["tried again"]);
    shows(model, || beside(AtomicU32::new(1), double, double));
}

#[tsvd::expect_atomic]
fn use_claimed(busy: &AtomicBool) {
    let claimed = busy.compare_exchange(false, true, AcqRel, Acquire);
    if claimed.is_err() {
        tsvd::reachable!("refused");
        return;
    }
    busy.store(false, Release);
}

#[tsvd::expect_atomic]
fn use_swapped(busy: &AtomicBool) {
    if busy.swap(true, AcqRel) {
        tsvd::reachable!("refused");
        return;
    }
    busy.store(false, Release);
}

#[test]
fn a_claim() {
    for (name, claim) in [("exchange", use_claimed as fn(&_)), ("swap", use_swapped)] {
        let model = Model::new()
            .name(format!("regions: claim by {name}"))
            .property("who claims in vain comes between nothing")
            .goals(["refused"]);
        shows(model, move || beside(AtomicBool::default(), claim, claim));
    }
}

/// Tries twice, with another's use in between.
#[tsvd::expect_atomic]
fn use_swapped_at_last(busy: &AtomicBool) {
    for _ in 0..2 {
        if !busy.swap(true, AcqRel) {
            busy.store(false, Release);
            return;
        }
        tsvd::reachable!("tried again");
    }
}

#[test]
fn a_claim_that_is_tried_again() {
    let model = Model::new()
        .name("regions: claim tried again")
        .property("a swap that is tried again is silent")
        .goals(["tried again"]);
    shows(model, || {
        beside(
            AtomicBool::default(),
            use_swapped_at_last,
            use_swapped_at_last,
        );
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    #[tsvd::expect_atomic]
    fn use_stored(busy: &AtomicBool) {
        if !busy.load(Acquire) {
            busy.store(true, Relaxed);
            busy.store(false, Release);
        }
    }

    #[test]
    fn claim_by_a_store() {
        rejected(
            "dropins::mutants::claim_by_a_store",
            "is expected to be atomic, but `AtomicBool::",
            || beside(AtomicBool::default(), use_stored, use_stored),
        );
    }

    #[tsvd::expect_atomic]
    fn initialise_looking_once(value: &RwLock<Option<u32>>) {
        let is_known = value.read().unwrap().is_some();
        if !is_known {
            *value.write().unwrap() = Some(1);
        }
    }

    #[tsvd::expect_atomic]
    fn double_by_a_store(value: &AtomicU32) {
        value.store(value.load(Relaxed) * 2, Relaxed);
    }

    #[test]
    fn no_second_look() {
        rejected(
            "dropins::mutants::no_second_look",
            "came between its `RwLock::read` (read) at",
            || {
                beside(
                    RwLock::new(None),
                    initialise_looking_once,
                    initialise_looking_once,
                )
            },
        );
    }

    #[test]
    fn load_then_store() {
        rejected(
            "dropins::mutants::load_then_store",
            "but `AtomicU32::store` (write) at",
            || beside(AtomicU32::new(1), double_by_a_store, double_by_a_store),
        );
    }
}
