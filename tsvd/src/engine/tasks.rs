//! Async operations: in flight from their first poll until they complete or are dropped, across awaits and threads.
//!
//! Such an operation is a *token*, as a scope is, and a context of its own. While it is polled the thread acts for it: its
//! *frame* is what the thread inherits ([`lineage`](super::lineage)), so that whatever it calls, or polls, descends from it.
//!
//! It is delayed before its first poll of the body, by a timer and never on the thread. Such a *held task* can do what a held
//! thread cannot: be leaked, so that its object ends and another takes its address. So it proves nothing by being in the
//! table. Whoever meets it leaves a *claim* there, and the task proves it when it is polled again or dropped: then it is
//! there, and so was its object all along. An operation that it asked, and that leaves, leaves a claim likewise.
//!
//! A future that would have been ready at once, and is made to wait, can change what the guest does: [`Engine::may_be_held`].

use std::task::Waker;

use super::alarm::Alarm;
use super::budget;
use super::defect::{Defect, planted};
use super::enter::{Call, Checked, mix, object_hash};
use super::env::Environment;
use super::hold::{Met, Waited};
use super::leave::{Ending, OpenToken};
use super::lineage::{Frame, Lineage};
use super::marks::Context;
use super::order::Gaps;
use super::phase::Points;
use super::primitive::lossy::{Arc, AtomicBool, AtomicU8, AtomicU64, Ordering};
use super::sites::SiteId;
use super::traps::{Sleeper, State, Trap, Who};
use super::{Engine, TICK_NS};
use crate::config::Asynchronous;
use crate::contract::Operation;

/// An overlap in plain sight is waited for as long as this, if not longer: a held task costs nobody a thread.
const IN_SIGHT_NS: u64 = 10 * TICK_NS;

/// An async operation in flight.
pub(crate) struct OpenTask<E: Environment> {
    token: OpenToken,
    operation: &'static Operation,
    /// What it descends from.
    lineage: Arc<Lineage>,
    /// What descends from it: the same, and itself.
    frame: Arc<Lineage>,
    site: SiteId,
    held: Option<HeldTask<E>>,
    /// Its body has been polled.
    began: bool,
}

/// Where a task is held.
struct HeldTask<E: Environment> {
    /// Number of the trap.
    trap: u64,
    alarm: Arc<Alarm>,
    /// For when the alarm is set.
    alarmed_ns: u64,
    start_ns: u64,
    delay_ns: u64,
    /// Whose time it is.
    account: &'static Context<E>,
}

/// How a call may be held.
pub(super) enum Manner<'a, E: Environment> {
    /// On its thread.
    Thread,
    Task(Suspension<'a, E>),
}

impl<E: Environment> Manner<'_, E> {
    /// Whether nothing of the call has run yet. What a function that returns a future has begun before its first poll, and waits for, is not
    /// known to be a part of it, and may be who is held.
    pub(super) fn begins_here(&self) -> bool {
        !matches!(self, Self::Task(Suspension { waker: None, .. }))
    }

    /// A call is in the way right now.
    pub(super) fn sees_overlap(&mut self) {
        if let Self::Task(suspension) = self {
            suspension.at_least_ns = IN_SIGHT_NS;
        }
    }
}

/// What it takes to hold a task.
pub(super) struct Suspension<'a, E: Environment> {
    /// `None` for one that may not be held.
    waker: Option<&'a Waker>,
    pub(super) at_least_ns: u64,
    /// Set when it is held.
    held: Option<HeldTask<E>>,
}

/// How one is held that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HowHeld {
    Not,
    /// With its thread, as a synchronous call is.
    Blocked,
    /// By a timer.
    Suspended,
}

/// What came of a poll before that of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// It is held; somebody will wake it.
    Waits,
    /// It goes on.
    Goes,
    /// It goes on, and has proved a violation or been caught.
    Caught,
}

