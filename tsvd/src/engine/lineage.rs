//! What a context inherits: the operations in flight around the call that began it.
//!
//! Contexts form a tree, and its inner nodes are *operations in flight*, not threads: a write that runs threads which read the
//! same object is correct, while a parent and a child that race outside of such an operation are as guilty as any two. So a
//! call never conflicts with an operation that its context was begun in. Operations are compared one by one, by number: one
//! that has ended excuses nothing else.
//!
//! Only the newer of two calls can descend from the other, and a call that is held has no descendants, for its thread has not
//! begun its body. So the exact side asks one question, [`Party::descends_from`](super::traps::Party::descends_from), of
//! whoever looks for others.
//!
//! The lossy side asks none. It records an access once for each operation of the tree above it ([`Engine::lines`]): outermost
//! as the whole operation's, so that it meets strangers, and innermost as its own context's, so that it meets its siblings.

use std::panic::Location;

use super::Engine;
use super::enter::{Call, mix, object_hash};
use super::env::Environment;
use super::marks::{Context, Entry};
use super::now::Now;
use super::primitive::lossy::{AtomicU32, AtomicU64, Mutex, Ordering};
use super::traps::Who;
use crate::contract::Object;

/// What one context hands on to another that it begins.
#[derive(Clone, Debug)]
pub(crate) struct Lineage {
    /// Outermost first.
    ancestors: Vec<Ancestor>,
    /// Numbers of the regions that were open.
    regions: Vec<u64>,
    spawned_at: Option<&'static Location<'static>>,
    /// Who its calls belong to, if that is not the thread.
    frame: Option<Frame>,
}

/// What is polled belongs to a context of its own, on whatever thread it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Its number, for verdicts.
    pub(super) number: u64,
    /// Under which number it is recorded, for where to sleep: that of the task, since of what one task does one after the
    /// other nothing can collide.
    pub(super) task: u64,
}

/// An operation that was in flight when a context was begun in it.
#[derive(Clone, Debug)]
struct Ancestor {
    who: Who,
    words: [u64; 2],
    /// The number that its context is recorded under.
    context: u64,
    /// Where its mark is; `None` for a token.
    entry: Option<&'static Entry>,
}

impl Lineage {
    /// Of a context that nothing was in flight around.
    pub(crate) fn new(spawned_at: &'static Location<'static>) -> Self {
        Self {
            ancestors: Vec::new(),
            regions: Vec::new(),
            spawned_at: Some(spawned_at),
            frame: None,
        }
    }

    /// The same for a future that is polled as a context of its own.
    pub(crate) fn of_its_own(mut self, number: u64, task: u64) -> Self {
        self.frame = Some(Frame { number, task });
        self
    }

    /// The same within a call on the object of `words`, which is the context's own.
    pub(super) fn within(&self, who: Who, words: [u64; 2]) -> Self {
        let mut ancestors = self.ancestors.clone();
        ancestors.push(Ancestor {
            who,
            words,
            context: self.frame.map_or(0, |frame| frame.task),
            entry: None,
        });
        Self {
            ancestors,
            regions: self.regions.clone(),
            spawned_at: self.spawned_at,
            frame: self.frame,
        }
    }

    pub(super) fn frame(&self) -> Option<Frame> {
        self.frame
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ancestors.is_empty() && self.regions.is_empty()
    }

    /// Who called for the context, if it was begun by `tsvd`'s own means.
    pub(crate) fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.spawned_at
    }

    /// Whether `who`, on the object of these words, is an ancestor. Numbers of tokens are told apart by the object.
    pub(super) fn has(&self, who: Who, words: [u64; 2]) -> bool {
        self.ancestors
            .iter()
            .any(|ancestor| ancestor.who == who && ancestor.words == words)
    }

    /// Whether the context was begun in this region.
    pub(super) fn has_region(&self, number: u64) -> bool {
        self.regions.contains(&number)
    }

    fn on(&self, object: Object) -> Vec<Ancestor> {
        let words = object.words();
        let on_it = self
            .ancestors
            .iter()
            .filter(|ancestor| ancestor.words == words);
        on_it.cloned().collect()
    }

    /// Whether one on the object of these words is still in flight, as far as marks tell.
    pub(super) fn is_inside(&self, words: [u64; 2]) -> bool {
        self.ancestors
            .iter()
            .any(|ancestor| ancestor.words == words && ancestor.is_marked() != Some(false))
    }
}

impl Ancestor {
    /// Whether it is still in flight; `None` where the table has to be asked.
    fn is_marked(&self) -> Option<bool> {
        match (self.who, self.entry) {
            (Who::Mark(flight), Some(entry)) => Some(entry.is_at(flight.state)),
            _ => None,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.who == other.who && self.words == other.words
    }

    fn hash(&self) -> u64 {
        match self.who {
            Who::Mark(flight) => mix(flight.context, flight.state << 8 | flight.index as u64),
            Who::Token(number) => mix(u64::MAX, number),
        }
    }
}

/// The operations a context has handed on, so that its own further calls are recorded beside those of its heirs. Its owner's
/// alone.
pub(super) struct Bequest {
    any: AtomicU32,
    /// Number of the context that handed on: the thread's own, or that of what it was polling.
    by: AtomicU64,
    list: Mutex<Vec<Ancestor>>,
}

impl Bequest {
    pub(super) fn new() -> Self {
        Self {
            any: AtomicU32::new(0),
            by: AtomicU64::new(0),
            list: Mutex::new(Vec::new()),
        }
    }

    fn set(&self, by: u64, list: Vec<Ancestor>) {
        self.by.store(by, Ordering::Relaxed);
        self.any
            .store(u32::from(!list.is_empty()), Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.list.lock(), list);
        // Not under the lock: an allocator may be watched.
        drop(before);
    }

