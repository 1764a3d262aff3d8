//! The sleeping mutex of `examples/src/blocking.rs`: two threads, every interleaving, no bound; three threads, at most three
//! preemptions.
//!
//! Proved of `Right`: mutual exclusion, the next owner sees the data, and no wake-up is lost. The last is what loom's deadlock
//! detection says: a thread that sleeps for ever leaves an execution in which nobody can go on. Not seen: wake-ups that
//! nobody sent, which loom's condition variable does not have, and waking another than the one that slept longest.

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd_examples::blocking::{BlockingMutex, Right, Variant};
use tsvd_loom_tests::owners::{each_of, expect_increments, increment};
use tsvd_loom_tests::{shows, shows_within};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("mutual exclusion, the next owner sees the data, no lost wake-up")
}

fn owners<V: Variant + 'static>(threads: u32, rounds: u32) {
    let lock = Arc::new(BlockingMutex::<(u32, u32), V>::new((0, 0)));
    each_of(threads, &lock, move |lock, _| {
        (0..rounds).for_each(|_| increment(lock.lock()));
    });
    expect_increments(lock.lock(), threads * rounds);
}

#[test]
fn owners_exclude_each_other_and_all_wake_up() {
    shows(model("blocking: two owners"), || owners::<Right>(2, 1));
    shows(model("blocking: two owners, two rounds"), || {
        owners::<Right>(2, 2)
    });
}

#[test]
fn three_owners_exclude_each_other_and_all_wake_up() {
    shows_within(3, model("blocking: three owners"), || owners::<Right>(3, 1));
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::blocking::{NoSecondLook, NoWake, RelaxedAcquire};
    use tsvd_loom_tests::rejected;

    const DEADLOCK: &str = "deadlock; threads";

    #[test]
    fn no_wake_when_contended() {
        rejected("mutants::no_wake_when_contended", DEADLOCK, || {
            owners::<NoWake>(2, 1)
        });
    }

    #[test]
    fn no_second_look() {
        rejected("mutants::no_second_look", DEADLOCK, || {
            owners::<NoSecondLook>(2, 1)
        });
    }

    #[test]
    fn relaxed_acquire() {
        rejected(
            "mutants::relaxed_acquire",
            "Causality violation: Concurrent",
            || owners::<RelaxedAcquire>(2, 1),
        );
    }
}
