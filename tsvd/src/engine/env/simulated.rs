//! A world in virtual time: real threads that run one at a time, in an order drawn from a seed.
//!
//! A thread gives up its turn only in [`Simulated::pause`] (a simulated thread's own step) and in [`Environment::wait`] (the
//! engine's delay). When nobody can run, the clock jumps to the earliest end of a sleep.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar as Turn, Mutex as StdMutex, MutexGuard as StdGuard};

use super::Environment;
use crate::contract::Region;
use crate::engine::alarm::Alarm;
use crate::engine::lineage::Lineage;
use crate::engine::primitive::{Condvar, MutexGuard};
use crate::engine::sites::{Site, SiteId};
use crate::engine::tasks::HowHeld;
use crate::engine::traps::{Bucket, Evidence};

thread_local! {
    /// The task that is polled; 0 for none.
    static TASK: Cell<u32> = const { Cell::new(0) };
    static ME: Cell<usize> = const { Cell::new(usize::MAX) };
    static LINEAGE: RefCell<Option<Arc<Lineage>>> = const { RefCell::new(None) };
}

pub(crate) struct Simulated {
    world: StdMutex<World>,
    turn: Turn,
    evidence: StdMutex<Vec<Evidence<usize>>>,
    alarms: StdMutex<Vec<(u64, Arc<Alarm>)>>,
    /// The next stack cannot be taken.
    fails: AtomicBool,
}

struct World {
    clock: u64,
    seed: u64,
    threads: Vec<State>,
    running: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// Until a time, or until the signal at this address is given.
    Asleep {
        until: u64,
        signal: usize,
    },
    Done,
}

impl Simulated {
    /// A world for `threads` threads.
    pub(crate) fn new(seed: u64, threads: usize) -> Self {
        let world = World {
            clock: 0,
            seed,
            threads: vec![State::Ready; threads],
            running: None,
        };
        Self {
            world: StdMutex::new(world),
            turn: Turn::new(),
            evidence: StdMutex::new(Vec::new()),
            alarms: StdMutex::default(),
            fails: AtomicBool::new(false),
        }
    }

    /// Runs `body` as simulated thread `me`; every thread of the world has to call this once.
    pub(crate) fn run_as(&self, me: usize, body: impl FnOnce()) {
        ME.set(me);
        let mut world = self.world.lock().unwrap();
        // The last to arrive starts the world, so that the order does not depend on who was spawned first.
        world.threads[me] = State::Asleep {
            until: 0,
            signal: usize::MAX,
        };
        if world
            .threads
            .iter()
            .all(|state| matches!(state, State::Asleep { .. }))
        {
            world.pick();
            self.turn.notify_all();
        }
        drop(self.wait_for_turn(world, me));
        // Also when the body panics: the others must come to their end for the panic to be seen.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        self.give_up(&mut self.world.lock().unwrap(), State::Done);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    }

    /// Lets others run for `ns` of virtual time, or just lets the seed decide who is next.
    pub(crate) fn pause(&self, ns: u64) {
        let mut world = self.world.lock().unwrap();
        let until = world.clock + ns;
        let state = if ns == 0 {
            State::Ready
        } else {
            State::Asleep { until, signal: 0 }
        };
        self.give_up(&mut world, state);
        drop(self.wait_for_turn(world, ME.get()));
    }

    /// Whoever takes the next stack panics.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Runs `body` in a context that has inherited `lineage`.
    pub(crate) fn inherit(&self, lineage: Lineage, body: impl FnOnce()) {
        let before = LINEAGE.replace(Some(Arc::new(lineage)));
        body();
        LINEAGE.set(before);
    }

    /// Rings the alarms whose time has come; in how many nanoseconds the next one rings.
    pub(crate) fn ring(&self) -> Option<u64> {
        let now = self.now();
        let due = |alarm: &mut (u64, Arc<Alarm>)| alarm.0 <= now;
        let due: Vec<_> = self.alarms.lock().unwrap().extract_if(.., due).collect();
        due.iter().for_each(|(_, alarm)| alarm.ring());
        let alarms = self.alarms.lock().unwrap();
        alarms.iter().map(|(deadline, _)| deadline - now).min()
    }

    pub(crate) fn evidence(&self) -> Vec<Evidence<usize>> {
        self.evidence.lock().unwrap().clone()
    }

    fn give_up(&self, world: &mut World, state: State) {
        world.threads[ME.get()] = state;
        world.pick();
        self.turn.notify_all();
    }

    fn wait_for_turn<'a>(&self, mut world: StdGuard<'a, World>, me: usize) -> StdGuard<'a, World> {
        while world.running != Some(me) {
            world = self.turn.wait(world).unwrap();
        }
        world
    }
}

