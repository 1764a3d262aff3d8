//! The way in and out of an access under a thread-safe contract.

use std::panic::Location;

use super::suspicion::UNDECLARED;
use super::watch::{Foreign, Part, Watch};
use crate::contract::{Deed, Did, Key, Object, Operation, Pattern, Region};
use crate::engine::Engine;
use crate::engine::defect::{Defect, planted};
use crate::engine::enter::{Call, object_hash};
use crate::engine::env::Environment;
use crate::engine::lineage::Lineage;
use crate::engine::marks::Context;
use crate::engine::now::Now;
use crate::engine::primitive::lossy::Arc;
use crate::engine::primitive::{Ordering, fence};
use crate::engine::traps::{Bucket, DetectedBy, Evidence, Interrupted, Party};

/// An access that has entered. It may leave on another thread.
#[derive(Debug)]
pub(crate) struct Visit {
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    /// 0 for none, for guards carry this.
    key: u64,
    /// The number of its context.
    context: u64,
    seen: Option<Box<Seen>>,
}

/// What it found when it entered: somebody watches, or its own context has regions.
#[derive(Debug, Default)]
struct Seen {
    entered_ns: u64,
    delayed: Option<Delayed>,
    key_text: Option<String>,
    lineage: Option<Arc<Lineage>>,
    /// The regions it is an access of.
    own: Vec<u64>,
    /// Their watches, by number, and how many others had come and gone.
    cuts: Vec<(u64, usize)>,
    /// The watches of other contexts.
    visited: Vec<u64>,
    /// The watches of regions that it is a helper in.
    helped: Vec<u64>,
    /// It is the end of a region.
    is_end: bool,
    /// The hashes of the keys that it wrote, and what it did to all others, if it was of all.
    only: Option<(Vec<u64>, Did)>,
}

/// It was held between check and act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delayed {
    pub(super) ns: u64,
}

/// Whose access it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Of all regions that its context has open.
    All,
    /// The end of this one.
    End(u64),
}

impl Visit {
    #[inline]
    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    #[inline]
    fn new(call: &Call<'_>, context: u64, seen: Option<Box<Seen>>) -> Self {
        Self {
            operation: call.operation,
            site: call.site,
            object: call.object,
            key: call.key.map_or(0, |key| key.hash),
            context,
            seen,
        }
    }

    /// It is of all keys, and wrote these; `elsewhere` is what it did to the others. To be said only of who is [asked](Engine::asks).
    pub(crate) fn wrote_only(&mut self, keys: Vec<u64>, elsewhere: Did) {
        let seen = self.seen.get_or_insert_default();
        seen.only = Some((keys, elsewhere));
    }

    /// The call; the text of its key cannot be had any more.
    #[inline]
    fn call(&self) -> Call<'static> {
        Call {
            operation: self.operation,
            site: self.site,
            object: self.object,
            key: (self.key != 0).then_some(Key {
                hash: self.key,
                debug: None,
            }),
        }
    }
}

impl Call<'_> {
    pub(super) fn part(&self) -> Part {
        (self.operation.role(), self.key.map(|key| key.hash))
    }
}

impl<S> Party<S> {
    pub(super) fn part(&self) -> Part {
        (self.operation.role(), self.key)
    }
}

/// A verdict, but for what only the thread itself can say.
struct Proof<S> {
    declared: &'static Region,
    region: u64,
    pattern: Pattern,
    first: Party<S>,
    second: Party<S>,
    /// What the three did.
    did: [Did; 3],
}

/// A part of an object of these words that a region watches no more, for it watches too many.
pub(super) struct Forgotten {
    region: u64,
    words: [u64; 2],
    part: Part,
}

impl<E: Environment> Engine<E> {
    /// The numbers of the regions that `call` is an access of.
    pub(super) fn own_regions(
        &self,
        context: &Context<E>,
        outlook: Outlook,
        call: &Call<'_>,
    ) -> Vec<u64> {
        match outlook {
            Outlook::End(region) => vec![region],
            Outlook::All if context.regions.is_open() => {
                let task = self.env.task_name();
                context.regions.taking(call, task.as_deref())
            }
            Outlook::All => Vec::new(),
        }
    }

    /// An access is about to be made: the place of the delay between check and act.
    #[inline]
    pub(crate) fn approach(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
    ) -> Option<Delayed> {
        if self.may_be_second(context, call) {
            self.approach_as(context, call, Outlook::All)
        } else {
            None
        }
    }

