//! The detector: watches operations, learns from near misses, delays, and proves violations.
//!
//! Its principle: *heuristics may be lossy, the verdict must be exact*. The files fall into two sides.
//!
//! The exact side knows who is in flight and who is held, and is the only one that can report:
//! - [`marks`]: each thread's own stack of operations in flight, written without shared stores, read by whoever arms;
//! - [`traps`]: who is held before its body, and the scopes in flight, exact under sharded locks;
//! - [`lineage`]: the operations a context was begun in, which it never conflicts with;
//! - [`tasks`]: async operations, which are held by a timer and prove for themselves that they are still there; [`alarm`];
//! - [`hold`]: holding a call, the two verdicts (trap, confirmed overlap), and letting the second party run alone;
//! - [`region`]: regions expected to be atomic, and the third verdict.
//!
//! The lossy side only decides where to sleep:
//! - [`filter`]: what this thread has already reported unchanged;
//! - [`history`]: the last accesses of each object;
//! - [`phase`]: whether several contexts are active; [`order`]: what a delay shows to be ordered;
//! - [`sites`]: numbers for call sites; [`trap_set`]: the dangerous pairs and their delays; [`budget`]: how much may be slept;
//! - [`strategy`]: which of these to go by.
//!
//! [`enter`] walks an operation through both. Everything is generic over an [`env::Environment`] (clock, sleep, randomness,
//! fences, and who hears of violations), so that tests run in virtual time.

pub(crate) mod alarm;
mod budget;
mod defect;
pub(crate) mod enter;
pub(crate) mod env;
mod filter;
mod history;
mod hold;
mod leave;
mod lineage;
pub(crate) mod marks;
#[cfg(all(loom, test))]
mod models;
mod now;
mod order;
mod phase;
mod primitive;
pub(crate) mod region;
pub(crate) mod sites;
mod strategy;
pub(crate) mod tasks;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod trap_set;
pub(crate) mod traps;

use crate::config::Parameters;
use std::collections::HashMap;

use env::Environment;
use primitive::{AtomicU64, CachePadded, Mutex, Ordering, lossy};
use tasks::FirstPolls;

pub(crate) use enter::Call;
pub(crate) use leave::{Ending, OpenToken};
pub(crate) use lineage::Lineage;
pub(crate) use marks::Context;
pub(crate) use now::Now;
pub(crate) use region::{On, OpenRegion, Paused, Visit};
#[cfg(not(loom))]
pub(crate) use strategy::Synchronisation;

/// How often [`Engine::tick`] is to be called: the resolution of the history's clock.
pub(crate) const TICK_NS: u64 = 2_000_000;

/// One detector. The process has one; each simulated test has its own.
pub(crate) struct Engine<E: Environment> {
    /// Changes with everything that makes an old answer of a [`filter`] stale; also the switch.
    now: &'static Now,
    /// Coarse time in ticks of [`TICK_NS`], for the history.
    ticks: CachePadded<lossy::AtomicU32>,
    published: traps::Counters,
    /// The same for watches of regions, which change no `NOW`: whoever misses one loses a violation, and reports none.
    watched: region::Watched,
    traps: traps::Table<E>,
    history: history::History,
    sites: sites::Sites,
    phase: phase::Phase,
    order: order::Order,
    trap_set: trap_set::TrapSet,
    acts: region::Acts,
    tasks: tasks::Tasks,
    stacks: region::Stacks,
    strategy: Box<dyn strategy::Strategy>,
    /// The strategy wants to hear of every access; asked once, for a call in the loop of the history costs half of it.
    clocked: bool,
    parameters: Parameters,
    slept: budget::Spent,
    /// Blocks of all threads that ever ran an operation; recycled, never freed, so that a scan needs no lifetime.
    contexts: Mutex<Vec<&'static Context<E>>>,
    next_context: AtomicU64,
    statistics: Statistics,
    env: E,
}

/// A pair that an earlier run knew.
pub(crate) struct Remembered {
    pub(crate) key: trap_set::PairKey,
    pub(crate) state: trap_set::State,
    pub(crate) probability: f64,
    pub(crate) delay_ns: u64,
    /// How many of its delays are still owed.
    pub(crate) owed: u32,
    /// A future was dropped while it was held at one of them.
    pub(crate) disturbed: bool,
    /// Delays that spoke for an order.
    pub(crate) agreed: u32,
    /// Of each of its sites.
    pub(crate) first_polls: [(sites::SiteId, FirstPolls); 2],
}

/// Counted in the cold paths only.
#[derive(Default)]
pub(crate) struct Statistics {
    pub(crate) near_misses: lossy::AtomicU64,
    pub(crate) delays: lossy::AtomicU64,
    pub(crate) delay_ns: lossy::AtomicU64,
}

impl Statistics {
    /// A delay is over.
    fn delayed(&self, ns: u64) {
        self.delays.fetch_add(1, lossy::Ordering::Relaxed);
        self.delay_ns.fetch_add(ns, lossy::Ordering::Relaxed);
    }
}

impl<E: Environment> Engine<E> {
    /// An engine over `env`, switched by `now`.
    pub(crate) fn new(env: E, now: &'static Now, parameters: Parameters) -> Self {
        let strategy = strategy::choose(&parameters, || (env.random() * u64::MAX as f64) as u64);
        Self::with_strategy(env, now, parameters, strategy)
    }

