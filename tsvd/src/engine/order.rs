//! Happens-before inference: calls that are really ordered show it when one of them is delayed.
//!
//! If a delay at `l1` keeps another context from making any point for at least half of it, and that context goes on promptly
//! once the delay is over, then what it does next happens after `l1` (SOSP 2019, section 3.4): the two are no dangerous
//! pair. The same holds for that context's next few points. Of several delays the one that ended last is blamed.
//!
//! Four rules are ours, since our delays are shorter than the paper's 100 ms, and a context that is just busy elsewhere
//! makes no points either. It has to go on *promptly*, within half of the delay's length; within the whole of it if its gap is
//! at least twice what is usual for it, as learnt while nothing is delayed. Two delays have to agree before a pair is dropped, see
//! [`TrapSet::ordered`](super::trap_set::TrapSet::ordered). And if delays of several contexts may have kept it waiting, none is
//! blamed: of two that were held together, one has a lock that the third waits for, the other may end last by chance.
//! [`Rules::of_the_paper`] goes without them.
//!
//! No clock is read for this on undisturbed calls: while a trap is published no call is filtered, so every point during a
//! delay is stamped here, and one without a stamp was made before the delay began.

use std::collections::VecDeque;

use super::TICK_NS;
use super::primitive::lossy::{AtomicU32, AtomicU64, Mutex, Ordering};
use super::sites::SiteId;
use crate::config::Parameters;

/// The part of a delay's length within which a context has to go on: one over this.
const PROMPT: u64 = 2;
/// A tick, in the moving average.
const ONE: u32 = 16;
/// Gaps after which it is known what is usual.
const KNOWN: u32 = 4;
/// Delays that are remembered.
const REMEMBERED: usize = 16;

/// What an order is inferred from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rules {
    /// The part of a delay that a gap has to cover.
    pub(super) share: f64,
    /// Points after the first one that count as ordered too.
    pub(super) followers: u32,
    /// Delays that have to speak for an order before it is believed. 0: none ever is.
    pub(super) agree: u32,
    /// Whether a context has to go on promptly, after delays of one other context alone, and a delay that found somebody inside
    /// a body says nothing.
    pub(super) strict: bool,
}

impl Rules {
    /// With ours, for short delays.
    pub(super) fn ours(parameters: &Parameters) -> Self {
        Self {
            share: parameters.order_share,
            followers: parameters.order_points,
            agree: parameters.order_agree,
            strict: true,
        }
    }

    /// The paper's alone: one delay suffices.
    pub(super) fn of_the_paper(parameters: &Parameters) -> Self {
        Self {
            agree: parameters.order_agree.min(1),
            strict: false,
            ..Self::ours(parameters)
        }
    }

    pub(super) const NONE: Self = Self {
        share: 1.0,
        followers: 0,
        agree: 0,
        strict: true,
    };
}

/// A delay that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delay {
    pub(super) site: SiteId,
    pub(super) context: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) outcome: Outcome,
    /// Counts up from 1, in the order of their ends.
    number: u32,
}

/// What a delay can say of who made no points meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nobody came, and nobody was inside a body.
    Vain,
    /// Nobody came, but somebody was inside a body, and makes no points either, or was kept away by our own delay.
    Kept,
    /// It caught somebody, or was not waited for to its end. It may have kept others waiting all the same.
    Other,
}

pub(super) struct Order {
    pub(super) rules: Rules,
    /// Number of the last delay; a context that has seen it has nothing to look up.
    ended: AtomicU32,
    delays: Mutex<VecDeque<Delay>>,
}

/// What one context remembers of its own points; written by it alone.
pub(super) struct Gaps {
    seen: AtomicU32,
    /// When the last stamped point was made.
    stamp: AtomicU64,
    /// Tick of the last point plus one, and the usual number of ticks between points in 1/16: a moving average.
    tick: AtomicU32,
    usual: AtomicU32,
    /// Gaps that went into the average.
    known: AtomicU32,
    /// Site and number of the delay after which this context's points are ordered, and how many of them still are.
    after: AtomicU64,
    left: AtomicU32,
}

impl Gaps {
    /// Forgets what another thread left in a recycled block.
    pub(super) fn reset(&self) {
        self.stamp.store(0, Ordering::Relaxed);
        self.tick.store(0, Ordering::Relaxed);
        self.usual.store(ONE, Ordering::Relaxed);
        self.known.store(0, Ordering::Relaxed);
        self.left.store(0, Ordering::Relaxed);
    }

