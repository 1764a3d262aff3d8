//! The spinlocks of `examples/src/spinlock.rs`, test-and-set and test-and-test-and-set: two threads, up to three rounds each;
//! every interleaving, no bound.
//!
//! Proved of both: mutual exclusion (loom's cell admits no second access while one is under way, nor one that is not ordered after the
//! last), the data written by an owner is what the next one reads, and no execution deadlocks. Not claimed: that a
//! waiting thread ever gets the lock; loom leaves out executions in which it spins for ever. With three threads two waiters can
//! yield to each other for ever, so there is no unbounded model of that size.

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::spinlock::{SpinLock, TestAndSet, TestFirst, Variant};
use tsvd_loom_tests::owners::{each_of, expect_increments, increment};
use tsvd_loom_tests::shows;

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("mutual exclusion, the next owner sees the data, no deadlock")
}

fn two_owners<V: Variant + 'static>(rounds: u32) {
    let lock = Arc::new(SpinLock::<(u32, u32), V>::new((0, 0)));
    each_of(2, &lock, move |lock, _| {
        (0..rounds).for_each(|_| increment(lock.lock()));
    });
    expect_increments(lock.lock(), 2 * rounds);
}

/// One waits for the lock, the other only tries.
fn owner_and_trier<V: Variant + 'static>() {
    let lock = Arc::new(SpinLock::<(u32, u32), V>::new((0, 0)));
    let other = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            if lock.try_lock().is_some() {
                return;
            }
            if let Some(mut guard) = lock.try_lock() {
                guard.write(|pair| pair.0 += 1);
                guard.write(|pair| pair.1 += 1);
            }
        })
    };
    increment(lock.lock());
    other.join().unwrap();
    let (first, second) = lock.lock().read(|pair| *pair);
    assert_eq!(first, second);
}

#[test]
fn owners_exclude_each_other_and_see_what_was_written() {
    shows(model("spinlock: two owners"), || {
        two_owners::<TestAndSet>(1)
    });
    shows(model("spinlock: two owners, two rounds"), || {
        two_owners::<TestAndSet>(2)
    });
    shows(model("spinlock: two owners, three rounds"), || {
        two_owners::<TestAndSet>(3)
    });
}

#[test]
fn looking_first_changes_nothing() {
    shows(model("spinlock: looking first, two owners"), || {
        two_owners::<TestFirst>(1)
    });
    shows(
        model("spinlock: looking first, two owners, two rounds"),
        || two_owners::<TestFirst>(2),
    );
    shows(
        model("spinlock: looking first, two owners, three rounds"),
        || two_owners::<TestFirst>(3),
    );
}

#[test]
fn a_failed_try_leaves_the_lock_to_its_owner() {
    shows(
        model("spinlock: owner and trier"),
        owner_and_trier::<TestAndSet>,
    );
    shows(
        model("spinlock: looking first, owner and trier"),
        owner_and_trier::<TestFirst>,
    );
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::spinlock::{
        LoadThenStore, RelaxedAcquire, RelaxedRelease, ReleasedByAnother,
    };
    use tsvd_loom_tests::rejected;

    /// Loom's words for two accesses of the protected cell that are not ordered.
    const DATA_RACE: &str = "Causality violation: Concurrent";

    #[test]
    fn load_then_store() {
        rejected("mutants::load_then_store", DATA_RACE, || {
            two_owners::<LoadThenStore>(1)
        });
    }

    #[test]
    fn relaxed_acquire() {
        rejected("mutants::relaxed_acquire", DATA_RACE, || {
            two_owners::<RelaxedAcquire>(1)
        });
    }

    #[test]
    fn relaxed_release() {
        rejected("mutants::relaxed_release", DATA_RACE, || {
            two_owners::<RelaxedRelease>(1)
        });
    }

    #[test]
    fn released_by_another() {
        rejected(
            "mutants::released_by_another",
            DATA_RACE,
            owner_and_trier::<ReleasedByAnother>,
        );
    }

    #[test]
    fn looking_first_load_then_store() {
        rejected("mutants::looking_first_load_then_store", DATA_RACE, || {
            two_owners::<TestFirst<LoadThenStore>>(1)
        });
    }

    #[test]
    fn looking_first_relaxed_acquire() {
        rejected("mutants::looking_first_relaxed_acquire", DATA_RACE, || {
            two_owners::<TestFirst<RelaxedAcquire>>(1)
        });
    }

    #[test]
    fn looking_first_relaxed_release() {
        rejected("mutants::looking_first_relaxed_release", DATA_RACE, || {
            two_owners::<TestFirst<RelaxedRelease>>(1)
        });
    }

    #[test]
    fn looking_first_released_by_another() {
        rejected(
            "mutants::looking_first_released_by_another",
            DATA_RACE,
            owner_and_trier::<TestFirst<ReleasedByAnother>>,
        );
    }
}