/// What the lossy side has of the context that a thread acts for.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) number: u64,
    pub(super) gaps: &'a Gaps,
    pub(super) points: &'a Points,
}

/// What is remembered of tasks and of async operations: all of it lossy, and of fixed size.
pub(super) struct Tasks {
    /// What threads have in their blocks, by the task's number; who comes new to a place forgets what is there.
    recent: Box<[Recent]>,
    /// What is known of call sites: bits.
    sites: Box<[AtomicU8]>,
    /// Of the bits, what bodies of an operation did at whatever call site; by a hash.
    operations: Box<[AtomicU8]>,
    disturbed: AtomicBool,
}

struct Recent {
    task: AtomicU64,
    gaps: Gaps,
    points: Points,
}

const RECENT: usize = 64;
const SITES: usize = 4096;
const OPERATIONS: usize = 1024;

/// Where something may race, nothing is held, or with its thread.
const NOT: u8 = 1;
const BLOCKED: u8 = 2;
/// A future was dropped here while it was held.
const FRAGILE: u8 = 4;
/// What bodies did at their first poll.
const WAITED: u8 = 8;
const WAS_READY: u8 = 16;

/// What bodies did at their first polls, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FirstPolls {
    #[default]
    Unknown,
    /// All waited: to be suspended changes nothing for who polls them.
    Waited,
    /// One was ready.
    Ready,
}

impl Tasks {
    pub(super) fn new() -> Self {
        let recent = || Recent {
            task: AtomicU64::new(0),
            gaps: Gaps::new(),
            points: Points::new(),
        };
        Self {
            recent: (0..RECENT).map(|_| recent()).collect(),
            sites: Box::new([const { AtomicU8::new(0) }; SITES]),
            operations: Box::new([const { AtomicU8::new(0) }; OPERATIONS]),
            disturbed: AtomicBool::new(false),
        }
    }

    fn recent(&self, task: u64) -> &Recent {
        let recent = &self.recent[mix(task, 0) as usize % RECENT];
        if recent.task.swap(task, Ordering::Relaxed) != task {
            recent.gaps.reset();
            recent.points.reset();
        }
        recent
    }

    fn site(&self, site: SiteId) -> &AtomicU8 {
        &self.sites[usize::from(site) % SITES]
    }

    fn operation(&self, operation: &'static Operation) -> &AtomicU8 {
        let address = std::ptr::from_ref(operation).addr() as u64;
        &self.operations[mix(address, 1) as usize % OPERATIONS]
    }

    fn set(&self, site: SiteId, bit: u8) {
        set(self.site(site), bit);
    }

    /// Nothing is suspended at this call site any more.
    pub(super) fn spare(&self, site: SiteId) {
        self.set(site, FRAGILE);
    }

    /// As seen by an earlier run.
    pub(super) fn remember(&self, site: SiteId, polls: FirstPolls) {
        match polls {
            FirstPolls::Unknown => {}
            FirstPolls::Waited => self.set(site, WAITED),
            FirstPolls::Ready => self.set(site, WAS_READY),
        }
    }

    pub(super) fn first_polls(&self, site: SiteId) -> FirstPolls {
        FirstPolls::of(self.site(site))
    }

    /// Whether an operation that is to begin at `site` will wait by itself, as far as those have that were there, or else others.
    fn is_to_wait(&self, operation: &'static Operation, site: SiteId) -> bool {
        let polls = match self.first_polls(site) {
            FirstPolls::Unknown => FirstPolls::of(self.operation(operation)),
            known => known,
        };
        polls == FirstPolls::Waited
    }
}

fn set(bits: &AtomicU8, bit: u8) {
    if bits.load(Ordering::Relaxed) & bit == 0 {
        bits.fetch_or(bit, Ordering::Relaxed);
    }
}

impl FirstPolls {
    fn of(bits: &AtomicU8) -> Self {
        match bits.load(Ordering::Relaxed) & (WAITED | WAS_READY) {
            0 => Self::Unknown,
            WAITED => Self::Waited,
            _ => Self::Ready,
        }
    }
}

