//! Lamport's bakery of `examples/src/bakery.rs`:
//!
//! | customers | rounds | bound |
//! |---|---|---|
//! | two, waiting | one | none |
//! | two, waiting | two | three preemptions |
//! | three, waiting | one | one preemption |
//! | three, giving up instead of waiting | one | three preemptions |
//!
//! Proved of `Right`: mutual exclusion and that the next owner sees the data; where customers wait, no deadlock. Waiting is what makes
//! the model of three so large, since each of them can be passed over again and again; a customer that gives up instead is
//! loop-free and walks through the same doorway. Not claimed: that a waiting customer is ever served.

use tsvd::model::Model;
use tsvd::thread;
use tsvd_examples::bakery::{Customer, Right, Variant, customers};
use tsvd_loom_tests::owners::{expect_increments, increment};
use tsvd_loom_tests::{shows, shows_within};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("mutual exclusion, the next owner sees the data")
}

/// Runs `visit` for each of so many customers, on a thread each; returns one of them.
fn all_visit<V: Variant + 'static>(
    count: usize,
    visit: impl Fn(&mut Customer<(u32, u32), V>) + Copy + Send + 'static,
) -> Customer<(u32, u32), V> {
    let mut others = customers(count, (0, 0));
    let mut mine = others.remove(0);
    let threads: Vec<_> = others
        .into_iter()
        .map(|mut customer| thread::spawn(move || visit(&mut customer)))
        .collect();
    visit(&mut mine);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    mine
}

fn waiting<V: Variant + 'static>(count: usize, rounds: u32) {
    let mut customer = all_visit::<V>(count, move |customer| {
        (0..rounds).for_each(|_| increment(customer.lock()));
    });
    expect_increments(customer.lock(), count as u32 * rounds);
}

fn giving_up<V: Variant + 'static>(count: usize) {
    all_visit::<V>(count, |customer| {
        if let Some(guard) = customer.try_lock() {
            increment(guard);
        }
    });
}

#[test]
fn two_exclude_each_other() {
    shows(model("bakery: two customers"), || waiting::<Right>(2, 1));
}

#[test]
fn two_exclude_each_other_for_two_rounds() {
    shows_within(3, model("bakery: two customers, two rounds"), || {
        waiting::<Right>(2, 2)
    });
}

#[test]
fn three_exclude_each_other() {
    shows_within(1, model("bakery: three customers"), || {
        waiting::<Right>(3, 1)
    });
}

#[test]
fn three_that_give_up_exclude_each_other() {
    shows_within(3, model("bakery: three customers, giving up"), || {
        giving_up::<Right>(3)
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::bakery::{NoChoosing, NoFences, NoFirstFence, NoSecondFence, NoTieBreak};
    use tsvd_loom_tests::rejected;

    /// Loom's words for two accesses of the protected cell that are not ordered.
    const DATA_RACE: &str = "Causality violation: Concurrent";

    #[test]
    fn no_choosing() {
        rejected("mutants::no_choosing", DATA_RACE, || {
            waiting::<NoChoosing>(2, 1)
        });
    }

    #[test]
    fn no_fences() {
        rejected("mutants::no_fences", DATA_RACE, || {
            waiting::<NoFences>(2, 1)
        });
    }

    #[test]
    fn no_first_fence() {
        rejected("mutants::no_first_fence", DATA_RACE, || {
            waiting::<NoFirstFence>(2, 1)
        });
    }

    #[test]
    fn no_second_fence() {
        rejected("mutants::no_second_fence", DATA_RACE, || {
            waiting::<NoSecondFence>(2, 1)
        });
    }

    #[test]
    fn no_tie_break() {
        rejected("mutants::no_tie_break", DATA_RACE, || {
            waiting::<NoTieBreak>(2, 1)
        });
    }

    #[test]
    fn no_tie_break_giving_up() {
        rejected("mutants::no_tie_break_giving_up", DATA_RACE, || {
            giving_up::<NoTieBreak>(3)
        });
    }
}
