//! An operation's way in, step by step, each with a cold sibling. The order matters: a check before the mark misses
//! overlaps whatever the fences.

use std::panic::Location;
use std::ptr;

use super::budget;
use super::defect::{Defect, planted};
use super::env::Environment;
use super::history::{Access, Recorded};
use super::hold::{Met, Waited};
use super::marks::Context;
use super::now::Now;
use super::primitive::{Ordering, fence};
use super::sites::{Cached, SiteId};
use super::strategy::Arrival;
use super::tasks::{HowHeld, Manner, Own};
use super::traps::{Party, Who};
use super::{Engine, TICK_NS};
use crate::contract::{Key, Object, Operation, conflict};

/// One call of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) site: &'static Location<'static>,
    pub(crate) object: Object,
    pub(crate) key: Option<Key<'a>>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// Not in flight: nested too deeply.
    Unwatched,
    /// In flight, to be ended by [`Engine::leave`] with this index.
    InFlight(usize),
    /// In flight likewise, and the second party of a violation.
    Caught(usize),
}

/// How far [`pass`] came with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passed {
    /// Not in flight: nested too deeply.
    Unwatched,
    /// In flight, and nothing has changed since this thread made the same call.
    Known(usize),
    /// In flight, and to be examined.
    New(usize),
}

impl Call<'_> {
    #[inline]
    pub(super) fn key_word(&self) -> u64 {
        self.key.map_or(0, |key| key.hash)
    }

    /// Stands for (object, operation, call site, key) in the filter, which multiplies once more.
    #[inline]
    pub(super) fn tag(&self) -> u64 {
        let operation = ptr::from_ref(self.operation).addr() as u64;
        let site = ptr::from_ref(self.site).addr() as u64;
        let [word, type_word] = self.object.words();
        let call = 0xd1b5_4a32_d192_ed03 ^ type_word ^ operation ^ site.rotate_left(32);
        let product = u128::from(word ^ self.key_word()) * u128::from(call);
        (product as u64) ^ (product >> 64) as u64
    }

    #[inline]
    pub(super) fn object_hash(&self) -> u64 {
        object_hash(self.object.words())
    }
}

#[inline]
pub(super) fn object_hash([word, type_word]: [u64; 2]) -> u64 {
    mix(word, type_word)
}

/// Multiply, fold, multiply: one multiplication alone maps objects of one stride to few lines.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd1b5_4a32_d192_ed03);
    ((product as u64) ^ (product >> 64) as u64).wrapping_mul(0x8cb9_2ba7_2f3d_8dd7)
}

/// The way of nearly every call: marked, and known to the filter. The rest is [`Engine::examine`].
//
// No method, so that the engine need not be at hand.
#[inline(always)]
pub(crate) fn pass<E: Environment>(
    now: &Now,
    light_fence: impl FnOnce(),
    context: &'static Context<E>,
    call: &Call<'_>,
) -> Passed {
    let too_early = planted(Defect::CheckBeforeMark).then(|| now.load());
    let Some(index) = context.mark(call) else {
        return Passed::Unwatched;
    };
    light_fence();
    // Loaded after the mark: a hit with this value proves that no trap was published when the mark was visible.
    let now = too_early.unwrap_or_else(|| now.load());
    if context.filter.knows(call.tag(), now) {
        Passed::Known(index)
    } else {
        Passed::New(index)
    }
}

/// What a record of an access says.
#[derive(Default)]
pub(super) struct Near {
    /// What it came near to.
    other: Option<Access>,
    /// It is recorded as one within an operation on the same object.
    within: bool,
}

impl<E: Environment> Engine<E> {
    /// Marks the call as in flight, checks it, and perhaps delays it.
    pub(crate) fn enter(&self, context: &'static Context<E>, call: &Call<'_>) -> Entered {
        if call.operation.drops() {
            self.retire(context, call.object);
        }
        match pass(self.now, || self.env.light_fence(), context, call) {
            Passed::Unwatched => Entered::Unwatched,
            Passed::Known(index) => Entered::InFlight(index),
            Passed::New(index) => self.examine(context, call, index),
        }
    }

