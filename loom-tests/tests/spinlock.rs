//! The test-and-set spinlock of `examples/src/spinlock.rs`: two threads, up to three rounds each; every interleaving, no
//! bound.
//!
//! Proved of `Right`: mutual exclusion (loom's cell admits no second access while one is under way, nor one that is not ordered after the
//! last), the data written by an owner is what the next one reads, and no execution deadlocks. Not claimed: that a
//! waiting thread ever gets the lock; loom leaves out executions in which it spins for ever. With three threads two waiters can
//! yield to each other for ever, so there is no unbounded model of that size.

use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::spinlock::{Right, SpinLock, Variant};
use tsvd_loom_tests::holds;

/// Each of two threads increments two numbers, which an owner must always find equal.
fn two_owners<V: Variant + 'static>(rounds: u32) {
    let lock = Arc::new(SpinLock::<(u32, u32), V>::new((0, 0)));
    let other = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || (0..rounds).for_each(|_| increment(&lock)))
    };
    (0..rounds).for_each(|_| increment(&lock));
    other.join().unwrap();
    let seen = lock.lock().read(|pair| *pair);
    assert_eq!(seen, (2 * rounds, 2 * rounds), "an increment was lost");
}

fn increment<V: Variant>(lock: &SpinLock<(u32, u32), V>) {
    let mut guard = lock.lock();
    let (first, second) = guard.read(|pair| *pair);
    assert_eq!(first, second, "the owner finds the value half written");
    guard.write(|pair| pair.0 = first + 1);
    guard.write(|pair| pair.1 = second + 1);
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
    increment(&lock);
    other.join().unwrap();
    let (first, second) = lock.lock().read(|pair| *pair);
    assert_eq!(first, second);
}

#[test]
fn owners_exclude_each_other_and_see_what_was_written() {
    holds("spinlock: two owners", || two_owners::<Right>(1));
    holds("spinlock: two owners, two rounds", || {
        two_owners::<Right>(2)
    });
    holds("spinlock: two owners, three rounds", || {
        two_owners::<Right>(3)
    });
}

#[test]
fn a_failed_try_leaves_the_lock_to_its_owner() {
    holds("spinlock: owner and trier", owner_and_trier::<Right>);
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
}
