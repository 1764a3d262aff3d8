//! Two accounts of the same pairs become one.
//!
//! Per pair, in this order:
//!
//! - **more catches win whole**: a process that caught the pair knows what no delay in vain can refute, so state,
//!   probability, delay and number of delays are its;
//! - **else the more certain account wins**: state by its order (`Decayed` over `Ordered` over `Violated` over `Armed`), the
//!   lower probability, the longer delay, the larger numbers of delays and of those that spoke for an order;
//! - always the later day, `disturbed` if either says so, and of first polls what wins.
//!
//! Each is the larger element of an order, so joining is commutative, associative and idempotent. Counts are not added: two
//! processes that both started from 3 delays and made 1 each give 4, not 8, and saving twice changes nothing.
//!
//! A caught pair may thus end as `Decayed`: repaired, delayed in vain, left alone. The next catch makes it `Violated` again.
//!
//! A pair is **forgotten** when [`KEEP_DAYS`] days taught nothing about it. What is found ordered or decayed is no longer
//! delayed, so nothing more is learnt: the verdict lapses, and code that has changed since is looked at afresh. Beyond
//! [`MOST_PAIRS`] the ones with the oldest day go first.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::model::{StoredPair, StoredSite};

/// How many days an account outlives what it learnt last.
pub(super) const KEEP_DAYS: u32 = 30;

/// The most pairs in a file.
pub(super) const MOST_PAIRS: usize = 10_000;

/// Joins `new` into `known`, both in any order, and returns the pairs in the order of their sites, tidy.
pub(super) fn merge(
    known: impl IntoIterator<Item = StoredPair>,
    new: impl IntoIterator<Item = StoredPair>,
) -> Vec<StoredPair> {
    let mut pairs = BTreeMap::<(StoredSite, StoredSite), StoredPair>::new();
    for pair in known.into_iter().chain(new).map(StoredPair::tidy) {
        match pairs.entry((pair.first.clone(), pair.second.clone())) {
            Entry::Vacant(free) => {
                free.insert(pair);
            }
            Entry::Occupied(mut taken) => join(taken.get_mut(), &pair),
        }
    }
    pairs.into_values().collect()
}

fn join(known: &mut StoredPair, other: &StoredPair) {
    let last_day = known.last_day.max(other.last_day);
    let disturbed = known.disturbed || other.disturbed;
    let first_polls = [0, 1].map(|site| known.first_polls[site].max(other.first_polls[site]));
    if other.caught > known.caught {
        known.clone_from(other);
    } else if other.caught == known.caught {
        known.state = known.state.max(other.state);
        known.probability = known.probability.min(other.probability);
        known.delay_ns = known.delay_ns.max(other.delay_ns);
        known.delays = known.delays.max(other.delays);
        known.agreed = known.agreed.max(other.agreed);
    }
    known.last_day = last_day;
    known.disturbed = disturbed;
    known.first_polls = first_polls;
}

/// Whether `pair` is too old to count. A day to come is young: clocks go wrong, and what was learnt outlives that.
pub(super) fn is_forgotten(pair: &StoredPair, today: u32) -> bool {
    today.saturating_sub(pair.last_day) > KEEP_DAYS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::StoredState;
    use super::super::tests::{TODAY, any_pair, pair};
    use super::*;

    fn joined(a: &StoredPair, b: &StoredPair) -> StoredPair {
        let mut both = merge([a.clone()], [b.clone()]);
        assert_eq!(both.len(), 1);
        both.remove(0)
    }

    #[test]
    fn the_more_certain_account_wins() {
        let ours = StoredPair {
            state: StoredState::Ordered,
            probability: 0.7,
            delay_ns: 9,
            delays: 3,
            last_day: TODAY - 2,
            ..pair(10, 20)
        };
        let theirs = StoredPair {
            probability: 0.9,
            delay_ns: 4,
            delays: 5,
            disturbed: true,
            ..pair(10, 20)
        };
        let expected = StoredPair {
            delays: 5,
            last_day: TODAY,
            disturbed: true,
            ..ours.clone()
        };
        assert_eq!(joined(&ours, &theirs), expected);
    }

    #[test]
    fn a_catch_wins_over_every_account_that_knows_fewer() {
        let decayed = StoredPair {
            state: StoredState::Decayed,
            probability: 0.0,
            delay_ns: 100,
            delays: 10,
            ..pair(10, 20)
        };
        let mut caught = pair(10, 20);
        caught.probability = 0.4;
        caught.catch();
        assert_eq!(joined(&decayed, &caught), caught);
        assert_eq!(caught.probability, 1.0);

        // Repaired: delays in vain of a process that knew of the catch count, and a new catch undoes them.
        let repaired = StoredPair {
            caught: 1,
            ..decayed
        };
        assert_eq!(joined(&caught, &repaired).state, StoredState::Decayed);
        let mut again = repaired.clone();
        again.catch();
        assert_eq!(joined(&repaired, &again).state, StoredState::Violated);
    }

    #[test]
    fn a_pair_is_the_same_from_both_ends() {
        let mut turned = pair(10, 20);
        std::mem::swap(&mut turned.first, &mut turned.second);
        assert_eq!(joined(&turned, &pair(10, 20)), pair(10, 20));
    }

    #[test]
    fn a_probability_is_a_number_that_json_has() {
        for (wrong, right) in [
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
            (-0.1, 0.0),
            (0.700_000_000_000_000_1, 0.7),
        ] {
            let odd = StoredPair {
                probability: wrong,
                ..pair(10, 20)
            };
            assert_eq!(odd.tidy().probability, right);
        }
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(
            a in prop::collection::vec(any_pair(), 0..12),
            b in prop::collection::vec(any_pair(), 0..12),
            c in prop::collection::vec(any_pair(), 0..12),
        ) {
            let merge = |a: &[StoredPair], b: &[StoredPair]| merge(a.to_vec(), b.to_vec());
            let ab = merge(&a, &b);
            prop_assert_eq!(&ab, &merge(&b, &a));
            prop_assert_eq!(merge(&ab, &c), merge(&a, &merge(&b, &c)));
            prop_assert_eq!(&ab, &merge(&ab, &b));
            prop_assert_eq!(&ab, &merge(&ab, &ab));
        }

        #[test]
        fn merging_keeps_every_pair(a in prop::collection::vec(any_pair(), 0..12), b in prop::collection::vec(any_pair(), 0..12)) {
            let key = |pair: &StoredPair| (pair.first.clone(), pair.second.clone());
            let merged: Vec<_> = merge(a.clone(), b.clone()).iter().map(key).collect();
            for pair in a.into_iter().chain(b) {
                prop_assert!(merged.contains(&key(&pair.tidy())));
            }
        }
    }
}
