//! A world for loom: both halves of the fence are real fences, and time is what the model wants it to be.
//!
//! Ghost state is of std. It is sound because nobody reads it while it matters who wrote first: each field is either
//! written and read under the bucket's lock, which is loom's, or read when all threads have been joined. A thread's
//! clock is its own.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::ptr;
use std::sync::atomic::AtomicBool as Ghost;
use std::sync::{Arc, Mutex as StdMutex};

use super::Environment;
use crate::contract::Region;
use crate::engine::alarm::Alarm;
use crate::engine::defect::{Defect, planted};
use crate::engine::lineage::Lineage;
use crate::engine::primitive::{AtomicBool, AtomicU64, Condvar, MutexGuard, Ordering, fence};
use crate::engine::sites::{Site, SiteId};
use crate::engine::tasks::HowHeld;
use crate::engine::traps::{Bucket, Evidence, Sleeper, State};

loom::thread_local! {
    static CLOCK: Cell<u64> = Cell::new(0);
    static REPORTS: Cell<usize> = Cell::new(0);
    static LINEAGE: RefCell<Option<Arc<Lineage>>> = RefCell::new(None);
}

/// How long a delay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delays {
    /// It may be over at any moment, as may the time that is given to a second party.
    EndAnyTime,
    /// It is over when [`Modelled::end_delays`] says so, and not before.
    EndWhenTold,
    /// All threads have one clock, which [`Modelled::pass`] puts forward: for tasks.
    OneClock,
}

pub(crate) struct Modelled {
    delays: Delays,
    /// Set, without any order, between a publication and the fence that follows it.
    published: AtomicBool,
    told: Ghost,
    /// The clock of [`Delays::OneClock`].
    time: AtomicU64,
    alarms: StdMutex<Vec<(u64, Arc<Alarm>)>>,
    seen: StdMutex<Seen>,
}

/// What a model looks at in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) violations: Vec<Evidence<()>>,
    /// Calls that were found inside their bodies.
    pub(crate) asked: usize,
}

impl Modelled {
    pub(crate) fn new(delays: Delays) -> Self {
        Self {
            delays,
            published: AtomicBool::new(false),
            told: Ghost::new(false),
            time: AtomicU64::new(0),
            alarms: StdMutex::default(),
            seen: StdMutex::default(),
        }
    }

    /// A trap has been published; knowing it orders nothing.
    pub(crate) fn is_published(&self) -> bool {
        self.published.load(Ordering::Relaxed)
    }

    /// The calling thread is a context that has inherited `lineage`.
    pub(crate) fn inherit(lineage: Lineage) {
        LINEAGE.with(|own| own.replace(Some(Arc::new(lineage))));
    }

    /// What the calling thread's clock says from now on.
    pub(crate) fn set_clock(ns: u64) {
        CLOCK.with(|clock| clock.set(ns));
    }

    /// Violations reported by the calling thread.
    pub(crate) fn own_reports() -> usize {
        REPORTS.with(Cell::get)
    }

    /// Everybody's, once all threads have been joined.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// It is as late as the alarms that are set now are for.
    pub(crate) fn pass(&self) {
        let latest = self.alarms.lock().unwrap().iter().map(|(at, _)| *at).max();
        self.time.fetch_max(latest.unwrap_or(0), Ordering::Relaxed);
    }

    /// Rings the alarms that are due.
    pub(crate) fn ring(&self) {
        let now = self.now();
        let due: Vec<_> = {
            let mut alarms = self.alarms.lock().unwrap();
            alarms.extract_if(.., |(at, _)| *at <= now).collect()
        };
        due.iter().for_each(|(_, alarm)| alarm.ring());
    }

    /// The time of all delays is over.
    pub(crate) fn end_delays(&self, bucket: &mut MutexGuard<'_, Bucket<Self>>) {
        self.told.store(true, Ordering::Relaxed);
        let traps = bucket.traps.iter().map(|trap| &trap.sleeper);
        for sleeper in traps.chain(bucket.holds.iter().map(|hold| &hold.sleeper)) {
            if let Sleeper::Thread(held) = sleeper {
                held.signal.notify_all();
            }
        }
    }