    /// Checks a call that is marked at `index` and not known, and perhaps delays it.
    #[inline]
    pub(crate) fn examine(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        index: usize,
    ) -> Entered {
        let tag = call.tag();
        // Like that of `pass`: after the mark and its fence.
        let now = self.now.load();
        let recalls =
            || Now::is_quiet(now) && !context.regions.any() && context.filter.recalls(tag, now);
        if recalls() || self.now.is_off() {
            return Entered::InFlight(index);
        }
        self.examine_anew(context, call, index, tag, now)
    }

    /// Apart, so that a call which the filter's large level knows does not pay for its registers.
    #[cold]
    #[inline(never)]
    fn examine_anew(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        index: usize,
        tag: u64,
        now: u64,
    ) -> Entered {
        // Pairs with the release of `Now::publish`: the counter it was raised with is seen with it.
        fence(Ordering::Acquire);
        let who = Who::Mark(context.flight(index));
        let flight = context.unchecked(index);
        let suspended = context.suspend();
        let quiet = Now::is_quiet(now);
        let checked = self.check(context, call, who, quiet, &mut Manner::Thread);
        if checked == Checked::Quiet && quiet {
            // Still suspended: the filter may allocate.
            context.filter.stamp(tag, now);
        }
        drop(suspended);
        // Approached when it is known to be nobody's second party: that one runs at once.
        let delayed = if checked == Checked::Caught {
            None
        } else {
            self.approach(context, call)
        };
        self.visit_marked(context, call, index, delayed);
        let index = flight.checked();
        match checked {
            Checked::Quiet | Checked::Suspect => Entered::InFlight(index),
            Checked::Caught => Entered::Caught(index),
        }
    }

    /// What is the same for calls with a mark and for tokens: meet who is held, record, suspect, be held. `quiet` says that
    /// nothing was published when the call was marked.
    pub(super) fn check(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        who: Who,
        quiet: bool,
        manner: &mut Manner<'_, E>,
    ) -> Checked {
        let hash = call.object_hash();
        let cached = self.cached(context, call);
        let site = cached.number();
        if self.published.any(hash) {
            let met = self.meet(context, call, site, who, manner);
            if met != Met::Nobody {
                cached.hit(true);
                return match met {
                    Met::Caught => Checked::Caught,
                    _ => Checked::Suspect,
                };
            }
        }
        let own = self.own(context);
        self.point(own, site, quiet);
        // Before this access is recorded: a pair it makes dangerous is delayed from the next arrival on.
        let arrival = Arrival {
            site,
            tick: self.ticks.load(Ordering::Relaxed),
        };
        let due = self.strategy.is_due(&self.trap_set, arrival);
        let recorded = self.record(
            context,
            own,
            call,
            cached,
            call.operation.access().writes(),
            |_| true,
        );
        let near = recorded
            .other
            .filter(|other| !context.pairs.told(site, other.site));
        if let Some(other) = near {
            self.near_miss(call, site, other);
        }
        if due {
            if self.delay(context, call, arrival, who, manner) {
                return Checked::Caught;
            }
            return Checked::Suspect;
        }
        // A filtered call would not be recorded anew after its context has told of the last one, nor within the next operation.
        if near.is_some() || self.clocked || recorded.within {
            Checked::Suspect
        } else {
            Checked::Quiet
        }
    }

    /// The call's site, in the memory of its thread.
    pub(super) fn cached<'a>(&self, context: &'a Context<E>, call: &Call<'_>) -> &'a Cached {
        let recall = |site| self.env.recall(site);
        context
            .sites
            .find(&self.sites, call.operation, call.site, recall)
    }

