//! Peterson's lock of `examples/src/peterson.rs`: one round each, every interleaving, no bound; two rounds each, at most three
//! preemptions.
//!
//! Proved of all forms, with two fences, with an exchange and with sequentially consistent accesses: mutual exclusion, the next owner sees the data, no deadlock. Not
//! claimed: that a waiting side ever gets in, since loom leaves out executions that spin for ever.
//!
//! That each fence is needed is a statement about C11, whose fences loom models. On x86 the first one is not, since
//! stores are seen in order there: the mutant is wrong all the same. Under loom a sequentially consistent access of
//! `tsvd::sync` is a fence and the access, which is at least as strong as C11's: of the third form all that is proved is that it is
//! right so.

use tsvd::model::Model;
use tsvd::thread;
use tsvd_examples::peterson::{Fenced, SequentiallyConsistent, Side, Swapped, Variant, sides};
use tsvd_loom_tests::owners::{expect_increments, increment};
use tsvd_loom_tests::{shows, shows_within};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("mutual exclusion, the next owner sees the data, no deadlock")
}

fn two_sides<V: Variant + 'static>(rounds: u32) {
    let [mut mine, mut other] = sides::<_, V>((0, 0));
    let work = move |side: &mut Side<_, V>| (0..rounds).for_each(|_| increment(side.lock()));
    let other = thread::spawn(move || work(&mut other));
    work(&mut mine);
    other.join().unwrap();
    expect_increments(mine.lock(), 2 * rounds);
}

#[test]
fn two_fences_are_enough() {
    shows(model("Peterson: two fences"), || two_sides::<Fenced>(1));
}

#[test]
fn two_fences_are_enough_for_two_rounds() {
    shows_within(3, model("Peterson: two fences, two rounds"), || {
        two_sides::<Fenced>(2)
    });
}

#[test]
fn an_exchange_is_enough() {
    shows(model("Peterson: an exchange"), || two_sides::<Swapped>(1));
}

#[test]
fn an_exchange_is_enough_for_two_rounds() {
    shows_within(3, model("Peterson: an exchange, two rounds"), || {
        two_sides::<Swapped>(2)
    });
}

#[test]
fn sequentially_consistent_accesses_are_enough() {
    shows(model("Peterson: sequentially consistent"), || {
        two_sides::<SequentiallyConsistent>(1)
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::peterson::{AcquireLoads, NoFirstFence, NoSecondFence, Stored};
    use tsvd_loom_tests::rejected;

    /// Loom's words for two accesses of the protected cell that are not ordered.
    const DATA_RACE: &str = "Causality violation: Concurrent";

    #[test]
    fn no_first_fence() {
        rejected("mutants::no_first_fence", DATA_RACE, || {
            two_sides::<NoFirstFence>(1)
        });
    }

    #[test]
    fn no_second_fence() {
        rejected("mutants::no_second_fence", DATA_RACE, || {
            two_sides::<NoSecondFence>(1)
        });
    }

    #[test]
    fn store_instead_of_exchange() {
        rejected("mutants::store_instead_of_exchange", DATA_RACE, || {
            two_sides::<Stored>(1)
        });
    }

    #[test]
    fn acquire_loads() {
        rejected("mutants::acquire_loads", DATA_RACE, || {
            two_sides::<AcquireLoads>(1)
        });
    }
}