    /// A point at `tick` that no delay concerns.
    #[inline]
    pub(super) fn undisturbed(&self, tick: u32) {
        let last = self.tick.load(Ordering::Relaxed);
        if last == tick.wrapping_add(1) {
            return;
        }
        self.tick.store(tick.wrapping_add(1), Ordering::Relaxed);
        if last != 0 {
            let gap = tick.wrapping_add(1).wrapping_sub(last).min(1 << 10) * ONE;
            let known = self.known.load(Ordering::Relaxed);
            self.known.store(known.saturating_add(1), Ordering::Relaxed);
            let usual = self.usual.load(Ordering::Relaxed);
            self.usual
                .store(usual - usual / 4 + gap / 4, Ordering::Relaxed);
        }
    }

    /// This context was held itself, until `now`: no other's delay has kept it away so long.
    pub(super) fn held_until(&self, now: u64) {
        self.stamp.store(now, Ordering::Relaxed);
    }

    /// Whether a gap of `ns` is at least twice what is usual; not known before a few points were made undisturbed.
    fn is_unusual(&self, ns: u64) -> Option<bool> {
        let usual = u64::from(self.usual.load(Ordering::Relaxed).max(ONE));
        let known = self.known.load(Ordering::Relaxed) >= KNOWN;
        known.then(|| ns * u64::from(ONE) >= 2 * usual * TICK_NS)
    }

    pub(super) fn new() -> Self {
        Self {
            seen: AtomicU32::new(0),
            stamp: AtomicU64::new(0),
            tick: AtomicU32::new(0),
            usual: AtomicU32::new(ONE),
            known: AtomicU32::new(0),
            after: AtomicU64::new(0),
            left: AtomicU32::new(0),
        }
    }
}

