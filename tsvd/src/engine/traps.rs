//! Who is held before its body, and which scopes are in flight: exact, under sharded locks.
//!
//! Calls find out that there is something to look up from two words they read without a lock: `NOW` and the object's
//! counter. Both are raised before an entry is inserted and lowered after it is removed.

use std::panic::Location;

use super::alarm::Alarm;
use super::defect::{Defect, planted};
use super::env::Environment;
use super::lineage::Lineage;
use super::marks::{Context, Flight};
use super::primitive::lossy::Arc;
use super::primitive::{AtomicU32, CachePadded, Mutex, MutexGuard, Ordering};
use super::region::{Hold, watch::Watch};
use crate::contract::{Access, Object, Operation, Pattern, Region, conflict};

const BUCKETS: usize = if cfg!(loom) { 2 } else { 64 };
const COUNTERS: usize = if cfg!(loom) { 2 } else { 1024 };

/// How many traps and tokens are published on the objects of a hash.
pub(super) struct Counters(Box<[AtomicU32]>);

impl Counters {
    pub(super) fn new() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU32::new(0)).collect())
    }

    #[inline]
    fn of(&self, hash: u64) -> &AtomicU32 {
        &self.0[hash as usize % COUNTERS]
    }

    /// Relaxed: raised before `NOW` is published (release), read after a new `NOW` was loaded and fenced (acquire).
    #[inline]
    pub(super) fn any(&self, hash: u64) -> bool {
        self.of(hash).load(Ordering::Relaxed) != 0
    }

    pub(super) fn raise(&self, hash: u64) {
        self.of(hash).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lower(&self, hash: u64) {
        self.of(hash).fetch_sub(1, Ordering::Relaxed);
    }
}

/// The exact table.
pub(super) struct Table<E: Environment>(Box<[CachePadded<Mutex<Bucket<E>>>]>);

impl<E: Environment> Table<E> {
    pub(super) fn new() -> Self {
        Self(
            (0..BUCKETS)
                .map(|_| CachePadded::new(Mutex::new(Bucket::default())))
                .collect(),
        )
    }

    pub(super) fn lock(&self, hash: u64) -> MutexGuard<'_, Bucket<E>> {
        self.0[hash as usize % BUCKETS].lock()
    }

    pub(super) fn buckets(&self) -> impl Iterator<Item = &Mutex<Bucket<E>>> {
        self.0.iter().map(|bucket| &**bucket)
    }
}

/// The traps, tokens and watches of the objects that share a lock.
pub(crate) struct Bucket<E: Environment> {
    pub(super) traps: Vec<Trap<E>>,
    pub(super) tokens: Vec<Token<E>>,
    pub(super) watches: Vec<Watch<E::Stack>>,
    pub(super) holds: Vec<Hold<E>>,
    next: u64,
}

impl<E: Environment> Default for Bucket<E> {
    fn default() -> Self {
        Self {
            traps: Vec::new(),
            tokens: Vec::new(),
            watches: Vec::new(),
            holds: Vec::new(),
            next: 1,
        }
    }
}

impl<E: Environment> Bucket<E> {
    /// A number that is not used twice in this bucket.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A trap whose party is held and may not be in flight together with `party` on `object`. (No party descends from one that
    /// is held: its thread has not begun the body.) A task whose delay is over may have been leaked, and is held by nothing.
    pub(super) fn held_against(
        &mut self,
        object: Object,
        party: &Party<E::Stack>,
        now: u64,
    ) -> Option<&mut Trap<E>> {
        self.traps.iter_mut().find(|trap| {
            matches!(trap.state, State::Held)
                && (trap.sleeper.is_thread()
                    || now < trap.deadline
                    || planted(Defect::TaskDelayEndless))
                && trap.object == object
                && trap.party.conflicts_with(party)
        })
    }

    /// The scopes that may not be in flight together with `party` on `object`.
    pub(super) fn open_against(
        &self,
        object: Object,
        party: &Party<E::Stack>,
    ) -> impl Iterator<Item = &Token<E>> {
        self.tokens.iter().filter(move |token| {
            token.object == object
                && token.party.conflicts_with(party)
                && !party.descends_from(Who::Token(token.number), object)
        })
    }

    pub(super) fn trap(&mut self, number: u64) -> Option<&mut Trap<E>> {
        self.traps.iter_mut().find(|trap| trap.number == number)
    }

    pub(super) fn remove_trap(&mut self, number: u64) -> Option<Trap<E>> {
        let index = self.traps.iter().position(|trap| trap.number == number)?;
        Some(self.traps.swap_remove(index))
    }

    /// Takes away the traps of tasks that have not been polled for long after their delay: leaked ones.
    pub(super) fn take_leaked(&mut self, now: u64) -> Vec<Trap<E>> {
        let is_leaked =
            |trap: &mut Trap<E>| !trap.sleeper.is_thread() && now >= trap.forgotten_at();
        self.traps.extract_if(.., is_leaked).collect()
    }
}

