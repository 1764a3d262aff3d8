//! Held tasks: a claim is proved when the task is polled again or dropped and never before, and no wake-up is lost.
//!
//! The executor is the model's main thread: it polls when the waker was called, and else waits. The timer passes the time of the
//! delay once, at any moment after the task was held; the time that is given to a second party never ends, so only that
//! one's leaving can wake the task then. A lost wake-up is a deadlock.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};

use super::lab::{FIRST, Goals, Lab, SECOND};
use super::{Delays, INVENTED, Modelled, UNPROVED, bounded, reaches};
use crate::engine::primitive::{AtomicU32, Condvar, Mutex, Ordering, locks_held};
use crate::engine::tasks::{OpenTask, Polled};
use crate::model::checked::holds;
use crate::thread;

pub(super) const LOCKED: &str = "a waker was called under a lock of the engine";

/// Who polls the task.
struct Executor {
    woken: Mutex<bool>,
    signal: Condvar,
    /// A panic of a waker's is caught, so this is looked at in the end.
    locked: AtomicBool,
}

impl Executor {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            woken: Mutex::new(false),
            signal: Condvar::new(),
            locked: AtomicBool::new(false),
        })
    }

    fn wait(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            self.signal.wait(&mut woken);
        }
        *woken = false;
    }
}

impl Wake for Executor {
    fn wake(self: Arc<Self>) {
        if locks_held() > 0 {
            self.locked.store(true, Ordering::Relaxed);
        }
        *self.woken.lock() = true;
        self.signal.notify_all();
    }
}

/// One execution's engine, its clock of stamps, and the executor of its task.
struct Scene {
    lab: Arc<Lab>,
    clock: AtomicU32,
    executor: Arc<Executor>,
}

/// A call as it really was.
struct Came {
    /// It knew that a trap had been published.
    in_delay: bool,
    came: u32,
    gone: u32,
}

/// When the delay was over.
struct Passed {
    before: u32,
    after: u32,
}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lab: Lab::new(Delays::OneClock, 2, &[&FIRST]),
            clock: AtomicU32::new(0),
            executor: Executor::new(),
        })
    }

    /// Orders whoever asks after those that have asked before: a mark says no more than that, for its end may be seen late by who
    /// is not ordered after it.
    fn now(&self) -> u32 {
        self.clock.fetch_add(1, Ordering::AcqRel)
    }

    fn begin(&self) -> (OpenTask<Modelled>, Polled) {
        let waker = Waker::from(Arc::clone(&self.executor));
        self.lab.begin_task(0, &FIRST, &waker)
    }

    /// Polls the task whenever it was woken, until it goes on.
    fn run(&self, task: &mut OpenTask<Modelled>) {
        let waker = Waker::from(Arc::clone(&self.executor));
        loop {
            self.executor.wait();
            if self.lab.resume(0, task, &waker) != Polled::Waits {
                return;
            }
        }
    }

    fn caller(self: &Arc<Self>) -> thread::JoinHandle<Came> {
        let scene = Arc::clone(self);
        thread::spawn(move || {
            let in_delay = scene.lab.engine.env().is_published();
            let came = scene.now();
            scene.lab.call(1, &SECOND);
            Came {
                in_delay,
                came,
                gone: scene.now(),
            }
        })
    }

    fn timer(self: &Arc<Self>) -> thread::JoinHandle<Passed> {
        let scene = Arc::clone(self);
        thread::spawn(move || {
            let before = scene.now();
            scene.lab.engine.env().pass();
            let after = scene.now();
            scene.lab.engine.env().ring();
            Passed { before, after }
        })
    }

    /// How often it was reported.
    fn reports(&self, goals: &Goals) -> usize {
        let seen = self.lab.seen();
        goals.reach(&seen);
        let locked = self.executor.locked.load(Ordering::Relaxed);
        assert!(!locked, "{LOCKED}");
        assert!(seen.violations.len() <= 1, "{UNPROVED}");
        seen.violations.len()
    }
}

