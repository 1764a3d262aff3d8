//! The ticket lock of `examples/src/ticket.rs`: two threads, up to three rounds each; every interleaving, no bound. Three threads at one
//! preemption.
//!
//! Proved of `Right`: what is proved of the spinlocks (mutual exclusion, the next owner sees the data, no deadlock), and first
//! come, first served: of two threads one of which came out of the doorway before the other went in, the first gets the lock
//! first. "Before" is happens-before: the first sets a flag in the doorway, and the other saw it. Nothing is claimed of
//! two that are in the doorway at once. Not claimed: that a waiting thread ever gets its turn, since loom leaves out
//! executions that spin for ever.

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd::sync::atomic::AtomicBool;
use tsvd::sync::atomic::Ordering::{Acquire, Release};
use tsvd::thread;
use tsvd_examples::ticket::{Right, TicketLock, Variant};
use tsvd_loom_tests::owners::{each_of, expect_increments, increment};
use tsvd_loom_tests::{shows, shows_within};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("mutual exclusion, the next owner sees the data, no deadlock")
}

fn owners<V: Variant + 'static>(threads: u32, rounds: u32) {
    let lock = Arc::new(TicketLock::<(u32, u32), V>::new((0, 0)));
    each_of(threads, &lock, move |lock, _| {
        (0..rounds).for_each(|_| increment(lock.lock()));
    });
    expect_increments(lock.lock(), threads * rounds);
}

/// The order in which two threads own the lock, of which the second looks whether the first one has its place.
fn first_come_first_served<V: Variant + 'static>() {
    let shared = Arc::new((
        TicketLock::<Vec<&str>, V>::new(Vec::new()),
        AtomicBool::new(false),
    ));
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let (lock, placed) = &*shared;
            let mut guard = lock.lock_from_doorway(|| placed.store(true, Release));
            guard.write(|served| served.push("first"));
        })
    };
    let (lock, placed) = &*shared;
    let came_second = placed.load(Acquire);
    lock.lock().write(|served| served.push("second"));
    other.join().unwrap();
    let served = lock.lock().read(Vec::clone);
    assert_eq!(served.len(), 2);
    if came_second {
        assert_eq!(
            served,
            ["first", "second"],
            "who came first was served last"
        );
    }
}

#[test]
fn owners_exclude_each_other_and_see_what_was_written() {
    shows(model("ticket: two owners"), || owners::<Right>(2, 1));
    shows(model("ticket: two owners, two rounds"), || {
        owners::<Right>(2, 2)
    });
    shows(model("ticket: two owners, three rounds"), || {
        owners::<Right>(2, 3)
    });
}

#[test]
fn three_owners_exclude_each_other() {
    shows_within(1, model("ticket: three owners"), || owners::<Right>(3, 1));
}

#[test]
fn who_comes_first_is_served_first() {
    shows(
        model("ticket: doorway").property("first come, first served"),
        first_come_first_served::<Right>,
    );
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::ticket::{LateTicket, RelaxedServe, RelaxedWait, SharedTicket};
    use tsvd_loom_tests::rejected;

    /// Loom's words for two accesses of the protected cell that are not ordered.
    const DATA_RACE: &str = "Causality violation: Concurrent";

    #[test]
    fn relaxed_wait() {
        rejected("mutants::relaxed_wait", DATA_RACE, || {
            owners::<RelaxedWait>(2, 1)
        });
    }

    #[test]
    fn relaxed_serve() {
        rejected("mutants::relaxed_serve", DATA_RACE, || {
            owners::<RelaxedServe>(2, 1)
        });
    }

    #[test]
    fn two_takers_of_one_ticket() {
        rejected("mutants::two_takers_of_one_ticket", DATA_RACE, || {
            owners::<SharedTicket>(2, 1)
        });
    }

    #[test]
    fn late_ticket() {
        rejected(
            "mutants::late_ticket",
            "who came first was served last",
            first_come_first_served::<LateTicket>,
        );
    }
}