    /// Whether it may be the second of a region's or a suspicion's.
    #[inline]
    pub(super) fn may_be_second(&self, context: &Context<E>, call: &Call<'_>) -> bool {
        let suspected = || context.regions.any_suspected() && self.watched.any(call.object_hash());
        context.regions.any() || suspected()
    }

    /// The access begins; `None` within the engine's own work.
    #[inline]
    pub(crate) fn arrive(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        delayed: Option<Delayed>,
    ) -> Option<Visit> {
        if context.is_suspended() {
            return None;
        }
        context.count_scope();
        if context.regions.any() || self.watched.any(call.object_hash()) {
            return Some(self.arrive_as(context, call, delayed, Outlook::All));
        }
        Some(Visit::new(call, self.number_of(context), None))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn arrive_as(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        delayed: Option<Delayed>,
        outlook: Outlook,
    ) -> Visit {
        let _suspended = context.suspend();
        let number = self.number_of(context);
        let own = self.own_regions(context, outlook, call);
        let lineage = self.env.lineage(|lineage| lineage.cloned());
        let is_helper = |region| {
            lineage.as_ref().is_some_and(|own| own.has_region(region))
                && !planted(Defect::HelperIsForeign)
        };
        let part = call.part();
        let (mut cuts, mut visited, mut helped) = (Vec::new(), Vec::new(), Vec::new());
        let mut interrupted = false;
        let mut bucket = self.traps.lock(call.object_hash());
        let left = self.leave_behind(&mut bucket, call, number);
        for watch in &mut bucket.watches {
            let is_same = watch.object == call.object && call.object.may_be(watch.object);
            if !is_same || !watch.meets(part) {
                continue;
            }
            if own.contains(&watch.region) {
                cuts.push((watch.number, watch.foreign.len()));
                interrupted |= !watch.foreign.is_empty();
            } else if is_helper(watch.region) {
                helped.push(watch.number);
            } else if watch.last.context != number && outlook == Outlook::All {
                watch.inside += 1;
                visited.push(watch.number);
                if planted(Defect::NotedAtEntry) {
                    let (party, did) = (
                        self.party(context, call),
                        Did::from(call.operation.access()).into(),
                    );
                    watch.foreign.push(Foreign { party, deed: did });
                }
            }
        }
        drop(bucket);
        drop(left);
        let is_watched = !own.is_empty() || !visited.is_empty() || !helped.is_empty();
        let seen = is_watched.then(|| {
            let tells = interrupted || !visited.is_empty() || context.regions.is_new();
            let text = call.key.and_then(|key| key.debug).filter(|_| tells);
            Box::new(Seen {
                entered_ns: self.env.now(),
                delayed,
                key_text: text.and_then(|key| self.env.text(key)),
                lineage,
                own,
                cuts,
                visited,
                helped,
                is_end: outlook != Outlook::All,
                only: None,
            })
        });
        Visit::new(call, number, seen)
    }

    /// Takes away suspicions of the very task that makes `call`, where it is known: it began them on another thread, whose next access
    /// this is not.
    fn leave_behind(
        &self,
        bucket: &mut Bucket<E>,
        call: &Call<'_>,
        number: u64,
    ) -> Vec<Watch<E::Stack>> {
        let may_be = |watch: &Watch<E::Stack>| {
            let is_elsewhere = watch.is_suspected() && watch.last.context != number;
            is_elsewhere && watch.last.task.is_some() && watch.object == call.object
        };
        if !bucket.watches.iter().any(may_be) {
            return Vec::new();
        }
        let task = self.env.task_name();
        let is_own = |watch: &mut Watch<E::Stack>| may_be(watch) && watch.last.task == task;
        let left = bucket.watches.extract_if(.., is_own);
        let left = left.inspect(|watch| self.conceal(call.object_hash(), watch));
        left.collect()
    }

    /// Whether anybody wants to know which keys an access of all of them writes.
    pub(crate) fn asks(&self, context: &Context<E>, visit: &Visit) -> bool {
        visit.seen.is_some() || self.may_suspect(context, &visit.call()).is_some()
    }

    /// The access is over, and this is what it did. `context` is that of the calling thread, if it has one.
    #[inline]
    pub(crate) fn depart(&self, context: Option<&'static Context<E>>, mut visit: Visit, did: Did) {
        self.depart_from(context, &mut visit, did);
    }

    /// The same where the visit lies, for moving it costs as much as all the rest.
    #[inline]
    pub(crate) fn depart_from(
        &self,
        context: Option<&'static Context<E>>,
        visit: &mut Visit,
        did: Did,
    ) {
        if self.now.is_off() {
            return;
        }
        let did = match did {
            Did::Nothing if planted(Defect::UnwoundCounts) => visit.operation.access().into(),
            did => did,
        };
        if let Some(context) = context
            && visit.seen.is_none()
        {
            let known = context
                .filter
                .knows(visit.call().tag_of(did), self.now.load());
            if known || did == Did::Nothing {
                return;
            }
        }
        self.depart_watched(context, visit, did);
    }

    #[cold]
    #[inline(never)]
    fn depart_watched(&self, context: Option<&'static Context<E>>, visit: &mut Visit, did: Did) {
        let _suspended = context.map(Context::suspend);
        let (call, number) = (visit.call(), visit.context);
        let mut deed = Deed::from(did);
        let before = visit.seen.take().and_then(|mut seen| {
            if let Some((keys, elsewhere)) = seen.only.take().filter(|_| did != Did::Nothing) {
                deed = Deed::partial(did, keys, elsewhere);
            }
            let is_declared =
                |region: &u64| context.is_none_or(|context| !context.regions.is_suspected(*region));
            let is_own = seen.own.iter().any(is_declared);
            let before = self.decide(context, &call, number, *seen, &deed);
            is_own.then_some(before)
        });
        // Operations that are marked were recorded when they came.
        if let Some(context) = context
            && did != Did::Nothing
            && (call.operation.is_thread_safe() || before.is_some())
        {
            self.recall_access(context, &call, did, before);
            if before.is_none()
                && call.operation.is_thread_safe()
                && self.number_of(context) == number
            {
                self.watch_undeclared(context, &call, deed);
            }
        }
    }

    /// Looks for patterns that end with this access, and keeps it for those that begin with it or have it in the middle. Returns what
    /// the region's last access did.
    fn decide(
        &self,
        context: Option<&'static Context<E>>,
        call: &Call<'static>,
        number: u64,
        mut seen: Seen,
        deed: &Deed,
    ) -> Option<Did> {
        let did = deed.did();
        // Else it began in another context than it ends in: nobody's region.
        let here = context.filter(|context| self.number_of(context) == number);
        let interrupted = seen.cuts.iter().any(|(_, others)| *others > 0);
        // A region's first access has left when it turns out to be of interest: of some the stack is kept in advance.
        let is_worth = |context: &'static Context<E>| {
            let site = self.cached(context, call).number();
            context.regions.is_new() || (self.trap_set.is_armed(site) && self.stacks.take(site))
        };
        let tells = did != Did::Nothing
            && (!seen.visited.is_empty()
                || interrupted
                || here.is_some_and(|context| context.regions.any() && is_worth(context)));
        let is_deep = interrupted && here.is_some_and(|context| context.regions.any_suspected());
        let party = Party {
            operation: call.operation,
            site: call.site,
            key: call.key.map(|key| key.hash),
            key_text: seen.key_text.take(),
            context: number,
            thread: tells.then(|| self.env.thread_name()).flatten(),
            task: tells.then(|| self.env.task_name()).flatten(),
            lineage: seen.lineage.take(),
            entered_ns: seen.entered_ns,
            delayed_ns: seen.delayed.map_or(0, |delayed| delayed.ns),
            stack: tells.then(|| match is_deep {
                true => self.env.deep_stack(),
                false => self.env.stack(),
            }),
        };
        let hash = call.object_hash();
        // What is freed is freed without the lock.
        let mut gone = Vec::new();
        let mut bucket = self.traps.lock(hash);
        let mut before = None;
        let mut proofs: Vec<Proof<E::Stack>> = Vec::new();
        for (watch, others) in &seen.cuts {
            let Some(watch) = bucket.watch(*watch) else {
                continue;
            };
            if did == Did::Nothing {
                continue;
            }
            if !watch.is_suspected() {
                before = Some(watch.deed.did());
            }
            let others = match planted(Defect::CountNotCut) {
                true => usize::MAX,
                false => *others,
            };
            let found = watch.interrupted(others, call.part(), deed);
            let belongs = || self.belongs(watch, call.site, party.stack.as_ref());
            if let Some((pattern, did, foreign)) = found.filter(|_| here.is_some() && belongs())
                && proofs.iter().all(|proof| proof.region != watch.region)
            {
                proofs.push(Proof {
                    declared: watch.declared,
                    region: watch.region,
                    pattern,
                    first: watch.last.clone(),
                    second: foreign.party.clone(),
                    did,
                });
            }
        }
        // What a helper has looked at anew, the region it works for has.
        let is_helped = |watch: &mut Watch<E::Stack>| {
            seen.helped.contains(&watch.number) && deed.at(watch.last.key).looks_anew()
        };
        for watch in bucket.watches.extract_if(.., is_helped) {
            self.conceal(hash, &watch);
            gone.push(watch);
        }
        if planted(Defect::NumberNotCompared) && !seen.visited.is_empty() {
            bucket
                .watches
                .iter_mut()
                .for_each(|watch| watch.inside += 1);
            seen.visited = bucket.watches.iter().map(|watch| watch.number).collect();
        }
        let mut tasks = Vec::new();
        for number in &seen.visited {
            if let Some(watch) = bucket.watch(*number) {
                watch.inside -= 1;
                // One that was handed on ends elsewhere than it began, perhaps in the watch's own region.
                if here.is_some() && watch.wants(deed, party.part()) {
                    let (party, deed) = (party.clone(), deed.clone());
                    watch.foreign.push(Foreign { party, deed });
                    self.call_for(&mut bucket, *number, &mut tasks);
                }
            }
        }
        let (mut forgotten, mut ended) = (Vec::new(), Vec::new());
        if did != Did::Nothing && !seen.is_end {
            for region in &seen.own {
                if context.is_some_and(|context| context.regions.is_suspected(*region)) {
                    ended.push(*region);
                    continue;
                }
                self.keep(
                    &mut bucket,
                    call.object,
                    *region,
                    here,
                    &party,
                    deed,
                    &mut gone,
                    &mut forgotten,
                );
            }
        }
        drop(bucket);
        drop(gone);
        tasks.iter().for_each(|alarm| alarm.ring());
        for Forgotten {
            region,
            words,
            part,
        } in forgotten
        {
            self.unwatch(words, |watch| {
                watch.region == region && watch.last.part() == part
            });
        }
        if let Some(context) = context {
            ended
                .iter()
                .for_each(|region| self.end_undeclared(context, *region));
        }
        proofs.retain(|proof| {
            let stacks = proof.first.stack.as_ref().zip(party.stack.as_ref());
            let foreign = proof.second.stack.as_ref();
            !std::ptr::eq(proof.declared, &UNDECLARED)
                || stacks.is_some_and(|(first, next)| self.env.goes_on(first, foreign, next))
        });
        if seen.delayed.is_some() && proofs.is_empty() {
            let site = self.site(call.operation, call.site);
            self.strategy.failed(&self.trap_set, site);
        }
        for proof in proofs {
            if let Some(context) = here {
                let region = proof.region;
                if self.prove_interrupted(context, call.object, proof, party.clone()) {
                    context.regions.with(region, |open| open.is_caught());
                }
            }
        }
        before
    }

