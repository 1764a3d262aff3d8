//! The delay between check and act, and where it is worth it.

use std::cell::RefCell;

use super::access::{Delayed, Outlook};
use super::watch::Part;
use crate::contract::{Did, Object, Pattern, meet};
use crate::engine::alarm::Alarm;
use crate::engine::defect::{Defect, planted};
use crate::engine::enter::Call;
use crate::engine::env::Environment;
use crate::engine::history::Access;
use crate::engine::marks::Context;
use crate::engine::order::Outcome;
use crate::engine::primitive::MutexGuard;
use crate::engine::primitive::lossy::{Arc, AtomicU64, Ordering};
use crate::engine::sites::{LIMIT, SiteId};
use crate::engine::strategy::Arrival;
use crate::engine::traps::{Bucket, Sleeper};
use crate::engine::{Engine, budget};

/// A context that is held between check and act.
pub(crate) struct Hold<E: Environment> {
    pub(super) number: u64,
    object: Object,
    pub(in crate::engine) sleeper: Sleeper<E>,
    part: Part,
    /// The watches of its regions that the act is to end.
    watches: Vec<u64>,
    /// What it is expected to do.
    act: Did,
    /// Somebody came and went.
    caught: bool,
}

/// A delay that is due before a call.
pub(super) struct Due {
    pub(super) site: SiteId,
    /// The regions that it is an access of.
    pub(super) own: Vec<u64>,
    pub(super) delay_ns: u64,
}

/// Whoever is held has this of its [`Hold`].
pub(super) struct SetHold {
    pub(super) number: u64,
    pub(super) site: SiteId,
    watches: Vec<u64>,
    pub(super) start: u64,
    pub(super) until: u64,
}

/// What was seen of call sites in regions: so that one who comes later knows.
pub(crate) struct Acts {
    /// They are of regions. One that only looked may look for a write that it would have made if it had come first.
    checks: Box<[AtomicU64]>,
    /// They act where the region had checked.
    /// A write in between makes a pattern.
    checked: Box<[AtomicU64]>,
    /// A read in between makes one.
    written: Box<[AtomicU64]>,
}

impl Acts {
    pub(in crate::engine) fn new() -> Self {
        let bits = || Box::new([const { AtomicU64::new(0) }; LIMIT / 64]);
        Self {
            checks: bits(),
            checked: bits(),
            written: bits(),
        }
    }

    fn add(&self, site: SiteId, first: Option<Did>, next: Did) {
        set(&self.checks, site);
        let Some(first) = first else { return };
        for (bits, foreign) in [(&self.checked, Did::Write), (&self.written, Did::Read)] {
            if Pattern::of(first, foreign, next).is_some() {
                set(bits, site);
            }
        }
    }

    /// What an access at `site` is taken to do, that wrote or did not.
    fn likely(&self, site: SiteId, writes: bool) -> Did {
        if writes || is_set(&self.checks, site) {
            Did::Update
        } else {
            Did::Read
        }
    }

    /// Whether `did` in between would make a pattern that an access at `site` ends.
    fn interrupts(&self, site: SiteId, did: Did) -> bool {
        (did.changes() && is_set(&self.checked, site))
            || (did.reads() && is_set(&self.written, site))
    }
}

fn is_set(bits: &[AtomicU64], site: SiteId) -> bool {
    bits[usize::from(site) / 64].load(Ordering::Relaxed) >> (site % 64) & 1 != 0
}

fn set(bits: &[AtomicU64], site: SiteId) {
    if !is_set(bits, site) {
        bits[usize::from(site) / 64].fetch_or(1 << (site % 64), Ordering::Relaxed);
    }
}

