//! The dangerous pairs of call sites, and how long to delay for each.
//!
//! A pair joins at a near miss, and either of its sites is eligible from its next arrival on, in the same run (SOSP 2019,
//! section 3.2). Its delay begins at about twice the gap seen and grows fourfold at each failure; its probability begins at
//! 1 and falls by a constant, so that code which is really ordered is left alone (section 3.4). A violated pair is not
//! delayed for again.

use std::collections::HashMap;

use super::budget::Rank;
use super::primitive::lossy::{AtomicBool, AtomicU64, Mutex, Ordering};
use super::sites::{LIMIT, SiteId};
use super::{Remembered, TICK_NS};
use crate::config::Parameters;

/// So many delays are owed to each pair.
pub(crate) const OWED: u32 = 3;

/// Two call sites, smaller number first.
pub(crate) type PairKey = (SiteId, SiteId);

pub(crate) fn pair_key(a: SiteId, b: SiteId) -> PairKey {
    (a.min(b), a.max(b))
}

/// How a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its sites are delayed.
    Armed,
    /// Delays of one of its sites kept the other away: something orders them.
    Ordered,
    /// Delayed in vain until its probability was spent.
    Decayed,
    /// Reported.
    Violated,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) state: State,
    pub(crate) probability: f64,
    pub(crate) delays: u32,
    /// The first delay for this pair.
    first_delay_ns: u64,
    /// This run learnt something of it.
    pub(crate) touched: bool,
    /// A future was dropped in this run while it was held at one of its sites.
    pub(crate) disturbed: bool,
    /// How many delays of this process are owed to it.
    owed: u32,
    /// Delays that spoke for an order, and the number of the last one that did.
    agreed: u32,
    agreed_last: u32,
    /// The same of delays at one of its sites that spoke for an order of that site with any other.
    kept: u32,
    kept_last: u32,
    /// The same of earlier runs: with a process for each test none has two of its own.
    agreed_before: u32,
}

impl Pair {
    /// Delays that spoke for an order, those of earlier runs too.
    pub(crate) fn agreements(&self) -> u32 {
        self.agreed.saturating_add(self.agreed_before)
    }

    fn new(state: State, probability: f64, first_delay_ns: u64) -> Self {
        Self {
            state,
            probability,
            delays: 0,
            first_delay_ns,
            touched: false,
            disturbed: false,
            owed: OWED,
            agreed: 0,
            agreed_last: 0,
            kept: 0,
            kept_last: 0,
            agreed_before: 0,
        }
    }
}

pub(crate) struct TrapSet {
    /// A bit a call site: set while the site belongs to an armed pair. Written under the lock, read without.
    armed: Box<[AtomicU64]>,
    /// Set with the first pair.
    any: AtomicBool,
    pairs: Mutex<HashMap<PairKey, Pair>>,
    parameters: Parameters,
}

