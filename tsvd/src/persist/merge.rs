//! Two accounts of the same pairs become one.
//!
//! Per pair, in this order:
//!
//! - **more catches win whole**: a process that caught the pair knows what no delay in vain can refute, so state,
//!   probability, delay and number of delays are its;
//! - **else the more certain account wins**: state by its order (`Decayed` over `Ordered` over `Violated` over `Armed`), the
//!   lower probability, the longer delay, the larger number of delays;
//! - always the later day, and `disturbed` if either says so.
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
    if other.caught > known.caught {
        known.clone_from(other);
    } else if other.caught == known.caught {
        known.state = known.state.max(other.state);
        known.probability = known.probability.min(other.probability);
        known.delay_ns = known.delay_ns.max(other.delay_ns);
        known.delays = known.delays.max(other.delays);
    }
    known.last_day = last_day;
    known.disturbed = disturbed;
}

/// Whether `pair` is too old to count. A day to come is young: clocks go wrong, and what was learnt outlives that.
pub(super) fn is_forgotten(pair: &StoredPair, today: u32) -> bool {
    today.saturating_sub(pair.last_day) > KEEP_DAYS
}