impl<E: Environment> Bucket<E> {
    /// The watches that an access of the regions `own` would end, if it is worth waiting for somebody to come in between: nobody did,
    /// and nobody waits for just this access.
    fn worth_holding(&self, own: &[u64], call: &Call<'_>) -> Option<Vec<u64>> {
        let (part, act) = (call.part(), Did::from(call.operation.access()));
        let is_awaited = self.holds.iter().any(|hold| {
            hold.object == call.object
                && !hold.caught
                && meet(hold.part, part)
                && hold.watches.iter().any(|number| {
                    let watch = self.watches.iter().find(|watch| watch.number == *number);
                    watch.is_some_and(|watch| {
                        !own.contains(&watch.region)
                            && Pattern::of(watch.deed.did(), act, hold.act).is_some()
                    })
                })
        });
        let mut watches = Vec::new();
        for watch in &self.watches {
            let is_same = watch.object == call.object && call.object.may_be(watch.object);
            if !is_same || !own.contains(&watch.region) || !watch.meets(part) {
                continue;
            }
            if watch.interrupted(usize::MAX, part, &act.into()).is_some() {
                return None;
            }
            let others = [Did::Write, Did::Read];
            if others
                .iter()
                .any(|other| Pattern::of(watch.deed.did(), *other, act).is_some())
            {
                watches.push(watch.number);
            }
        }
        (!is_awaited && !watches.is_empty()).then_some(watches)
    }

    /// Whether somebody came and went, which is what it waits for.
    pub(super) fn is_caught(&self, set: &SetHold) -> bool {
        let own = self.holds.iter().find(|hold| hold.number == set.number);
        own.is_none_or(|hold| hold.caught)
    }

    fn is_anybody_inside(&self, watches: &[u64]) -> bool {
        self.watches
            .iter()
            .any(|watch| watches.contains(&watch.number) && watch.inside > 0)
    }
}

impl<E: Environment> Engine<E> {
    #[cold]
    pub(super) fn approach_as(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        outlook: Outlook,
    ) -> Option<Delayed> {
        if context.is_suspended() || self.now.is_off() {
            return None;
        }
        let _suspended = context.suspend();
        let due = self.due(context, call, outlook)?;
        self.hold_with_thread(context, call, &due)
    }

    /// Whether a delay is due here.
    pub(super) fn due(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        outlook: Outlook,
    ) -> Option<Due> {
        let site = self.cached(context, call).number();
        let arrival = Arrival {
            site,
            tick: self.ticks.load(Ordering::Relaxed),
        };
        if !self.strategy.is_due(&self.trap_set, arrival) {
            return None;
        }
        let mut own = self.own_regions(context, outlook, call);
        self.leave_strangers(context, call, &mut own);
        let worth = self
            .traps
            .lock(call.object_hash())
            .worth_holding(&own, call);
        worth?;
        let random = self.env.random();
        let delay_ns = self.strategy.delay_ns(&self.trap_set, arrival, random)?;
        Some(Due {
            site,
            own,
            delay_ns,
        })
    }

    pub(super) fn hold_with_thread(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        due: &Due,
    ) -> Option<Delayed> {
        if !self.reserve(context, due.site, due.delay_ns) {
            return None;
        }
        if self.env.is_alone() {
            budget::refund(&self.slept, &context.slept, due.delay_ns);
            return None;
        }
        let delayed = self.hold_region(context, call, due);
        let ns = delayed.map_or(0, |delayed| delayed.ns);
        let unused = due.delay_ns.saturating_sub(ns);
        budget::refund(&self.slept, &context.slept, unused);
        delayed
    }

    /// Leaves of `own` those whose second access this call can be.
    fn leave_strangers(&self, context: &Context<E>, call: &Call<'_>, own: &mut Vec<u64>) {
        if !own.iter().any(|own| context.regions.is_suspected(*own)) {
            return;
        }
        let stack = self.env.deep_stack();
        let bucket = self.traps.lock(call.object_hash());
        own.retain(|own| {
            let mut watches = bucket.watches.iter();
            let watch = watches.find(|watch| watch.region == *own);
            watch.is_some_and(|watch| self.belongs(watch, call.site, Some(&stack)))
        });
    }

    /// Holds the region before its access for at most the delay that is due.
    fn hold_region(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        due: &Due,
    ) -> Option<Delayed> {
        let (mut bucket, set) = self.set_hold(call, due, Sleeper::Thread(context))?;
        while self.env.now() < set.until {
            self.env.wait(&context.signal, &mut bucket, set.until);
            if bucket.is_caught(&set) {
                break;
            }
        }
        Some(self.end_hold(context, bucket, &set))
    }