/// Lets the calling thread act for another context, until it is dropped.
pub(super) struct Acting<'a, E: Environment> {
    env: &'a E,
    before: Option<Arc<Lineage>>,
}

impl<'a, E: Environment> Acting<'a, E> {
    pub(super) fn begin(env: &'a E, lineage: &Arc<Lineage>) -> Self {
        let before = env.swap_lineage(Some(Arc::clone(lineage)));
        Self { env, before }
    }
}

impl<E: Environment> Drop for Acting<'_, E> {
    fn drop(&mut self) {
        drop(self.env.swap_lineage(self.before.take()));
    }
}

impl<E: Environment> OpenTask<E> {
    /// What whatever it calls or polls inherits.
    pub(crate) fn frame(&self) -> &Arc<Lineage> {
        &self.frame
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

/// The number under which what one task does is recorded: the same wherever it is polled.
pub(crate) fn task_number(waker: &Waker) -> u64 {
    let vtable = std::ptr::from_ref(waker.vtable()).addr() as u64;
    mix(waker.data().addr() as u64, vtable).max(1)
}

impl<E: Environment> Engine<E> {
    /// An async operation is polled for the first time, by the thread of `context`: it is in flight from now on. `task` is the
    /// number to record it under, `None` for one of its own.
    pub(crate) fn open_task(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        task: Option<u64>,
    ) -> Option<OpenTask<E>> {
        if context.is_suspended() {
            return None;
        }
        let _suspended = context.suspend();
        let number = self.number();
        let lineage = Arc::new(self.descend(context, number, task.unwrap_or(number)));
        let token = {
            let _acting = Acting::begin(&self.env, &lineage);
            self.publish_token(context, call)
        };
        let who = Who::Token(token.number);
        let frame = Arc::new(lineage.within(who, call.object.words()));
        Some(OpenTask {
            token,
            operation: call.operation,
            lineage,
            frame,
            site: self.site(call.operation, call.site),
            held: None,
            began: false,
        })
    }

    /// Checks an operation that has just been opened, and perhaps holds it if there is a waker to go on with.
    pub(crate) fn arrive_task(
        &self,
        context: &'static Context<E>,
        task: &mut OpenTask<E>,
        call: &Call<'_>,
        waker: Option<&Waker>,
    ) -> Polled {
        let _suspended = context.suspend();
        let _acting = Acting::begin(&self.env, &task.lineage);
        let mut manner = Manner::Task(Suspension {
            waker,
            at_least_ns: 0,
            held: None,
        });
        let who = Who::Token(task.token.number);
        let checked = self.check(context, call, who, false, &mut manner);
        if let Manner::Task(suspension) = manner {
            task.held = suspension.held;
        }
        match checked {
            Checked::Caught => Polled::Caught,
            _ if task.held.is_some() => Polled::Waits,
            _ => Polled::Goes,
        }
    }

    /// How to hold an async operation that is due.
    ///
    /// To return `Pending` where the body would have been ready at once may change what a `select!` chooses, what a timeout
    /// or a poll of `now_or_never` sees. So only what has always been seen to wait by itself, at this call site, or at others where this one is new, is simply suspended.
    /// For anything else its stack is looked at for what might race it, until something may at this call site; and never again where
    /// a future was dropped while we held it, for then we may have been the reason.
    pub(super) fn may_be_held(
        &self,
        call: &Call<'_>,
        site: SiteId,
        suspension: &Suspension<'_, E>,
    ) -> HowHeld {
        let how_held = |waker| self.how_held(call.operation, site, waker);
        suspension.waker.map_or(HowHeld::Not, how_held)
    }

    /// The same of what there is a waker for.
    pub(super) fn how_held(
        &self,
        operation: &'static Operation,
        site: SiteId,
        waker: &Waker,
    ) -> HowHeld {
        match self.parameters.asynchronous {
            Asynchronous::Off => return HowHeld::Not,
            Asynchronous::Block => return HowHeld::Blocked,
            Asynchronous::Suspend => {}
        }
        let known = self.tasks.site(site).load(Ordering::Relaxed);
        // A waker without data wakes nobody.
        if waker.data().is_null() || known & FRAGILE != 0 || self.env.has_clock_of_its_own() {
            return HowHeld::Not;
        }
        if self.tasks.is_to_wait(operation, site) {
            return HowHeld::Suspended;
        }
        if known & NOT != 0 {
            return HowHeld::Not;
        }
        if known & BLOCKED != 0 {
            return HowHeld::Blocked;
        }
        let (how, is_for_good) = self.env.how_to_hold_what_is_ready();
        match how {
            HowHeld::Not if is_for_good => self.tasks.set(site, NOT),
            HowHeld::Blocked if is_for_good => self.tasks.set(site, BLOCKED),
            // The next one here may be raced. (A delay takes longer than the look.)
            _ => {}
        }
        how
    }

    /// Holds the task for `delay_ns`, which are reserved. True when it was caught instead.
    pub(super) fn suspend(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        site: SiteId,
        who: Who,
        delay_ns: u64,
        suspension: &mut Suspension<'_, E>,
    ) -> bool {
        let Some(alarm) = suspension.waker.and_then(Alarm::new).map(Arc::new) else {
            budget::refund(&self.slept, &context.slept, delay_ns);
            return false;
        };
        let sleeper = Sleeper::Task(Arc::clone(&alarm));
        let (number, start_ns) = match self.set_trap(context, call, who, delay_ns, sleeper) {
            Ok(set) => (set.number, set.start),
            Err(met) => {
                alarm.off();
                budget::refund(&self.slept, &context.slept, delay_ns);
                return met == Met::Caught;
            }
        };
        let alarmed_ns = start_ns + delay_ns;
        if self.env.set_alarm(&alarm, alarmed_ns) {
            suspension.held = Some(HeldTask {
                trap: number,
                alarm,
                alarmed_ns,
                start_ns,
                delay_ns,
                account: context,
            });
            return false;
        }
        // Nobody would wake it: it goes on, with what it has met meanwhile.
        alarm.off();
        let hash = call.object_hash();
        let trap = self.traps.lock(hash).remove_trap(number);
        if trap.is_some() {
            self.now.retract();
            self.published.lower(hash);
        }
        budget::refund(&self.slept, &context.slept, delay_ns);
        self.over(
            call.object,
            site,
            self.own(context).number,
            start_ns,
            trap,
            Waited::Less,
        )
        .caught
    }

    /// A task that is held is polled again.
    pub(crate) fn resume(
        &self,
        context: Option<&'static Context<E>>,
        task: &mut OpenTask<E>,
        waker: &Waker,
    ) -> Polled {
        let Some(held) = &mut task.held else {
            return Polled::Goes;
        };
        if self.now.is_off() {
            held.alarm.off();
            task.held = None;
            return Polled::Goes;
        }
        let _suspended = context.map(Context::suspend);
        // Before the trap is looked at: whoever changes it later rings.
        let can_wait = planted(Defect::WakerAfterLook) || held.alarm.set(waker);
        let hash = object_hash(task.token.object.words());
        let mut bucket = self.traps.lock(hash);
        let until = bucket.trap(held.trap).map_or(0, |trap| match trap.state {
            State::Held => trap.deadline,
            State::Running { until, .. } => until,
            State::Reporting | State::Released | State::Confirmed => 0,
        });
        let now = self.env.now();
        if can_wait && now < until {
            drop(bucket);
            // Before its time an alarm does not ring unless all is over.
            let set = held.alarmed_ns >= until && now < held.alarmed_ns;
            if planted(Defect::WakerAfterLook) {
                held.alarm.set(waker);
            }
            if set || self.env.set_alarm(&held.alarm, until) {
                held.alarmed_ns = until;
                return Polled::Waits;
            }
            bucket = self.traps.lock(hash);
        }
        let trap = bucket.remove_trap(held.trap);
        drop(bucket);
        let waited = if can_wait {
            Waited::ToTheEnd
        } else {
            Waited::Less
        };
        let caught = self.settle(task, trap, waited);
        if caught { Polled::Caught } else { Polled::Goes }
    }

    /// The task is held no more, and `trap` has been taken away. Whether that proved a violation.
    fn settle(&self, task: &mut OpenTask<E>, trap: Option<Trap<E>>, waited: Waited) -> bool {
        let Some(held) = task.held.take() else {
            return false;
        };
        held.alarm.off();
        let object = task.token.object;
        if trap.is_some() {
            self.now.retract();
            self.published.lower(object_hash(object.words()));
        }
        let number = match task.lineage.frame() {
            Some(Frame { task, .. }) => {
                self.tasks.recent(task).gaps.held_until(self.env.now());
                task
            }
            None => 0,
        };
        let over = self.over(object, task.site, number, held.start_ns, trap, waited);
        let unused = held.delay_ns.saturating_sub(over.ns);
        budget::refund(&self.slept, &held.account.slept, unused);
        over.caught
    }

    /// The body has been polled, and was ready or not.
    #[inline]
    pub(crate) fn body_polled(&self, task: &mut OpenTask<E>, ready: bool) {
        if !std::mem::replace(&mut task.began, true) {
            let bit = if ready { WAS_READY } else { WAITED };
            self.tasks.set(task.site, bit);
            set(self.tasks.operation(task.operation), bit);
        }
    }

    /// The operation is complete, or dropped, on whatever thread: `context` is that one's, if it has one. The body must not
    /// have been dropped before, so that the object is still there.
    pub(crate) fn end_task(
        &self,
        context: Option<&'static Context<E>>,
        mut task: OpenTask<E>,
        ending: Ending,
    ) {
        if self.now.is_off() {
            if let Some(held) = &task.held {
                held.alarm.off();
            }
            return;
        }
        let _suspended = context.map(Context::suspend);
        if let Some(held) = &task.held {
            let hash = object_hash(task.token.object.words());
            let trap = self.traps.lock(hash).remove_trap(held.trap);
            let proved = self.settle(&mut task, trap, Waited::Less);
            if !proved {
                self.dropped_while_held(task.site);
            }
        }
        self.end_token(context, &task.token, ending);
    }

    /// A future was dropped while it was held; perhaps it would have been complete without us.
    pub(super) fn dropped_while_held(&self, site: SiteId) {
        self.tasks.spare(site);
        self.tasks.disturbed.store(true, Ordering::Relaxed);
        self.trap_set.disturb(site);
    }

    /// Whether a future was dropped while it was held.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.tasks.disturbed.load(Ordering::Relaxed)
    }

    /// What a future inherits that is polled as a context of its own, by a task of this number.
    pub(crate) fn own_context(&self, lineage: Lineage, task: u64) -> Lineage {
        lineage.of_its_own(self.number(), task)
    }

    /// What the lossy side has of whom the thread of `context` acts for.
    pub(super) fn own<'a>(&'a self, context: &'a Context<E>) -> Own<'a> {
        let frame = self
            .env
            .lineage(|lineage| lineage.and_then(|lineage| lineage.frame()));
        match frame {
            // What a program tells of its order, it tells of threads.
            Some(Frame { task, .. }) if !self.clocked => {
                let recent = self.tasks.recent(task);
                Own {
                    number: task,
                    gaps: &recent.gaps,
                    points: &recent.points,
                }
            }
            _ => Own {
                number: context.number(),
                gaps: &context.gaps,
                points: &context.points,
            },
        }
    }
}