/// A call held before its body.
pub(super) struct Trap<E: Environment> {
    pub(super) number: u64,
    pub(super) object: Object,
    pub(super) sleeper: Sleeper<E>,
    /// When the delay is over.
    pub(super) deadline: u64,
    pub(super) party: Party<E::Stack>,
    pub(super) state: State,
    /// Of a task: what it can prove once it is polled again, or dropped, and so has not been leaked.
    pub(super) claim: Option<Claim<E::Stack>>,
    /// Those found inside their bodies when the trap was set: whoever of them leaves while the trap is held did not wait
    /// for the held call, so the two calls did overlap.
    pub(super) asked: Vec<Asked<E>>,
}

/// What is to be woken when a trap is released.
pub(super) enum Sleeper<E: Environment> {
    Thread(&'static Context<E>),
    Task(Arc<Alarm>),
}

impl<E: Environment> Sleeper<E> {
    pub(super) fn is_thread(&self) -> bool {
        matches!(self, Self::Thread(_))
    }
}

impl<E: Environment> Trap<E> {
    /// When nobody will ask for it any more.
    fn forgotten_at(&self) -> u64 {
        const LATE_NS: u64 = 10_000_000_000;
        match self.state {
            State::Held if planted(Defect::TaskDelayEndless) => u64::MAX,
            State::Held => self.deadline,
            State::Running { until, .. } => until + LATE_NS,
            _ => self.deadline + LATE_NS,
        }
    }
}

/// The other party of a held task.
#[derive(Debug)]
pub(super) struct Claim<S> {
    /// `Trap`: it called while the task was held; `Overlap`: it was asked, and left.
    pub(super) detected_by: DetectedBy,
    pub(super) other: Party<S>,
}

/// How a trap stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The party sleeps; its delay runs.
    Held,
    /// A violation was proved and is being reported: everybody waits until the report is safe.
    Reporting,
    /// The second party runs its body alone, until it leaves or this time comes.
    Running { second: Who, until: u64 },
    /// The second party has left; the held one goes on.
    Released,
    /// The held one was the second party of an overlap; it goes on.
    Confirmed,
}

/// A call in flight: on a private stack, or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Mark(Flight),
    /// Number within the bucket.
    Token(u64),
}

pub(super) struct Asked<E: Environment> {
    pub(super) who: Who,
    /// The context that has the mark; `None` for tokens, which always answer.
    pub(super) context: Option<&'static Context<E>>,
    pub(super) party: Party<E::Stack>,
}

/// A scope in flight.
pub(super) struct Token<E: Environment> {
    pub(super) number: u64,
    pub(super) object: Object,
    pub(super) party: Party<E::Stack>,
}

/// One side of a violation, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Party<S> {
    pub(crate) operation: &'static Operation,
    pub(crate) site: &'static Location<'static>,
    pub(crate) key: Option<u64>,
    pub(crate) key_text: Option<String>,
    /// Number of the context.
    pub(crate) context: u64,
    pub(crate) thread: Option<String>,
    pub(crate) task: Option<String>,
    /// What its context inherited, as far as it is known.
    pub(crate) lineage: Option<Arc<Lineage>>,
    /// When the call was first seen, nanoseconds of the environment.
    pub(crate) entered_ns: u64,
    /// How long we held it.
    pub(crate) delayed_ns: u64,
    pub(crate) stack: Option<S>,
}

impl<S> Party<S> {
    pub(super) fn conflicts_with(&self, other: &Self) -> bool {
        self.context != other.context
            && conflict(self.operation, self.key, other.operation, other.key)
    }

    /// Whether this party's context was begun in the call `who` on `object`, or in one that was.
    pub(super) fn descends_from(&self, who: Who, object: Object) -> bool {
        self.lineage
            .as_ref()
            .is_some_and(|lineage| lineage.has(who, object.words()))
            && !planted(Defect::AncestorsConflict)
    }

    /// Whether an operation on `object` that this party's context was begun in is in flight.
    pub(super) fn is_within(&self, object: Object) -> bool {
        self.lineage
            .as_ref()
            .is_some_and(|lineage| lineage.is_inside(object.words()))
    }
}

/// How a violation was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetectedBy {
    /// The first party was held before its body when the second called; a region, before its next access.
    Trap,
    /// The first party was inside its body, and left it while the second was held; a region was interrupted without our doing.
    Overlap,
}

/// A proved violation.
#[derive(Clone, Debug)]
pub(crate) struct Evidence<S> {
    pub(crate) object: Object,
    pub(crate) detected_by: DetectedBy,
    pub(crate) first: Party<S>,
    pub(crate) second: Party<S>,
    /// From the first party's call to the second's.
    pub(crate) gap_ns: u64,
    /// The region that was interrupted: then the first party is its earlier access, and the second stood in between.
    pub(crate) region: Option<Interrupted<S>>,
}

/// A region expected to be atomic that was not.
#[derive(Clone, Debug)]
pub(crate) struct Interrupted<S> {
    pub(crate) declared: &'static Region,
    pub(crate) pattern: Pattern,
    /// The region's access after the foreign one.
    pub(crate) next: Party<S>,
    /// Nobody declared it: it is where both stacks are of one call of one function.
    pub(crate) suspected: bool,
    /// What the three did: first, foreign, next.
    pub(crate) did: [Access; 3],
}