    /// Forgets what another thread left in a recycled block.
    pub(super) fn reset(&self) {
        self.set(0, Vec::new());
    }
}

/// Operations that were inherited and are still open, the numbers of the open regions, and the operations of the context itself.
type Around = (Vec<Ancestor>, Vec<u64>, Vec<Ancestor>);

/// The lines of the history an access belongs to.
pub(super) struct Lines {
    /// Hash, and number of the context it is recorded for.
    pub(super) outer: Vec<(u64, u64)>,
    /// The innermost, recorded for the call's own context.
    pub(super) own: u64,
}

impl<E: Environment> Engine<E> {
    /// What a context begun now at `site` by the calling thread, whose block is `context`, inherits: the operations in flight
    /// of this thread, and those it inherited that have not ended since.
    #[cold]
    pub(crate) fn bequeath(
        &self,
        context: Option<&'static Context<E>>,
        site: &'static Location<'static>,
    ) -> Lineage {
        // What this allocates and frees is nobody's operation.
        let _suspended = context.map(Context::suspend);
        let (mut ancestors, regions, own) = self.ancestors(context);
        if let Some(context) = context {
            ancestors.extend_from_slice(&own);
            context.bequest.set(self.number_of(context), own);
        }
        Lineage {
            ancestors,
            regions,
            spawned_at: Some(site),
            frame: None,
        }
    }

    /// What a future inherits that the thread of `context` polls for the first time. Its own thread has nothing else to do
    /// meanwhile, so that the operations it is polled in need no lines of their own.
    pub(super) fn descend(&self, context: &'static Context<E>, number: u64, task: u64) -> Lineage {
        let (mut ancestors, regions, own) = self.ancestors(Some(context));
        ancestors.extend(own);
        let spawned_at = self
            .env
            .lineage(|lineage| lineage.and_then(|lineage| lineage.spawned_at));
        Lineage {
            ancestors,
            regions,
            spawned_at,
            frame: Some(Frame { number, task }),
        }
    }

    /// The operations around the calling thread's next call that have not ended: those it inherited, and others of its own.
    fn ancestors(&self, context: Option<&'static Context<E>>) -> Around {
        let (mut inherited, mut regions) = self.env.lineage(|lineage| match lineage {
            Some(lineage) => (lineage.ancestors.clone(), lineage.regions.clone()),
            None => Default::default(),
        });
        inherited.retain(|ancestor| self.is_open(ancestor));
        let Some(context) = context else {
            return (inherited, regions, Vec::new());
        };
        regions.extend(context.regions.numbers());
        let recorded = self.own(context).number;
        let mut own: Vec<_> = context
            .flights()
            .map(|(flight, words, entry)| Ancestor {
                who: Who::Mark(flight),
                words,
                context: recorded,
                entry: Some(entry),
            })
            .collect();
        own.extend(self.own_tokens(self.number_of(context), recorded));
        // A closure, or a future, that runs on its own thread has inherited some of them already.
        own.retain(|own| !inherited.iter().any(|ancestor| ancestor.is(own)));
        (inherited, regions, own)
    }

    /// The number of the context that the thread of `context` is acting for: its own, or that of what it polls.
    pub(super) fn number_of(&self, context: &Context<E>) -> u64 {
        let frame = self
            .env
            .lineage(|lineage| lineage.and_then(|lineage| lineage.frame()));
        frame.map_or_else(|| context.number(), |frame| frame.number)
    }

    /// The scopes that the context of this number has open, which is recorded under the other.
    fn own_tokens(&self, number: u64, recorded: u64) -> Vec<Ancestor> {
        if Now::is_quiet(self.now.load()) {
            return Vec::new();
        }
        let mut own = Vec::new();
        for bucket in self.traps.buckets() {
            let bucket = bucket.lock();
            let tokens = bucket
                .tokens
                .iter()
                .filter(|token| token.party.context == number);
            own.extend(tokens.map(|token| Ancestor {
                who: Who::Token(token.number),
                words: token.object.words(),
                context: recorded,
                entry: None,
            }));
        }
        own
    }

    fn is_open(&self, ancestor: &Ancestor) -> bool {
        ancestor.is_marked().unwrap_or_else(|| {
            let bucket = self.traps.lock(object_hash(ancestor.words));
            bucket
                .tokens
                .iter()
                .any(|token| Who::Token(token.number) == ancestor.who)
        })
    }

    /// Where an access is recorded: on its object's line, or, within operations on the object that others inherited, on the
    /// line of each of them as well.
    pub(super) fn lines(&self, context: &Context<E>, call: &Call<'_>) -> Lines {
        let hash = call.object_hash();
        let mut chain = self.env.lineage(|lineage| match lineage {
            Some(lineage) if !lineage.is_empty() => lineage.on(call.object),
            _ => Vec::new(),
        });
        if context.bequest.any.load(Ordering::Relaxed) != 0
            && context.bequest.by.load(Ordering::Relaxed) == self.number_of(context)
        {
            let mut list = context.bequest.list.lock();
            list.retain(|own| self.is_open(own));
            context
                .bequest
                .any
                .store(u32::from(!list.is_empty()), Ordering::Relaxed);
            let words = call.object.words();
            let own = list.iter().filter(|own| own.words == words);
            chain.extend(own.cloned());
        }
        chain.retain(|ancestor| self.is_open(ancestor));
        let mut lines = Lines {
            outer: Vec::new(),
            own: hash,
        };
        for ancestor in chain {
            lines.outer.push((lines.own, ancestor.context));
            lines.own = mix(hash, ancestor.hash());
        }
        lines
    }
}
