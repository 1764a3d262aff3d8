//! Delays where near misses were seen that nothing in the program orders, as far as it tells (SOSP 2019, section 5: "TSVD_HB").

use super::clocks::{Clock, Own, Stamp, Table};
use super::{Arrival, Strategy, Synchronisation};
use crate::config::Parameters;
use crate::engine::history::{ACCESSES, Access, Slot};
use crate::engine::primitive::lossy::{AtomicU64, Ordering};
use crate::engine::sites::SiteId;
use crate::engine::trap_set::TrapSet;

/// Sets of four: 1024 contexts and 4096 places are remembered, in 3 MiB; and 8 bytes for each access of the history.
const CONTEXTS: usize = 256;
const PLACES: usize = 1024;

/// Like [`TsvdFixed`](super::TsvdFixed), but orders come from vector clocks and none is inferred.
//
// One lock of the tables is held at a time, and nothing is called under it.
pub(super) struct TsvdHb {
    delay_ns: u64,
    epochs: AtomicU64,
    contexts: Table<Own>,
    places: Table<Clock>,
    /// The stamp of each access of the history. Stored after the access itself: who reads in between finds another's stamp, or
    /// an older one of the same context, and loses a near miss at worst.
    stamps: Box<[AtomicU64]>,
}

impl TsvdHb {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let slots = parameters.history_lines * ACCESSES;
        Self {
            delay_ns: parameters.delay_max_ns,
            epochs: AtomicU64::new(1),
            contexts: Table::new(CONTEXTS),
            places: Table::new(PLACES),
            stamps: (0..slots).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn tell(&self, context: u64, place: u64) {
        match self.contexts.find(context, Own::tell) {
            Some(clock) if !clock.is_empty() => self.places.with(place, |known| known.join(&clock)),
            // Nothing to tell of.
            _ => {}
        }
    }

    fn learn(&self, context: u64, clock: Option<Clock>) {
        if let Some(clock) = clock {
            self.contexts.with(context, |own| own.clock.join(&clock));
        }
    }
}

/// Hand-overs are kept with the places, at the end of the address space where none is.
fn hand_over(number: u64) -> u64 {
    !number
}

impl Strategy for TsvdHb {
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

    fn is_clocked(&self) -> bool {
        true
    }

    fn recorded(&self, slot: Slot, context: u64) {
        let stamp = self
            .contexts
            .with(context, |own| own.access(context, &self.epochs));
        self.stamps[slot].store(stamp.word(), Ordering::Relaxed);
    }

    fn is_ordered(&self, slot: Slot, earlier: Access, context: u64) -> bool {
        let stamp = Stamp::from_word(self.stamps[slot].load(Ordering::Relaxed));
        let known = |own: &mut Own| own.clock.knows(stamp);
        stamp != Stamp::NONE
            && stamp.context() == earlier.context
            && self.contexts.find(context, known) == Some(true)
    }

    fn synchronised(&self, context: u64, what: Synchronisation) {
        match what {
            Synchronisation::Released(address) => self.tell(context, address as u64),
            Synchronisation::Sent(number) => self.tell(context, hand_over(number)),
            Synchronisation::Acquired(address) => {
                let clock = self.places.find(address as u64, |clock| *clock);
                self.learn(context, clock);
            }
            Synchronisation::Received(number) => {
                self.learn(context, self.places.take(hand_over(number)));
            }
        }
    }
}
