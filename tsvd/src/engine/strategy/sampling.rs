//! Delays drawn by lot, whatever was seen: what the others are compared with.

use super::{Arrival, Strategy};
use crate::config::Parameters;
use crate::engine::TICK_NS;
use crate::engine::enter::mix;
use crate::engine::primitive::lossy::{AtomicU32, Ordering};
use crate::engine::sites::{LIMIT, SiteId};
use crate::engine::trap_set::TrapSet;

/// Every call with one probability (SOSP 2019, table 2: "DynamicRandom"). No call is filtered.
pub(super) struct Random {
    probability: f64,
    delay_ns: u64,
}

impl Random {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            probability: parameters.random_probability,
            delay_ns: parameters.delay_max_ns,
        }
    }
}

impl Strategy for Random {
    fn is_due(&self, _: &TrapSet, _: Arrival) -> bool {
        self.probability > 0.0
    }

    fn delay_ns(&self, _: &TrapSet, _: Arrival, random: f64) -> Option<u64> {
        (random < self.probability).then_some(self.delay_ns)
    }
}

/// How long a sample of the call sites stands.
const SAMPLE_TICKS: u32 = (100_000_000 / TICK_NS) as u32;

/// Call sites sampled evenly, however often each is reached (Erickson, Musuvathi, Burckhardt, Olynyk: "Effective Data-Race
/// Detection for the Kernel", OSDI 2010). Theirs are breakpoints set at code drawn by lot, each gone once it is
/// hit. Here a sample is drawn every 100 ms, and a site in it is delayed at its next arrival only. That a site is in a
/// sample follows from its number and the seed, so sites that are not known yet are drawn like the others.
pub(super) struct StaticRandom {
    share: f64,
    delay_ns: u64,
    seed: u64,
    /// The number, plus one, of the last sample in which each site was delayed.
    delayed: Box<[AtomicU32]>,
}

impl StaticRandom {
    pub(super) fn new(parameters: &Parameters, seed: u64) -> Self {
        Self {
            share: parameters.sample_share,
            delay_ns: parameters.delay_max_ns,
            seed,
            delayed: (0..LIMIT).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    fn is_in_sample(&self, site: SiteId, sample: u32) -> bool {
        let drawn = mix(mix(self.seed, u64::from(sample)), u64::from(site));
        ((drawn >> 11) as f64) < self.share * (1_u64 << 53) as f64
    }
}

impl Strategy for StaticRandom {
    fn is_due(&self, _: &TrapSet, Arrival { site, tick }: Arrival) -> bool {
        let sample = tick / SAMPLE_TICKS;
        self.delayed[usize::from(site)].load(Ordering::Relaxed) != sample + 1
            && self.is_in_sample(site, sample)
    }

    fn delay_ns(&self, _: &TrapSet, Arrival { site, tick }: Arrival, _: f64) -> Option<u64> {
        let sample = tick / SAMPLE_TICKS + 1;
        // Of two that arrive together one is held, and the other can meet it.
        let before = self.delayed[usize::from(site)].swap(sample, Ordering::Relaxed);
        (before != sample).then_some(self.delay_ns)
    }
}