    fn with_strategy(
        env: E,
        now: &'static Now,
        parameters: Parameters,
        strategy: Box<dyn strategy::Strategy>,
    ) -> Self {
        Self {
            now,
            ticks: CachePadded::new(lossy::AtomicU32::new(0)),
            published: traps::Counters::new(),
            watched: region::Watched::new(),
            traps: traps::Table::new(),
            history: history::History::new(parameters.history_lines, parameters.object_history),
            sites: sites::Sites::new(),
            phase: phase::Phase::new(parameters.phase_points),
            order: order::Order::new(strategy.rules()),
            trap_set: trap_set::TrapSet::new(parameters),
            acts: region::Acts::new(),
            tasks: tasks::Tasks::new(),
            stacks: region::Stacks::new(),
            clocked: strategy.is_clocked(),
            strategy,
            parameters,
            slept: budget::Spent::new(),
            contexts: Mutex::new(Vec::new()),
            next_context: AtomicU64::new(1),
            statistics: Statistics::default(),
            env,
        }
    }

    pub(crate) fn env(&self) -> &E {
        &self.env
    }

    pub(crate) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    pub(crate) fn sites(&self) -> &sites::Sites {
        &self.sites
    }

    pub(crate) fn trap_set(&self) -> &trap_set::TrapSet {
        &self.trap_set
    }

    /// Advances the history's clock. Called from one thread only, about every [`TICK_NS`].
    pub(crate) fn tick(&self) {
        self.ticks
            .store((self.env.now() / TICK_NS) as u32, Ordering::Relaxed);
        self.now.tick();
    }

    /// Whether [`synchronised`](Self::synchronised) is worth calling.
    #[cfg(not(loom))]
    pub(crate) fn is_clocked(&self) -> bool {
        self.clocked
    }

    /// The context of this number did something that orders it with others: before it lets others go on, after it was let.
    /// Allocates nothing. Not to be called within the engine's own work, such as by an allocator's lock.
    #[cfg(not(loom))]
    pub(crate) fn synchronised(&self, context: u64, what: strategy::Synchronisation) {
        self.strategy.synchronised(context, what);
    }

    /// Begins with what an earlier run learnt: pairs of the call sites `1..=sites`, which `Environment::recall` tells when they
    /// are met. To be called before anything is watched.
    pub(crate) fn remember(
        &self,
        sites: sites::SiteId,
        pairs: impl IntoIterator<Item = Remembered>,
    ) {
        self.sites.reserve(sites);
        for pair in pairs {
            if pair.disturbed {
                self.tasks.spare(pair.key.0);
                self.tasks.spare(pair.key.1);
            }
            for (site, polls) in pair.first_polls {
                self.tasks.remember(site, polls);
            }
            self.trap_set.remember(pair);
        }
    }

    /// What async operations of a call site have done, for the next run.
    pub(crate) fn first_polls(&self, site: sites::SiteId) -> FirstPolls {
        self.tasks.first_polls(site)
    }

    /// The delays of other processes, which slept and lived so long, are of one budget with those of this one. To be called before
    /// anything is watched.
    pub(crate) fn share_budget(&self, slept_ns: u64, lived_ns: u64) {
        self.slept.share(slept_ns, lived_ns);
    }

    /// Whether there is time for a delay at `site`; then it is taken.
    pub(in crate::engine) fn reserve(
        &self,
        context: &Context<E>,
        site: sites::SiteId,
        delay_ns: u64,
    ) -> bool {
        budget::reserve(
            &self.parameters,
            &self.slept,
            &context.slept,
            delay_ns,
            self.env.now(),
            self.trap_set.rank(site),
        )
    }

    /// A number for a context; never given twice.
    pub(crate) fn number(&self) -> u64 {
        self.next_context.fetch_add(1, Ordering::Relaxed)
    }

    /// A block for a thread that has none yet: a recycled one where there is one.
    #[cfg(test)]
    pub(crate) fn attach(&self) -> &'static Context<E> {
        self.attach_as(self.number())
    }

    /// The same for a thread that has its number already.
    pub(crate) fn attach_as(&self, number: u64) -> &'static Context<E> {
        let mut contexts = self.contexts.lock();
        if let Some(context) = contexts.iter().find(|context| context.try_take(number)) {
            // What its filter knows, the last owner did.
            self.now.advance();
            return context;
        }
        let context: &'static Context<E> = Box::leak(Box::new(Context::new(number)));
        contexts.push(context);
        context
    }

    /// The call sites that were met, with what was recorded of them.
    pub(crate) fn coverage(&self) -> Vec<(sites::Site, sites::Hits)> {
        let mut fresh: HashMap<sites::SiteId, sites::Hits> = HashMap::new();
        for context in self.contexts.lock().iter() {
            for (site, hits) in context.sites.fresh() {
                *fresh.entry(site).or_default() += hits;
            }
        }
        let met = self.sites.met().into_iter();
        met.map(|(number, site)| {
            let mut hits = self.sites.hits(number);
            hits += fresh.get(&number).copied().unwrap_or_default();
            (site, hits)
        })
        .collect()
    }

    /// Operations of all threads so far.
    pub(crate) fn operations(&self) -> u64 {
        self.sum(|context| context.operations())
    }

    /// Objects that were new to the history, or had been forgotten.
    pub(crate) fn objects(&self) -> u64 {
        self.sum(|context| context.objects())
    }

    fn sum(&self, of: impl Fn(&Context<E>) -> u64) -> u64 {
        self.contexts.lock().iter().map(|context| of(context)).sum()
    }
}