impl TrapSet {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            any: AtomicBool::new(false),
            armed: Box::new([const { AtomicU64::new(0) }; LIMIT / 64]),
            pairs: Mutex::new(HashMap::new()),
        }
    }

    /// Approximate while it changes: a site that misses its first arrival has a next one.
    #[inline]
    pub(super) fn is_armed(&self, site: SiteId) -> bool {
        self.armed[usize::from(site) / 64].load(Ordering::Relaxed) >> (site % 64) & 1 != 0
    }

    /// A near miss: arms the pair if it is new, and says whether it was. `gap_ns` is what lay between the two.
    pub(super) fn suspect(&self, a: SiteId, b: SiteId, gap_ns: u64) -> bool {
        if a == 0 || b == 0 {
            return false;
        }
        let mut pairs = self.pairs.lock();
        let mut new = false;
        pairs.entry(pair_key(a, b)).or_insert_with(|| {
            new = true;
            // The history's clock knows a gap no better than to a tick.
            Pair {
                touched: true,
                ..Pair::new(State::Armed, 1.0, self.first_delay_ns(gap_ns.max(TICK_NS)))
            }
        });
        if new {
            self.show(&pairs, [a, b]);
        }
        new
    }

    fn first_delay_ns(&self, gap_ns: u64) -> u64 {
        let Parameters {
            delay_gap,
            delay_max_ns,
            ..
        } = self.parameters;
        gap_ns.saturating_mul(delay_gap).min(delay_max_ns)
    }

    /// How long to delay for the pair: longer after each failure, but for those that an order explains: whoever was kept away by a
    /// delay at the site will be by a longer one.
    pub(crate) fn delay_ns(&self, pair: &Pair) -> u64 {
        let Parameters {
            delay_growth,
            delay_max_ns,
            ..
        } = self.parameters;
        let failures = pair.delays.saturating_sub(pair.kept);
        pair.first_delay_ns
            .saturating_mul(delay_growth.saturating_pow(failures))
            .min(delay_max_ns)
    }

    /// What an earlier run learnt of a pair.
    pub(super) fn remember(&self, known: Remembered) {
        let mut pairs = self.pairs.lock();
        let pair = Pair {
            agreed_before: known.agreed,
            owed: known.owed,
            ..Pair::new(known.state, known.probability, known.delay_ns)
        };
        pairs.insert(known.key, pair);
        self.show(&pairs, [known.key.0, known.key.1]);
    }

    /// How long to delay an arrival at `site`, drawing at `random`; `None` when it goes on at once. Of the site's pairs it is
    /// for those it is worth most for: a long one for an old pair is not to be had at the price of a new one's.
    pub(super) fn draw(&self, site: SiteId, random: f64) -> Option<u64> {
        let pairs = self.pairs.lock();
        let drawn = armed_at(&pairs, site).filter(|pair| random < pair.probability);
        let (_, delay_ns) = drawn
            .map(|pair| (self.rank_of(pair), self.delay_ns(pair)))
            .max()?;
        Some(delay_ns)
    }

    fn rank_of(&self, pair: &Pair) -> Rank {
        // A long one is as dear as many first ones.
        let is_short = self.delay_ns(pair) <= self.parameters.budget_process_ns / 10;
        match pair.owed.saturating_sub(pair.delays) {
            OWED if !is_short => Rank::Owed,
            OWED.. => Rank::First,
            1.. => Rank::Owed,
            0 => Rank::Further,
        }
    }

    /// What a delay at `site` is worth. To a strategy that has no pairs they are all alike.
    pub(super) fn rank(&self, site: SiteId) -> Rank {
        let pairs = self.pairs.lock();
        let ranks = armed_at(&pairs, site).map(|pair| self.rank_of(pair));
        ranks.max().unwrap_or(Rank::First)
    }

    /// A delay at `site` caught nothing.
    pub(super) fn failed(&self, site: SiteId) {
        let decay = self.parameters.decay;
        let mut pairs = self.pairs.lock();
        let mut touched = vec![site];
        for (key, pair) in pairs
            .iter_mut()
            .filter(|(key, pair)| has(**key, site) && pair.state == State::Armed)
        {
            pair.touched = true;
            pair.delays += 1;
            pair.probability -= decay;
            if pair.probability < decay / 2.0 {
                pair.probability = 0.0;
                pair.state = State::Decayed;
                touched.extend([key.0, key.1]);
            }
        }
        self.show(&pairs, touched);
    }

    /// A future was dropped while it was held at `site`.
    pub(super) fn disturb(&self, site: SiteId) {
        let mut pairs = self.pairs.lock();
        for (_, pair) in pairs.iter_mut().filter(|(key, _)| has(**key, site)) {
            pair.touched = true;
            pair.disturbed = true;
        }
    }

    /// Whether anything was ever suspected.
    #[cfg(not(loom))]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Delay number `delay` at `before` kept away who is now at `after`: when `agree` of them have, the pair is left alone.
    pub(super) fn ordered(&self, before: SiteId, after: SiteId, delay: u32, agree: u32) {
        let mut pairs = self.pairs.lock();
        let key = pair_key(before, after);
        if !pairs.contains_key(&key) {
            return;
        }
        for (_, pair) in pairs.iter_mut().filter(|(key, _)| has(**key, before)) {
            if pair.kept_last != delay {
                pair.kept += 1;
                pair.kept_last = delay;
            }
        }
        let Some(pair) = pairs.get_mut(&key) else {
            return;
        };
        if pair.state != State::Armed || pair.agreed_last == delay {
            return;
        }
        pair.touched = true;
        pair.agreed += 1;
        pair.agreed_last = delay;
        if pair.agreements() >= agree {
            pair.state = State::Ordered;
            self.show(&pairs, [before, after]);
        }
    }

    /// The pair was caught.
    pub(super) fn violated(&self, a: SiteId, b: SiteId) {
        if a == 0 || b == 0 {
            return;
        }
        let mut pairs = self.pairs.lock();
        let pair = pairs
            .entry(pair_key(a, b))
            .or_insert(Pair::new(State::Armed, 0.0, 0));
        pair.touched = true;
        pair.state = State::Violated;
        self.show(&pairs, [a, b]);
    }

    /// Caught pairs are delayed for again; with `all`, also those that were left alone. How many.
    pub(crate) fn rearm(&self, all: bool) -> usize {
        let mut pairs = self.pairs.lock();
        let mut again = Vec::new();
        for (key, pair) in pairs.iter_mut() {
            if all || pair.state == State::Violated {
                let Pair {
                    first_delay_ns,
                    touched,
                    delays,
                    state,
                    owed,
                    ..
                } = *pair;
                *pair = Pair {
                    touched,
                    delays,
                    owed: match state {
                        // Until it is repaired.
                        State::Violated => u32::MAX,
                        _ => owed,
                    },
                    ..Pair::new(State::Armed, 1.0, first_delay_ns)
                };
                again.extend([key.0, key.1]);
            }
        }
        let armed = again.len() / 2;
        self.show(&pairs, again);
        armed
    }

    /// How many there are, whatever became of them.
    pub(crate) fn known(&self) -> usize {
        self.pairs.lock().len()
    }

    pub(crate) fn pairs(&self) -> Vec<(PairKey, Pair)> {
        let mut list: Vec<_> = self
            .pairs
            .lock()
            .iter()
            .map(|(key, pair)| (*key, *pair))
            .collect();
        list.sort_by_key(|(key, _)| *key);
        list
    }

    fn show(&self, pairs: &HashMap<PairKey, Pair>, sites: impl IntoIterator<Item = SiteId>) {
        self.any.store(true, Ordering::Relaxed);
        for site in sites {
            let armed = pairs
                .iter()
                .any(|(key, pair)| has(*key, site) && pair.state == State::Armed);
            let word = &self.armed[usize::from(site) / 64];
            let bit = 1 << (site % 64);
            if armed {
                word.fetch_or(bit, Ordering::Relaxed);
            } else {
                word.fetch_and(!bit, Ordering::Relaxed);
            }
        }
    }
}

