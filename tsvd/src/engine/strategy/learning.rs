//! Delays where near misses were seen (SOSP 2019, section 3).

use super::{Arrival, Strategy};
use crate::config::Parameters;
use crate::engine::order::Rules;
use crate::engine::sites::SiteId;
use crate::engine::trap_set::TrapSet;

/// Delays of about the gap that was seen, longer after each failure; for the rules that short delays need see
/// [`order`](crate::engine::order).
pub(super) struct Tsvd(Rules);

impl Tsvd {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self(Rules::ours(parameters))
    }
}

impl Strategy for Tsvd {
    #[inline]
    fn is_due(&self, pairs: &TrapSet, arrival: Arrival) -> bool {
        pairs.is_armed(arrival.site)
    }

    fn delay_ns(&self, pairs: &TrapSet, arrival: Arrival, random: f64) -> Option<u64> {
        pairs.draw(arrival.site, random)
    }

    fn failed(&self, pairs: &TrapSet, site: SiteId) {
        pairs.failed(site);
    }

    fn rules(&self) -> Rules {
        self.0
    }
}

/// The paper: every delay is of one length, and one delay suffices for an order.
pub(super) struct TsvdFixed {
    rules: Rules,
    delay_ns: u64,
}

impl TsvdFixed {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            rules: Rules::of_the_paper(parameters),
            delay_ns: parameters.delay_max_ns,
        }
    }
}

impl Strategy for TsvdFixed {
    #[inline]
    fn is_due(&self, pairs: &TrapSet, arrival: Arrival) -> bool {
        pairs.is_armed(arrival.site)
    }

    fn delay_ns(&self, pairs: &TrapSet, arrival: Arrival, random: f64) -> Option<u64> {
        pairs.draw(arrival.site, random).map(|_| self.delay_ns)
    }

    fn failed(&self, pairs: &TrapSet, site: SiteId) {
        pairs.failed(site);
    }

    fn rules(&self) -> Rules {
        self.rules
    }
}