    /// What the delays of others say of the order of this call.
    #[inline]
    pub(super) fn point(&self, own: Own<'_>, site: SiteId, quiet: bool) {
        if !self.order.concerns(own.gaps, quiet) {
            own.gaps.undisturbed(self.ticks.load(Ordering::Relaxed));
        } else if let Some((before, delay)) = self.order.point(own.gaps, own.number, self.env.now())
        {
            let agree = self.order.rules.agree;
            self.trap_set.ordered(before, site, delay, agree);
        }
    }

    /// An arrival that is due: draws whether and how long to hold the call, within the budget. True when it was caught.
    #[cold]
    fn delay(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        arrival: Arrival,
        who: Who,
        manner: &mut Manner<'_, E>,
    ) -> bool {
        let random = self.env.random();
        let Some(mut delay_ns) = self.strategy.delay_ns(&self.trap_set, arrival, random) else {
            return false;
        };
        let mut waited = Waited::ToTheEnd;
        let suspension = match manner {
            Manner::Thread => None,
            Manner::Task(suspension) => {
                delay_ns = delay_ns.max(suspension.at_least_ns);
                match self.may_be_held(call, arrival.site, suspension) {
                    HowHeld::Not => return false,
                    HowHeld::Blocked => {
                        waited = Waited::ToTheEndWithItsWorker;
                        None
                    }
                    HowHeld::Suspended => Some(suspension),
                }
            }
        };
        if !self.reserve(context, arrival.site, delay_ns) {
            return false;
        }
        // With nobody else there, nobody can come; but a thread may have many tasks. Asked last, for it reads a folder.
        if suspension.is_none() && self.env.is_alone() {
            budget::refund(&self.slept, &context.slept, delay_ns);
            return false;
        }
        if let Some(suspension) = suspension {
            return self.suspend(context, call, arrival.site, who, delay_ns, suspension);
        }
        let held = self.hold(context, call, arrival.site, who, delay_ns, waited);
        budget::refund(
            &self.slept,
            &context.slept,
            delay_ns.saturating_sub(held.ns),
        );
        held.caught
    }

    /// Records the access, on each line it belongs to. Which one that `meets` it came near to it.
    pub(super) fn record(
        &self,
        context: &Context<E>,
        own: Own<'_>,
        call: &Call<'_>,
        cached: &Cached,
        writes: bool,
        meets: impl Fn(Access) -> bool,
    ) -> Near {
        let site = cached.number();
        if site == 0 {
            return Near::default();
        }
        let tick = self.ticks.load(Ordering::Relaxed);
        let concurrent = self.phase.point(own.points, own.number, tick);
        cached.hit(concurrent);
        let access = Access {
            site,
            context: own.number as u16,
            tick,
            concurrent,
            keyed: call.key.is_some(),
            writes,
        };
        let lines = self.lines(context, call);
        let outer = lines.outer.iter().map(|(line, context)| {
            let access = Access {
                context: *context as u16,
                ..access
            };
            self.record_on(*line, *context, access, call.key, &meets)
                .nearest
        });
        // Every line has to have it, not only the first that shows a near miss.
        let near = outer.fold(None, Option::or);
        let recorded = self.record_on(lines.own, own.number, access, call.key, &meets);
        if recorded.new {
            context.count_object();
        }
        Near {
            other: recorded.nearest.or(near),
            within: !lines.outer.is_empty(),
        }
    }

    /// Records a keyed access under its key, for its likes, and under the object, for those without key.
    fn record_on(
        &self,
        line: u64,
        context: u64,
        access: Access,
        key: Option<Key<'_>>,
        meets: impl Fn(Access) -> bool,
    ) -> Recorded {
        let same_key = key.and_then(|key| {
            self.record_under(mix(line, key.hash), context, access, &meets)
                .nearest
        });
        let any_key = self.record_under(line, context, access, |other| {
            !(access.keyed && other.keyed) && meets(other)
        });
        Recorded {
            nearest: same_key.or(any_key.nearest),
            ..any_key
        }
    }

