//! Strategies: where calls are held, and for how long.
//!
//! Verdicts, the trap file, the budget and the end of a delay that has caught somebody are the engine's, and the same for
//! all of them. Near misses are recorded whoever is in charge, so that any run teaches the next.
//!
//! | strategy | holds | for | learns from a delay |
//! |---|---|---|---|
//! | [`Tsvd`] | at the sites of dangerous pairs | twice the gap seen, then longer | decay, order with rules of ours |
//! | [`TsvdFixed`] | the same | the longest delay | decay, order by the paper's rules |
//! | [`TsvdHb`] | the same, without near misses that the program orders | the longest delay | decay |
//! | [`Random`] | every call with one probability | the longest delay | nothing |
//! | [`StaticRandom`] | a sample of the call sites | the longest delay | nothing |
//! | [`Observe`] | nobody | | |

mod clocks;
mod learning;
mod ordered;
mod sampling;

use super::history::{Access, Slot};
use super::order::Rules;
use super::sites::SiteId;
use super::trap_set::TrapSet;
use crate::config::{Parameters, StrategyName};
use learning::{Tsvd, TsvdFixed};
use ordered::TsvdHb;
use sampling::{Random, StaticRandom};

/// A call that has been marked, at its site.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) site: SiteId,
    /// The history's time.
    pub(super) tick: u32,
}

/// A context did something that orders it with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(loom, expect(dead_code, reason = "the models tell of nothing"))]
pub(crate) enum Synchronisation {
    /// It took what was released at this address.
    Acquired(usize),
    /// It released at this address.
    Released(usize),
    /// It handed something on, under a number that was never used before: a message, a thread's beginning or end.
    Sent(u64),
    /// It got what was sent under this number; nobody will again.
    Received(u64),
}

/// Decides where to sleep. Asked in the cold paths only, without any lock.
pub(super) trait Strategy: Send + Sync {
    /// Whether this arrival may be held: it is not filtered, so that the site's next one is asked about, too.
    fn is_due(&self, pairs: &TrapSet, arrival: Arrival) -> bool;

    /// How long to hold one that is due, in nanoseconds, with a number drawn from `0.0..1.0`; `None` lets it pass.
    fn delay_ns(&self, pairs: &TrapSet, arrival: Arrival, random: f64) -> Option<u64>;

    /// A delay at `site` caught nothing.
    fn failed(&self, _pairs: &TrapSet, _site: SiteId) {}

    /// What orders are inferred from by delays.
    fn rules(&self) -> Rules {
        Rules::NONE
    }

    /// Whether it keeps clocks: only then the next two are called.
    fn is_clocked(&self) -> bool {
        false
    }

    /// `context` has just recorded an access in `slot` of the history.
    fn recorded(&self, _slot: Slot, _context: u64) {}

    /// Whether `earlier`, as recorded in `slot`, is known to happen before what `context` does now: then the two are no near
    /// miss.
    fn is_ordered(&self, _slot: Slot, _earlier: Access, _context: u64) -> bool {
        false
    }

    /// What the program itself says of the order of its contexts.
    #[cfg_attr(loom, expect(dead_code, reason = "the models tell of nothing"))]
    fn synchronised(&self, _context: u64, _what: Synchronisation) {}
}

/// The strategy that `parameters` name; `seed` draws one if it needs one.
pub(super) fn choose(parameters: &Parameters, seed: impl FnOnce() -> u64) -> Box<dyn Strategy> {
    match parameters.strategy {
        StrategyName::Tsvd => Box::new(Tsvd::new(parameters)),
        StrategyName::TsvdFixed => Box::new(TsvdFixed::new(parameters)),
        StrategyName::TsvdHb => Box::new(TsvdHb::new(parameters)),
        StrategyName::Random => Box::new(Random::new(parameters)),
        StrategyName::StaticRandom => Box::new(StaticRandom::new(parameters, seed())),
        StrategyName::Observe => Box::new(Observe),
    }
}

/// No delays: what meets by itself is armed, and nobody held. The paper's control (SOSP 2019, section 5).
struct Observe;

impl Strategy for Observe {
    fn is_due(&self, _: &TrapSet, _: Arrival) -> bool {
        false
    }

    fn delay_ns(&self, _: &TrapSet, _: Arrival, _: f64) -> Option<u64> {
        None
    }
}
