//! The ring of `examples/src/ring.rs`: one producer, one consumer, three items through room for one or two; every interleaving, no
//! bound.
//!
//! Proved of `Right`: the consumer gets the items in the order in which they were pushed, none lost, none twice, none torn (each
//! slot is a loom cell, so a slot that is filled and emptied at once fails), and that the ring's own roles make its contract
//! hold: no push meets a push, no pop a pop. Assumed: one thread has each role, which is the contract, and its violation a mutant.

use tsvd::hint::spin_loop;
use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::ring::{Right, Ring, Variant};
use tsvd_loom_tests::shows;

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("nothing lost, duplicated or torn; the contract is kept")
}

/// Pushes numbers, each once whether there is room or not; returns those that went in.
fn produce<V: Variant>(ring: &Ring<u32, V>, items: std::ops::Range<u32>) -> Vec<u32> {
    items.filter(|item| ring.push(*item).is_ok()).collect()
}

/// So many pushes and pops, which do not wait; what is left in the ring is popped at the end. Returns how many items went in.
fn producer_and_consumer<V: Variant + 'static>(capacity: usize, pushes: u32, pops: u32) -> usize {
    let ring = Arc::new(Ring::<u32, V>::with_capacity(capacity));
    let producer = {
        let ring = Arc::clone(&ring);
        thread::spawn(move || produce(&ring, 0..pushes))
    };
    let mut popped: Vec<_> = (0..pops).filter_map(|_| ring.pop()).collect();
    let pushed = producer.join().unwrap();
    popped.extend(std::iter::from_fn(|| ring.pop()));
    assert_eq!(popped, pushed, "what came out is not what went in");
    pushed.len()
}

/// Three pushes, of which all go in by using a slot again, or not all since the ring is full.
fn all_fates(name: &str, capacity: usize) {
    let goals = ["a slot was filled again", "the ring was full"];
    shows(
        model(name).goals(goals),
        move || match producer_and_consumer::<Right>(capacity, 3, 2) {
            3 => tsvd::reachable!("a slot was filled again"),
            _ => tsvd::reachable!("the ring was full"),
        },
    );
}

/// A consumer that waits for an item.
fn waiting_consumer<V: Variant + 'static>() {
    let ring = Arc::new(Ring::<u32, V>::with_capacity(1));
    let producer = {
        let ring = Arc::clone(&ring);
        thread::spawn(move || produce(&ring, 7..8))
    };
    let item = loop {
        match ring.pop() {
            Some(item) => break item,
            None => spin_loop(),
        }
    };
    assert_eq!(item, 7);
    assert_eq!(producer.join().unwrap(), [7]);
}

#[test]
fn what_goes_in_comes_out_once_and_in_order() {
    all_fates("ring: three pushes, two pops, room for two", 2);
}

#[test]
fn a_slot_is_filled_again_only_when_it_is_empty() {
    all_fates("ring: three pushes, two pops, room for one", 1);
}

#[test]
fn a_consumer_may_wait() {
    shows(model("ring: a waiting consumer"), waiting_consumer::<Right>);
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::ring::{Overfull, RelaxedHead, RelaxedTail};
    use tsvd_loom_tests::rejected;

    /// Loom's words for two accesses of a slot that are not ordered.
    const DATA_RACE: &str = "Causality violation: Concurrent";

    #[test]
    fn second_producer() {
        rejected(
            "mutants::second_producer",
            "tsvd: contract violated: `Ring::push` (write) at",
            || {
                let ring = Arc::new(Ring::<u32>::with_capacity(2));
                let other = {
                    let ring = Arc::clone(&ring);
                    thread::spawn(move || produce(&ring, 1..2))
                };
                produce(&ring, 0..1);
                other.join().unwrap();
            },
        );
    }

    #[test]
    fn relaxed_tail() {
        rejected("mutants::relaxed_tail", DATA_RACE, || {
            let _pushed = producer_and_consumer::<RelaxedTail>(2, 3, 2);
        });
    }

    #[test]
    fn relaxed_head() {
        rejected("mutants::relaxed_head", DATA_RACE, || {
            let _pushed = producer_and_consumer::<RelaxedHead>(1, 2, 2);
        });
    }

    #[test]
    fn one_item_too_many() {
        rejected(
            "mutants::one_item_too_many",
            "what came out is not what went in",
            || {
                let _pushed = producer_and_consumer::<Overfull>(1, 2, 2);
            },
        );
    }
}