    /// The access of `party`, which has just left, is the last of `region` to its part of the object. In another context than it
    /// began in, it is nobody's.
    #[expect(clippy::too_many_arguments, reason = "one step of one caller's")]
    pub(super) fn keep(
        &self,
        bucket: &mut Bucket<E>,
        object: Object,
        region: u64,
        here: Option<&'static Context<E>>,
        party: &Party<E::Stack>,
        deed: &Deed,
        gone: &mut Vec<Watch<E::Stack>>,
        forgotten: &mut Vec<Forgotten>,
    ) {
        let hash = object_hash(object.words());
        let part = party.part();
        let replaced = |watch: &Watch<E::Stack>| {
            let own = watch.region == region && watch.object == object;
            let anew = || deed.at(watch.last.key).looks_anew() || here.is_none();
            own && (watch.last.part() == part || (watch.meets(part) && anew()))
        };
        for watch in bucket.watches.extract_if(.., |watch| replaced(watch)) {
            self.conceal(hash, &watch);
            gone.push(watch);
        }
        let open = here.and_then(|context| {
            context.regions.with(region, |open| {
                let forgets = open.touch(object.words(), part);
                (open.declared, open.on(), forgets)
            })
        });
        let Some((declared, on, forgets)) = open else {
            return;
        };
        forgotten.extend(forgets.map(|(words, part)| Forgotten {
            region,
            words,
            part,
        }));
        let number = match gone.last() {
            Some(before) if planted(Defect::NumberStays) => before.number,
            _ => bucket.number(),
        };
        let watch = Watch {
            number,
            region,
            declared,
            on,
            object,
            last: party.clone(),
            deed: deed.clone(),
            foreign: Vec::new(),
            inside: 0,
        };
        self.reveal(hash, &watch);
        bucket.watches.push(watch);
    }