/// A call and a held task, and its timer: a call within the delay is reported once, one that came after it or was over before is
/// not, and the task goes on in each case.
pub(super) fn met(goals: &Goals) {
    let scene = Scene::new();
    let caller = scene.caller();
    let began = scene.now();
    let (mut task, polled) = scene.begin();
    let timer = (polled == Polled::Waits).then(|| scene.timer());
    if timer.is_some() {
        scene.run(&mut task);
    }
    let goes = scene.now();
    scene.lab.end_task(0, task);
    let call = caller.join().unwrap();
    let passed = timer.map(|timer| timer.join().unwrap());
    let reports = scene.reports(goals);
    let is_late = passed
        .as_ref()
        .is_some_and(|passed| call.came > passed.after);
    let overlaps = call.came < goes && began < call.gone && !is_late;
    let is_within = call.in_delay && passed.is_some_and(|passed| call.gone < passed.before);
    assert!(reports == 0 || overlaps, "{INVENTED}");
    assert!(reports == 1 || !is_within, "{UNPROVED}");
}

/// The task is dropped instead: it proves no less.
pub(super) fn dropped(goals: &Goals) {
    let scene = Scene::new();
    let caller = scene.caller();
    let began = scene.now();
    let (task, polled) = scene.begin();
    let drops = scene.now();
    scene.lab.drop_task(0, task);
    let dropped = scene.now();
    let call = caller.join().unwrap();
    let reports = scene.reports(goals);
    let overlaps = call.came < dropped && began < call.gone;
    let is_within = polled == Polled::Waits && call.in_delay && call.gone < drops;
    assert!(reports == 0 || overlaps, "{INVENTED}");
    assert!(reports == 1 || !is_within, "{UNPROVED}");
}

/// A task waits inside its body for a call that asks it, and is dropped: it has not left by itself.
pub(super) fn waits_and_is_dropped() {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST]);
    let (task, polled) = lab.begin_task(1, &SECOND, Waker::noop());
    assert_eq!(polled, Polled::Goes);
    let child = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    lab.drop_task(1, task);
    child.join().unwrap();
    assert!(lab.seen().violations.is_empty(), "{INVENTED}");
}

/// The task is leaked while it is held, and its object ends: who comes may be on the next one, and nothing is reported.
pub(super) fn leaked() {
    let scene = Scene::new();
    let caller = scene.caller();
    let (task, polled) = scene.begin();
    if polled == Polled::Waits {
        mem::forget(task);
        scene.lab.retire(0, &FIRST);
        scene.timer().join().unwrap();
    } else {
        scene.lab.end_task(0, task);
        caller.join().unwrap();
        return;
    }
    caller.join().unwrap();
    assert_eq!(scene.reports(&Goals::default()), 0, "{INVENTED}");
}

/// A call that the task asks, and that waits for the task, proves nothing.
pub(super) fn waited_for() {
    let scene = Scene::new();
    let inside = scene.lab.enter(1, &SECOND);
    let (mut task, polled) = scene.begin();
    assert_eq!(polled, Polled::Waits);
    let timer = scene.timer();
    scene.run(&mut task);
    scene.lab.end_task(0, task);
    scene.lab.leave(1, inside);
    timer.join().unwrap();
    assert_eq!(scene.reports(&Goals::default()), 0, "{INVENTED}");
}

/// A held task is polled by another executor, at any moment: that one is woken.
pub(super) fn moved() {
    let scene = Scene::new();
    let (mut task, polled) = scene.begin();
    assert_eq!(polled, Polled::Waits);
    let timer = scene.timer();
    let next = Executor::new();
    let waker = Waker::from(Arc::clone(&next));
    while scene.lab.resume(0, &mut task, &waker) == Polled::Waits {
        next.wait();
    }
    scene.lab.end_task(0, task);
    timer.join().unwrap();
    assert!(!next.locked.load(Ordering::Relaxed), "{LOCKED}");
    assert_eq!(scene.reports(&Goals::default()), 0, "{INVENTED}");
}

#[test]
fn a_dropped_task_proves_what_it_met() {
    bounded::reaches_within(
        2,
        &["trap", "overlap"],
        dropped,
        "engine: held task, dropped",
    );
}

#[test]
fn a_leaked_task_proves_nothing() {
    bounded::reaches_within(2, &[], |_| leaked(), "engine: held task, leaked");
}

#[test]
fn a_call_that_waits_for_a_held_task_is_no_proof() {
    holds("engine: held task, waited for", waited_for);
}

#[test]
fn a_task_that_is_dropped_while_it_waits_is_no_proof() {
    holds("engine: waiting task, dropped", waits_and_is_dropped);
}

#[test]
fn who_polls_a_held_task_last_is_woken() {
    holds("engine: held task, moved", moved);
}

#[test]
fn a_held_task_proves_what_it_met_and_is_woken() {
    bounded::reaches_within(2, &["trap", "overlap"], met, "engine: held task, met");
}