impl Order {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            ended: AtomicU32::new(0),
            delays: Mutex::new(VecDeque::new()),
        }
    }

    /// A delay of `context` at `site` is over.
    pub(super) fn ended(&self, site: SiteId, context: u64, start: u64, end: u64, outcome: Outcome) {
        let matters = self.rules.strict || outcome != Outcome::Other;
        if self.rules.agree == 0 || !matters {
            return;
        }
        let mut delays = self.delays.lock();
        let number = self.ended.load(Ordering::Relaxed).wrapping_add(1);
        if delays.len() == REMEMBERED {
            delays.pop_front();
        }
        delays.push_back(Delay {
            site,
            context,
            start,
            end,
            outcome,
            number,
        });
        // Under the lock, so that who sees the number finds the delay.
        self.ended.store(number, Ordering::Relaxed);
    }

    /// Whether a point of this context has to be shown to [`point`](Self::point): something was or is being delayed.
    #[inline]
    pub(super) fn concerns(&self, gaps: &Gaps, quiet: bool) -> bool {
        !quiet
            || gaps.left.load(Ordering::Relaxed) != 0
            || self.ended.load(Ordering::Relaxed) != gaps.seen.load(Ordering::Relaxed)
    }

    /// A point of `context` at `now`: the site it happens after, and the number of the delay that showed it.
    #[cold]
    pub(super) fn point(&self, gaps: &Gaps, context: u64, now: u64) -> Option<(SiteId, u32)> {
        // What follows a delay is no usual gap.
        gaps.tick.store(0, Ordering::Relaxed);
        let stamp = gaps.stamp.swap(now, Ordering::Relaxed);
        let delays = self.delays.lock();
        let ended = self.ended.load(Ordering::Relaxed);
        let unseen = ended.wrapping_sub(gaps.seen.load(Ordering::Relaxed));
        gaps.seen.store(ended, Ordering::Relaxed);
        let strict = self.rules.strict;
        let may_have_kept_away = |delay: &&Delay| {
            let length = delay.end - delay.start;
            let gap_start = stamp.max(delay.start);
            delay.context != context
                && delay.end.saturating_sub(gap_start) as f64 >= length as f64 * self.rules.share
                && now >= delay.end
                && (!strict
                    || match gaps.is_unusual(now - gap_start) {
                        Some(unusual) => unusual && now - delay.end <= length,
                        None => (now - delay.end) * PROMPT <= length,
                    })
        };
        let latest = delays.iter().rev().take(unseen as usize);
        let candidates = latest.filter(may_have_kept_away);
        let last = candidates.clone().max_by_key(|delay| delay.end);
        let blamed = last.filter(|last| {
            let is_its = |delay: &Delay| delay.context == last.context;
            !strict || (last.outcome == Outcome::Vain && candidates.clone().all(is_its))
        });
        if let Some(delay) = blamed {
            gaps.after.store(
                u64::from(delay.site) << 32 | u64::from(delay.number),
                Ordering::Relaxed,
            );
            gaps.left.store(self.rules.followers, Ordering::Relaxed);
            return Some((delay.site, delay.number));
        }
        let left = gaps.left.load(Ordering::Relaxed).checked_sub(1)?;
        gaps.left.store(left, Ordering::Relaxed);
        let after = gaps.after.load(Ordering::Relaxed);
        Some(((after >> 32) as SiteId, after as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn strict() -> Order {
        Order::new(Rules::ours(&Parameters::default()))
    }

    /// A delay of context 1 at site 7 from 100 to 110 ms.
    fn delayed() -> Order {
        let order = strict();
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        order
    }

    #[test]
    fn a_context_that_was_kept_waiting_is_ordered_and_so_are_its_next_points() {
        let (order, gaps) = (delayed(), Gaps::new());
        assert_eq!(order.point(&gaps, 2, 111 * MS), Some((7, 1)));
        for point in 0..order.rules.followers {
            assert_eq!(
                order.point(&gaps, 2, (200 + u64::from(point)) * MS),
                Some((7, 1))
            );
        }
        assert_eq!(order.point(&gaps, 2, 300 * MS), None);
        assert!(!order.concerns(&gaps, true));
    }

    #[test]
    fn a_context_that_made_points_meanwhile_is_not() {
        let (order, gaps) = (strict(), Gaps::new());
        order.point(&gaps, 2, 106 * MS);
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        assert_eq!(order.point(&gaps, 2, 111 * MS), None, "a gap of 4 of 10 ms");
        let (order, gaps) = (strict(), Gaps::new());
        order.point(&gaps, 2, 105 * MS);
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        assert_eq!(
            order.point(&gaps, 2, 111 * MS),
            Some((7, 1)),
            "a gap of half of it"
        );
    }

    #[test]
    fn one_that_comes_back_much_later_and_the_delayed_one_itself_are_not() {
        assert_eq!(delayed().point(&Gaps::new(), 2, 116 * MS), None);
        assert_eq!(delayed().point(&Gaps::new(), 1, 111 * MS), None);
    }

    #[test]
    fn the_papers_rules_ask_neither_for_promptness_nor_for_empty_bodies() {
        let paper = Rules::of_the_paper(&Parameters::default());
        assert_eq!(paper.agree, 1);
        let order = Order::new(paper);
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Kept);
        assert_eq!(order.point(&Gaps::new(), 2, 190 * MS), Some((7, 1)));
        let ours = strict();
        ours.ended(7, 1, 100 * MS, 110 * MS, Outcome::Kept);
        assert_eq!(ours.point(&Gaps::new(), 2, 111 * MS), None);
    }

    #[test]
    fn without_rules_nothing_is_inferred() {
        let order = Order::new(Rules::NONE);
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        assert_eq!(order.point(&Gaps::new(), 2, 111 * MS), None);
        assert!(!order.concerns(&Gaps::new(), true));
    }

    #[test]
    fn a_gap_that_is_usual_for_the_context_says_nothing() {
        let slow = Gaps::new();
        (0..20).for_each(|point| slow.undisturbed(point * (20 * MS / TICK_NS) as u32));
        assert_eq!(delayed().point(&slow, 2, 111 * MS), None);
        let brisk = Gaps::new();
        (0..20).for_each(|point| brisk.undisturbed(point));
        assert_eq!(delayed().point(&brisk, 2, 111 * MS), Some((7, 1)));
    }

    #[test]
    fn of_several_delays_of_one_context_the_last_is_blamed() {
        let order = delayed();
        order.ended(8, 1, 110 * MS, 118 * MS, Outcome::Vain);
        assert_eq!(order.point(&Gaps::new(), 2, 119 * MS), Some((8, 2)));
    }

    /// The third has waited for a lock that the first has, and the second was held at the same time.
    #[test]
    fn of_delays_of_several_contexts_none_is_blamed_but_in_the_paper() {
        for outcome in [Outcome::Vain, Outcome::Kept, Outcome::Other] {
            let order = strict();
            order.ended(7, 1, 100 * MS, 110 * MS, outcome);
            order.ended(8, 3, 101 * MS, 111 * MS, Outcome::Vain);
            let gaps = Gaps::new();
            assert_eq!(order.point(&gaps, 2, 112 * MS), None, "{outcome:?}");
            assert_eq!(order.point(&gaps, 2, 113 * MS), None, "it has seen both");
        }
        let paper = Order::new(Rules::of_the_paper(&Parameters::default()));
        paper.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        paper.ended(8, 3, 101 * MS, 111 * MS, Outcome::Vain);
        assert_eq!(paper.point(&Gaps::new(), 2, 112 * MS), Some((8, 2)));
    }

    #[test]
    fn a_delay_that_was_over_before_the_gap_is_no_rival() {
        let order = strict();
        order.ended(8, 3, 90 * MS, 100 * MS, Outcome::Vain);
        let gaps = Gaps::new();
        assert_eq!(order.point(&gaps, 2, 100 * MS + MS / 2), Some((8, 1)));
        order.ended(7, 1, 100 * MS, 110 * MS, Outcome::Vain);
        assert_eq!(order.point(&gaps, 2, 111 * MS), Some((7, 2)));
    }
}