fn armed_at(pairs: &HashMap<PairKey, Pair>, site: SiteId) -> impl Iterator<Item = &Pair> {
    let of_site = pairs.iter().filter(move |(key, _)| has(**key, site));
    of_site
        .map(|(_, pair)| pair)
        .filter(|pair| pair.state == State::Armed)
}

fn has(key: PairKey, site: SiteId) -> bool {
    key.0 == site || key.1 == site
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: u64 = 5_000_000;

    #[test]
    fn a_near_miss_arms_both_sites_once() {
        let set = TrapSet::new(Parameters::default());
        assert!(set.suspect(3, 70, GAP));
        assert!(!set.suspect(70, 3, GAP));
        assert!(set.is_armed(3) && set.is_armed(70) && !set.is_armed(4));
        assert_eq!(set.draw(70, 0.99), Some(2 * GAP));
        assert_eq!(set.draw(4, 0.0), None);
    }

    #[test]
    fn vain_delays_grow_and_wear_the_pair_out() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        let mut delays = Vec::new();
        while let Some(delay) = set.draw(1, 0.0)
            && delays.len() < 20
        {
            delays.push(delay);
            set.failed(1);
        }
        assert_eq!(delays[..3], [10_000_000, 40_000_000, 100_000_000]);
        assert_eq!(delays.len(), 10);
        assert_eq!(set.pairs()[0].1.state, State::Decayed);
        assert!(!set.is_armed(1) && !set.is_armed(2));
        assert!(!set.suspect(1, 2, GAP), "a decayed pair stays out");
    }

    #[test]
    fn a_worn_probability_lets_arrivals_pass() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        set.failed(1);
        assert_eq!(set.draw(1, 0.95), None);
        assert!(set.draw(1, 0.85).is_some());
    }

    #[test]
    fn a_violated_pair_is_left_alone_and_its_sites_other_pairs_are_not() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        set.suspect(1, 3, GAP);
        set.violated(2, 1);
        assert!(set.is_armed(1) && set.is_armed(3) && !set.is_armed(2));
        assert!(!set.suspect(1, 2, GAP));
    }

    #[test]
    fn two_delays_that_agree_on_an_order_end_the_suspicion_and_do_not_grow() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        set.failed(1);
        set.ordered(1, 2, 1, 2);
        set.ordered(1, 2, 1, 2);
        assert!(set.is_armed(1), "one delay, seen by two");
        assert_eq!(set.draw(1, 0.0), Some(2 * GAP));
        set.failed(1);
        set.ordered(2, 1, 2, 2);
        assert_eq!(set.pairs()[0].1.state, State::Ordered);
        assert!(!set.is_armed(1) && !set.is_armed(2));
    }

    #[test]
    fn a_delay_that_kept_somebody_away_is_no_reason_for_a_longer_one_at_its_site() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        set.suspect(1, 3, GAP);
        set.suspect(3, 4, GAP);
        for delay in 1..=2 {
            set.failed(1);
            set.ordered(1, 2, delay, 5);
            set.ordered(1, 2, delay, 5);
            set.ordered(1, 9, delay, 5);
        }
        let delay_ns = |site| set.draw(site, 0.0).unwrap();
        assert_eq!(delay_ns(1), 2 * GAP);
        set.failed(1);
        set.ordered(1, 9, 3, 5);
        assert_eq!(delay_ns(1), 8 * GAP, "nobody who belongs to it");
        set.failed(4);
        assert_eq!(delay_ns(4), 8 * GAP, "another site's");
    }

    #[test]
    fn a_pairs_delays_are_worth_less_one_after_another() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        for delays in 0..OWED {
            let rank = if delays == 0 { Rank::First } else { Rank::Owed };
            assert_eq!([set.rank(1), set.rank(2)], [rank; 2]);
            set.failed(1);
        }
        assert!(set.is_armed(1));
        assert_eq!(set.rank(1), Rank::Further);
        assert!(set.draw(1, 0.0) > Some(2 * GAP));
        // Its sites' best pair speaks for it, and says how long.
        set.suspect(1, 3, GAP);
        assert_eq!(set.rank(1), Rank::First);
        assert_eq!(set.draw(1, 0.0), Some(2 * GAP));
        assert_eq!(set.rank(2), Rank::Further);
    }

    #[test]
    fn what_earlier_runs_had_counts() {
        let set = TrapSet::new(Parameters::default());
        let rank = |owed| {
            set.remember(Remembered {
                key: (3, 4),
                state: State::Armed,
                probability: 1.0,
                delay_ns: GAP,
                agreed: 0,
                owed,
                disturbed: false,
                first_polls: Default::default(),
            });
            set.rank(3)
        };
        assert_eq!(rank(0), Rank::Further);
        assert_eq!(rank(1), Rank::Owed);
        assert_eq!(rank(OWED), Rank::First);
        assert_eq!(rank(u32::MAX), Rank::First, "caught before");
        set.suspect(5, 6, 5 * GAP);
        assert_eq!(set.rank(5), Rank::Owed, "a long one");
        set.failed(3);
        assert_eq!(set.rank(3), Rank::First, "and for as long as it is there");
    }

    #[test]
    fn a_delay_of_an_earlier_run_agrees_too() {
        let set = TrapSet::new(Parameters::default());
        let known = |agreed| Remembered {
            key: (1, 2),
            state: State::Armed,
            probability: 1.0,
            delay_ns: GAP,
            agreed,
            owed: OWED,
            disturbed: false,
            first_polls: Default::default(),
        };
        set.remember(known(0));
        set.ordered(1, 2, 1, 2);
        let (_, pair) = set.pairs()[0];
        assert_eq!((pair.state, pair.agreements()), (State::Armed, 1));
        // In the next process the numbers of delays begin anew.
        set.remember(known(1));
        set.ordered(1, 2, 1, 2);
        let (_, pair) = set.pairs()[0];
        assert_eq!((pair.state, pair.agreements()), (State::Ordered, 2));
    }

    #[test]
    fn caught_pairs_can_be_armed_again_and_others_where_all_are_wanted() {
        let set = TrapSet::new(Parameters::default());
        set.suspect(1, 2, GAP);
        set.suspect(3, 4, GAP);
        set.violated(1, 2);
        set.ordered(3, 4, 1, 1);
        assert!(!set.is_armed(1) && !set.is_armed(3));
        assert_eq!(set.rearm(false), 1);
        assert!(set.is_armed(1) && !set.is_armed(3));
        assert_eq!(set.draw(2, 0.99), Some(2 * GAP));
        set.rearm(true);
        assert!(set.is_armed(3) && set.is_armed(4));
        assert_eq!(set.known(), 2);
        let again = |times: u32| (0..times).for_each(|_| set.failed(1));
        again(OWED);
        assert_eq!(set.rank(1), Rank::First, "for it was caught");
        set.rearm(true);
        assert_eq!(set.rank(1), Rank::First, "and once more");
    }

    #[test]
    fn a_site_may_collide_with_itself() {
        let set = TrapSet::new(Parameters::default());
        assert!(set.suspect(5, 5, GAP));
        assert!(set.is_armed(5));
        set.violated(5, 5);
        assert!(!set.is_armed(5));
    }
}