    /// From now on the region is held, if that is worth it.
    pub(super) fn set_hold(
        &self,
        call: &Call<'_>,
        due: &Due,
        sleeper: Sleeper<E>,
    ) -> Option<(MutexGuard<'_, Bucket<E>>, SetHold)> {
        let start = self.env.now();
        // So that whoever is kept away makes points that can be dated.
        self.now.publish();
        let mut bucket = self.traps.lock(call.object_hash());
        let Some(watches) = bucket.worth_holding(&due.own, call) else {
            drop(bucket);
            self.now.retract();
            return None;
        };
        let number = bucket.number();
        bucket.holds.push(Hold {
            number,
            object: call.object,
            sleeper,
            part: call.part(),
            watches: watches.clone(),
            act: Did::from(call.operation.access()),
            caught: false,
        });
        let set = SetHold {
            number,
            site: due.site,
            watches,
            start,
            until: start + due.delay_ns,
        };
        Some((bucket, set))
    }

    /// The region is held no more, and its access follows.
    pub(super) fn end_hold(
        &self,
        context: &'static Context<E>,
        mut bucket: MutexGuard<'_, Bucket<E>>,
        set: &SetHold,
    ) -> Delayed {
        let caught = bucket.is_caught(set);
        bucket.holds.retain(|hold| hold.number != set.number);
        let inside = bucket.is_anybody_inside(&set.watches);
        drop(bucket);
        self.now.retract();
        let end = self.env.now();
        let ns = end.saturating_sub(set.start).max(1);
        self.statistics.delayed(ns);
        self.own(context).gaps.held_until(end);
        let outcome = match (caught, inside) {
            (true, _) => Outcome::Other,
            (false, true) => Outcome::Kept,
            (false, false) => Outcome::Vain,
        };
        let own = self.own(context).number;
        self.order.ended(set.site, own, set.start, end, outcome);
        Delayed { ns }
    }

    /// Somebody came and went while the watch of this number was there: who waits for that goes on. Tasks are to be rung for without
    /// the bucket.
    pub(super) fn call_for(
        &self,
        bucket: &mut Bucket<E>,
        number: u64,
        tasks: &mut Vec<Arc<Alarm>>,
    ) {
        let Bucket { watches, holds, .. } = bucket;
        let Some(watch) = watches.iter().find(|watch| watch.number == number) else {
            return;
        };
        let waiting = holds
            .iter_mut()
            .filter(|hold| hold.watches.contains(&number));
        for hold in waiting {
            if watch
                .interrupted(usize::MAX, hold.part, &hold.act.into())
                .is_some()
                && !planted(Defect::NoCall)
            {
                hold.caught = true;
                match &hold.sleeper {
                    Sleeper::Thread(context) => self.env.wake(&context.signal),
                    Sleeper::Task(alarm) => tasks.push(Arc::clone(alarm)),
                }
            }
        }
    }

    /// Records what an access did; `before` is what the last one did of the region that it is in, if it is in one. Whether it was a
    /// near miss.
    pub(super) fn learn(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        did: Did,
        before: Option<Option<Did>>,
        quiet: bool,
    ) -> bool {
        let cached = self.cached(context, call);
        let site = cached.number();
        let own = self.own(context);
        self.point(own, site, quiet);
        if let Some(before) = before {
            self.acts.add(site, before, did);
        }
        let likely = self.acts.likely(site, did.changes());
        // All of them, not only the nearest: of a check and an act at the same time it is the act that counts.
        let near = RefCell::new(Vec::new());
        let meets = |other: Access| {
            let their = self.acts.likely(other.site, other.writes);
            let mine = before
                .flatten()
                .is_some_and(|before| Pattern::of(before, their, did).is_some());
            // Anybody's may turn out to be the second of a suspicion.
            let suspects = self.parameters.suspicions && before.is_none();
            if mine || suspects || self.acts.interrupts(other.site, likely) {
                near.borrow_mut().push(other);
            }
            false
        };
        self.record(context, own, call, cached, did.changes(), meets);
        let mut near = near.into_inner();
        near.retain(|other| !context.pairs.told(site, other.site));
        for other in &near {
            let roles_meet = self.sites.get(other.site).is_some_and(|other| {
                // Keys were compared by the record.
                let role = call.operation.role();
                meet((role, None), (other.operation.role(), None))
            });
            if roles_meet {
                self.suspect(site, *other);
            }
        }
        !near.is_empty()
    }
}
