//! The delay between check and act of an access that a future makes: by a timer, while its thread goes on.

use std::task::Waker;

use super::access::{Delayed, Outlook};
use super::pause::{Due, SetHold};
use crate::engine::alarm::Alarm;
use crate::engine::enter::Call;
use crate::engine::env::Environment;
use crate::engine::marks::Context;
use crate::engine::primitive::lossy::Arc;
use crate::engine::tasks::HowHeld;
use crate::engine::traps::Sleeper;
use crate::engine::{Engine, budget};

/// What came of a poll before that of the access.
pub(crate) enum Approached<E: Environment> {
    /// It may be made.
    Goes(Option<Delayed>),
    /// It is delayed; somebody will wake it.
    Waits(HeldRegion<E>),
}

/// A region whose access is delayed.
pub(crate) struct HeldRegion<E: Environment> {
    set: SetHold,
    hash: u64,
    alarm: Arc<Alarm>,
    delay_ns: u64,
    /// Whose time it is.
    account: &'static Context<E>,
}

impl<E: Environment> Engine<E> {
    /// A future is about to make an access.
    pub(crate) fn approach_polled(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        waker: &Waker,
    ) -> Approached<E> {
        let goes = Approached::Goes(None);
        if !self.may_be_second(context, call) || context.is_suspended() || self.now.is_off() {
            return goes;
        }
        let _suspended = context.suspend();
        let Some(due) = self.due(context, call, Outlook::All) else {
            return goes;
        };
        let regions = &context.regions;
        let (suspected, declared): (Vec<u64>, Vec<u64>) =
            due.own.iter().partition(|own| regions.is_suspected(**own));
        let how = match self.how_held(call.operation, due.site, waker) {
            // That both accesses are of one call is seen by the stack of one poll.
            HowHeld::Suspended if declared.is_empty() => HowHeld::Blocked,
            how => how,
        };
        match how {
            HowHeld::Not => goes,
            HowHeld::Blocked => Approached::Goes(self.hold_with_thread(context, call, &due)),
            HowHeld::Suspended => {
                for own in suspected {
                    self.end_undeclared(context, own);
                }
                self.suspend_region(context, call, &due, waker)
                    .map_or(goes, Approached::Waits)
            }
        }
    }

    fn suspend_region(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        due: &Due,
        waker: &Waker,
    ) -> Option<HeldRegion<E>> {
        let alarm = Arc::new(Alarm::new(waker)?);
        if !self.reserve(context, due.site, due.delay_ns) {
            return None;
        }
        let sleeper = Sleeper::Task(Arc::clone(&alarm));
        let Some((bucket, set)) = self.set_hold(call, due, sleeper) else {
            budget::refund(&self.slept, &context.slept, due.delay_ns);
            return None;
        };
        drop(bucket);
        let held = HeldRegion {
            hash: call.object_hash(),
            alarm,
            delay_ns: due.delay_ns,
            account: context,
            set,
        };
        if self.env.set_alarm(&held.alarm, held.set.until) {
            return Some(held);
        }
        // Nobody would wake it.
        self.go_on(context, held);
        None
    }

    /// It is polled again.
    pub(crate) fn approach_again(
        &self,
        context: Option<&'static Context<E>>,
        held: HeldRegion<E>,
        waker: &Waker,
    ) -> Approached<E> {
        let Some(context) = context.filter(|context| !context.is_suspended()) else {
            self.give_up(None, held);
            return Approached::Goes(None);
        };
        if self.now.is_off() {
            held.alarm.off();
            return Approached::Goes(None);
        }
        let _suspended = context.suspend();
        // Before the hold is looked at: whoever changes it later rings.
        let can_wait = held.alarm.set(waker);
        let caught = self.traps.lock(held.hash).is_caught(&held.set);
        if can_wait && !caught && self.env.now() < held.set.until {
            return Approached::Waits(held);
        }
        Approached::Goes(Some(self.go_on(context, held)))
    }

    fn go_on(&self, context: &'static Context<E>, held: HeldRegion<E>) -> Delayed {
        held.alarm.off();
        let bucket = self.traps.lock(held.hash);
        let delayed = self.end_hold(context, bucket, &held.set);
        let unused = held.delay_ns.saturating_sub(delayed.ns);
        budget::refund(&self.slept, &held.account.slept, unused);
        delayed
    }

    /// The future is dropped while it is delayed, and makes no access.
    pub(crate) fn give_up(&self, context: Option<&'static Context<E>>, held: HeldRegion<E>) {
        held.alarm.off();
        if self.now.is_off() {
            return;
        }
        let _suspended = context.map(Context::suspend);
        let mut bucket = self.traps.lock(held.hash);
        bucket.holds.retain(|hold| hold.number != held.set.number);
        drop(bucket);
        self.now.retract();
        let ns = self.env.now().saturating_sub(held.set.start);
        self.statistics.delayed(ns);
        let unused = held.delay_ns.saturating_sub(ns);
        budget::refund(&self.slept, &held.account.slept, unused);
        self.dropped_while_held(held.set.site);
    }
}