    fn look(&self, bucket: &Bucket<Self>, signal: &Condvar) -> Option<State> {
        let held = || bucket.traps.iter().filter(|trap| trap.state == State::Held);
        let side_by_side = held()
            .any(|a| held().any(|b| a.object == b.object && a.party.conflicts_with(&b.party)));
        assert!(
            !side_by_side,
            "two calls that conflict are held side by side"
        );
        let is_mine = |sleeper: &Sleeper<Self>| matches!(sleeper, Sleeper::Thread(held) if ptr::eq(&held.signal, signal));
        let Some(trap) = bucket.traps.iter().find(|trap| is_mine(&trap.sleeper)) else {
            let mut holds = bucket.holds.iter();
            // A region before its act. Who has called it off has woken it.
            return holds
                .any(|hold| is_mine(&hold.sleeper))
                .then_some(State::Held);
        };
        let mut seen = self.seen.lock().unwrap();
        seen.asked = seen.asked.max(trap.asked.len());
        Some(trap.state)
    }
}

impl Environment for Modelled {
    type Stack = ();

    fn recall(&self, _: Site) -> Option<SiteId> {
        None
    }

    fn is_alone(&self) -> bool {
        false
    }

    fn now(&self) -> u64 {
        if self.delays == Delays::OneClock {
            // The newest value: no clock goes back.
            return self.time.fetch_add(0, Ordering::Relaxed);
        }
        CLOCK.with(Cell::get)
    }

    fn wait(&self, signal: &Condvar, bucket: &mut MutexGuard<'_, Bucket<Self>>, deadline: u64) {
        let state = self.look(bucket, signal);
        // A report comes to its end by itself.
        let runs = matches!(state, Some(State::Held | State::Running { .. }));
        match self.delays {
            Delays::EndAnyTime if runs => {
                // Loom lets the others do here as much as they can.
                MutexGuard::bump(bucket);
                CLOCK.with(|clock| clock.set(deadline));
            }
            Delays::EndWhenTold if runs && self.told.load(Ordering::Relaxed) => {
                CLOCK.with(|clock| clock.set(deadline));
            }
            _ => signal.wait(bucket),
        }
    }

    fn wake(&self, signal: &Condvar) {
        signal.notify_all();
    }

    fn set_alarm(&self, alarm: &Arc<Alarm>, deadline: u64) -> bool {
        let mut alarms = self.alarms.lock().unwrap();
        alarms.push((deadline, Arc::clone(alarm)));
        true
    }

    fn has_clock_of_its_own(&self) -> bool {
        false
    }

    fn how_to_hold_what_is_ready(&self) -> (HowHeld, bool) {
        (HowHeld::Suspended, false)
    }

    fn swap_lineage(&self, lineage: Option<Arc<Lineage>>) -> Option<Arc<Lineage>> {
        LINEAGE.with(|own| own.replace(lineage))
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn stack(&self) {}

    fn ends_by_itself(&self, _: &()) -> bool {
        true
    }

    fn deep_stack(&self) {}

    fn is_one_call(&self, (): &(), (): &()) -> bool {
        false
    }

    fn goes_on(&self, (): &(), _: Option<&()>, (): &()) -> bool {
        false
    }

    fn is_own_work(&self, _: (Option<&()>, Option<&()>), _: &Region) -> bool {
        true
    }

    fn thread_name(&self) -> Option<String> {
        None
    }

    fn lineage<R>(&self, see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R {
        LINEAGE.with(|lineage| see(lineage.borrow().as_ref()))
    }

    fn text(&self, _key: &dyn Debug) -> Option<String> {
        None
    }

    fn light_fence(&self) {
        if !planted(Defect::NoLightFence) {
            fence(Ordering::SeqCst);
        }
    }

    fn heavy_fence(&self) {
        self.published.store(true, Ordering::Relaxed);
        if !planted(Defect::NoHeavyFence) {
            fence(Ordering::SeqCst);
        }
    }

    fn violation(&self, evidence: Evidence<()>) {
        REPORTS.with(|reports| reports.set(reports.get() + 1));
        self.seen.lock().unwrap().violations.push(evidence);
    }
}