    fn prove_interrupted(
        &self,
        context: &'static Context<E>,
        object: Object,
        proof: Proof<E::Stack>,
        mut next: Party<E::Stack>,
    ) -> bool {
        let Proof {
            declared,
            region: _,
            pattern,
            mut first,
            second,
            did,
        } = proof;
        if next.stack.is_none() {
            next.stack = Some(self.env.stack());
        }
        let stacks = (first.stack.as_ref(), next.stack.as_ref());
        if !self.env.is_own_work(stacks, declared) {
            return false;
        }
        // A region that is polled may have been on another thread.
        if first.thread.is_none() && first.context == context.number() {
            first.thread.clone_from(&next.thread);
        }
        let [check, foreign_site, act] =
            [&first, &second, &next].map(|party| self.site(party.operation, party.site));
        self.trap_set.violated(foreign_site, act);
        // Suspected where another's check is seen beside this act; what it stands for was caught.
        self.trap_set.violated(check, act);
        let detected_by = match next.delayed_ns {
            0 => DetectedBy::Overlap,
            _ => DetectedBy::Trap,
        };
        self.env.violation(Evidence {
            object,
            detected_by,
            gap_ns: second.entered_ns.saturating_sub(first.entered_ns),
            first,
            second,
            region: Some(Interrupted {
                declared,
                pattern,
                next,
                suspected: std::ptr::eq(declared, &UNDECLARED),
                did: did.map(Did::access),
            }),
        });
        true
    }