    /// Under `hash`, which stands for the object or for the object and a key.
    #[inline]
    fn record_under(
        &self,
        hash: u64,
        context: u64,
        access: Access,
        meets: impl Fn(Access) -> bool,
    ) -> Recorded {
        let window = (self.parameters.window_ns / TICK_NS) as u32;
        if !self.clocked {
            return self
                .history
                .record(hash, access, window, |_, other| meets(other));
        }
        let strategy = &self.strategy;
        let meets = |slot, other| !strategy.is_ordered(slot, other, context) && meets(other);
        let recorded = self.history.record(hash, access, window, meets);
        strategy.recorded(recorded.slot, context);
        recorded
    }

    #[cold]
    fn near_miss(&self, call: &Call<'_>, site: SiteId, other: Access) {
        let roles_meet = self.sites.get(other.site).is_some_and(|other| {
            // Keys were compared by the record.
            conflict(call.operation, None, other.operation, None)
        });
        if !roles_meet {
            return;
        }
        self.suspect(site, other);
    }

    /// A near miss of a call at `site`.
    #[cold]
    pub(super) fn suspect(&self, site: SiteId, other: Access) {
        self.statistics.near_misses.fetch_add(1, Ordering::Relaxed);
        // At least the gap: the other's tick is one that began before its access, however late the ticks are.
        let now = Access {
            tick: (self.env.now() / TICK_NS) as u32,
            ..other
        };
        let gap_ns = u64::from(now.ticks_since(other) + 1) * TICK_NS;
        if self.trap_set.suspect(site, other.site, gap_ns) {
            // Filters forget, so that the newly armed sites are seen at their next arrival.
            self.now.advance();
        }
    }

    /// The number of a call site.
    pub(super) fn site(
        &self,
        operation: &'static Operation,
        location: &'static Location<'static>,
    ) -> SiteId {
        self.sites
            .number(operation, location, |site| self.env.recall(site))
    }

    /// This call's side, described by its own thread.
    pub(super) fn party(&self, context: &Context<E>, call: &Call<'_>) -> Party<E::Stack> {
        Party {
            operation: call.operation,
            site: call.site,
            key: call.key.map(|key| key.hash),
            key_text: None,
            context: self.number_of(context),
            thread: None,
            task: None,
            lineage: self.env.lineage(|lineage| lineage.cloned()),
            entered_ns: self.env.now(),
            delayed_ns: 0,
            stack: None,
        }
    }

    /// The object's life ends with this call: this thread's open operations on it are over.
    #[cold]
    pub(crate) fn retire(&self, context: &Context<E>, object: Object) {
        if !planted(Defect::RetiredMarkStays) {
            context.retire(object);
        }
        let hash = object_hash(object.words());
        if !self.now.is_off() && !context.is_suspended() {
            let _suspended = context.suspend();
            self.unwatch_object(object);
        }
        // What the engine itself drops may be dropped under the lock below, which in a forked child nobody may ever give back.
        if !self.now.is_off()
            && self.published.any(hash)
            && !context.is_suspended()
            && !planted(Defect::RetiredScopeStays)
        {
            // What is dropped below may be freed by an allocator that is watched.
            let _suspended = context.suspend();
            let number = self.number_of(context);
            let mut bucket = self.traps.lock(hash);
            let before = bucket.tokens.len();
            bucket
                .tokens
                .retain(|token| token.object != object || token.party.context != number);
            let retired = before - bucket.tokens.len();
            drop(bucket);
            for _ in 0..retired {
                self.now.retract();
                self.published.lower(hash);
            }
        }
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// Nothing: the same call need not be checked again until `NOW` changes.
    Quiet,
    /// Something that makes the next arrival worth checking.
    Suspect,
    /// This call is the second party of a violation.
    Caught,
}