impl World {
    fn pick(&mut self) {
        let asleep = |state: &State| match state {
            State::Asleep { until, .. } => Some(*until),
            _ => None,
        };
        if !self.threads.contains(&State::Ready)
            && let Some(next) = self.threads.iter().filter_map(asleep).min()
        {
            self.clock = self.clock.max(next);
        }
        for state in &mut self.threads {
            if asleep(state).is_some_and(|until| until <= self.clock) {
                *state = State::Ready;
            }
        }
        let ready: Vec<_> = (0..self.threads.len())
            .filter(|&i| self.threads[i] == State::Ready)
            .collect();
        self.running = (!ready.is_empty()).then(|| ready[self.draw() as usize % ready.len()]);
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) >> 1
    }
}

/// The calling thread polls this task from now on, or none if it is 0.
pub(in crate::engine) fn poll_task(task: u32) {
    TASK.set(task);
}

impl Environment for Simulated {
    type Stack = usize;

    fn recall(&self, _: Site) -> Option<SiteId> {
        None
    }

    fn now(&self) -> u64 {
        self.world.lock().unwrap().clock
    }

    fn wait(&self, signal: &Condvar, bucket: &mut MutexGuard<'_, Bucket<Self>>, deadline: u64) {
        let mut world = self.world.lock().unwrap();
        let signal = std::ptr::from_ref(signal).addr();
        self.give_up(
            &mut world,
            State::Asleep {
                until: deadline,
                signal,
            },
        );
        MutexGuard::unlocked(bucket, || drop(self.wait_for_turn(world, ME.get())));
    }

    fn wake(&self, signal: &Condvar) {
        let given = std::ptr::from_ref(signal).addr();
        for state in &mut self.world.lock().unwrap().threads {
            if matches!(state, State::Asleep { signal, .. } if *signal == given) {
                *state = State::Ready;
            }
        }
    }

    fn set_alarm(&self, alarm: &Arc<Alarm>, deadline: u64) -> bool {
        self.alarms
            .lock()
            .unwrap()
            .push((deadline, Arc::clone(alarm)));
        true
    }

    fn has_clock_of_its_own(&self) -> bool {
        false
    }

    fn how_to_hold_what_is_ready(&self) -> (HowHeld, bool) {
        (HowHeld::Suspended, false)
    }

    fn swap_lineage(&self, lineage: Option<Arc<Lineage>>) -> Option<Arc<Lineage>> {
        LINEAGE.replace(lineage)
    }

    fn random(&self) -> f64 {
        self.world.lock().unwrap().draw() as f64 / (u64::MAX >> 1) as f64
    }

    fn is_alone(&self) -> bool {
        let world = self.world.lock().unwrap();
        world
            .threads
            .iter()
            .filter(|state| **state != State::Done)
            .count()
            == 1
    }

    fn stack(&self) -> usize {
        assert!(!self.fails.swap(false, Ordering::Relaxed), "told to fail");
        ME.get()
    }

    fn ends_by_itself(&self, _: &usize) -> bool {
        true
    }

    fn deep_stack(&self) -> usize {
        ME.get()
    }

    fn is_one_call(&self, first: &usize, next: &usize) -> bool {
        first == next
    }

    fn goes_on(&self, first: &usize, _: Option<&usize>, next: &usize) -> bool {
        first == next
    }

    fn is_own_work(&self, _: (Option<&usize>, Option<&usize>), _: &Region) -> bool {
        true
    }

    fn thread_name(&self) -> Option<String> {
        Some(format!("simulated {}", ME.get()))
    }

    fn task_name(&self) -> Option<String> {
        let task = TASK.get();
        (task != 0).then(|| task.to_string())
    }

    fn lineage<R>(&self, see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R {
        LINEAGE.with_borrow(|lineage| see(lineage.as_ref()))
    }

    fn text(&self, key: &dyn Debug) -> Option<String> {
        Some(format!("{key:?}"))
    }

    fn light_fence(&self) {}

    fn heavy_fence(&self) {}

    fn violation(&self, evidence: Evidence<usize>) {
        self.evidence.lock().unwrap().push(evidence);
    }
}