    /// An operation of a plain contract, marked at `index`, is an access too where a region is concerned.
    #[inline]
    pub(in crate::engine) fn visit_marked(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        index: usize,
        delayed: Option<Delayed>,
    ) {
        let concerned = context.regions.any() || self.watched.any(call.object_hash());
        if concerned && !call.operation.drops() {
            let visit = self.arrive_as(context, call, delayed, Outlook::All);
            if visit.seen.is_some() {
                context.regions.mark(index, visit);
                context.ask(context.flight(index));
            }
        }
    }

    /// It leaves; `whole` says that it came to its end by itself.
    pub(in crate::engine) fn leave_marked(
        &self,
        context: &'static Context<E>,
        index: usize,
        whole: bool,
    ) {
        let Some((visit, wrote)) = context.regions.unmark(index) else {
            return;
        };
        let did = match (whole, wrote) {
            (false, _) => Did::Nothing,
            (true, false) => Did::Revalidated { wrote: false },
            (true, true) => visit.operation.access().into(),
        };
        self.depart(Some(context), visit, did);
    }

    /// Has the access in the history, and learns from what it finds there.
    fn recall_access(
        &self,
        context: &'static Context<E>,
        call: &Call<'_>,
        did: Did,
        before: Option<Option<Did>>,
    ) {
        let tag = call.tag_of(did);
        let now = self.now.load();
        let quiet = Now::is_quiet(now);
        // What ends a region's pattern is told of each time.
        if before.flatten().is_none()
            && (context.filter.knows(tag, now) || (quiet && context.filter.recalls(tag, now)))
        {
            return;
        }
        fence(Ordering::Acquire);
        let near = self.learn(context, call, did, before, quiet);
        // In a region everything is examined.
        let watches = || self.may_suspect(context, call).is_some();
        if quiet && !near && !self.clocked && before.is_none() && !watches() {
            context.filter.stamp(tag, now);
        }
    }
}

impl Call<'_> {
    /// In the filter, an access is what it did.
    #[inline]
    fn tag_of(&self, did: Did) -> u64 {
        self.tag() ^ (u64::from(did.changes()) << 63)
    }
}

/// Sections of locks end where their guards are dropped.
const _: () = {
    const fn moves<T: Send + Sync>() {}
    moves::<Visit>();
};
