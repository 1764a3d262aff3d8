//! The regions a context has open.

use super::Visit;
use super::access::Outlook;
use super::suspicion::UNDECLARED;
use super::watch::Part;
use crate::contract::{Did, Key, Object, Region, meet};
use crate::engine::Engine;
use crate::engine::defect::{Defect, planted};
use crate::engine::enter::{Call, object_hash};
use crate::engine::env::Environment;
use crate::engine::lineage::Lineage;
use crate::engine::marks::Context;
use crate::engine::primitive::lossy::{Arc, AtomicU32, AtomicU64, Mutex, Ordering};

/// Parts of objects that a region watches at a time; of more the one it came to first is forgotten. Each access looks at all watches of
/// its bucket.
const PARTS: usize = 64;

/// Regions of a context that watch at a time: each has a watch of its own for every access.
const NESTED: u32 = 8;

/// Accesses that a context remembers at a time for suspicions.
const SUSPECTED: usize = 4;

/// What a scope's region is about; a function's is about every object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct On {
    pub(crate) object: Object,
    pub(crate) role: Option<&'static str>,
    pub(crate) key: Option<u64>,
}

/// A region in progress, to be ended by [`Engine::close_region`].
#[derive(Debug)]
pub(crate) struct OpenRegion(u64);

/// A region of an `async fn` between two polls.
#[derive(Debug)]
pub(crate) struct Paused(Open);

#[derive(Debug)]
pub(super) struct Open {
    number: u64,
    pub(super) declared: &'static Region,
    on: Option<On>,
    /// The task that it is begun, or polled, by, where that is known.
    task: Option<String>,
    /// Whom a thread acts for that polls it; `None` for a region of a thread.
    frame: Option<Arc<Lineage>>,
    /// What that thread had before, meanwhile.
    outer: Option<Arc<Lineage>>,
    /// What it has watches on: the words of objects, and their parts.
    parts: Vec<([u64; 2], Part)>,
    /// It was begun, or polled, within too many others. From then on it watches nothing: if it missed but some of its accesses, it could
    /// miss that it looked anew.
    is_too_deep: bool,
    caught: bool,
    /// Nobody declared it.
    suspected: bool,
}

impl Open {
    /// What an access of no region may be the first of.
    pub(super) fn suspected(number: u64, task: Option<String>, call: &Call<'_>) -> Self {
        let (role, key) = call.part();
        let object = call.object;
        Self {
            number,
            declared: &UNDECLARED,
            on: Some(On { object, role, key }),
            task,
            frame: None,
            outer: None,
            parts: Vec::new(),
            is_too_deep: false,
            caught: false,
            suspected: true,
        }
    }

    /// Not all that a thread does while it waits in a region is the region's: it may poll other tasks, and so it does if a scope is held
    /// over an await, against its documentation.
    fn takes(&self, call: &Call<'_>, task: Option<&str>) -> bool {
        let own = self.task.as_deref() == task;
        let is_on = |on: On| on.object == call.object && meet((on.role, on.key), call.part());
        own && !self.is_too_deep && self.on.is_none_or(is_on)
    }
}

/// Those of one thread. Its own alone.
pub(crate) struct Regions {
    any: AtomicU32,
    any_suspected: AtomicU32,
    opened: AtomicU64,
    list: Mutex<Vec<Open>>,
    /// Operations in flight that are accesses of its regions, or of others' objects, by the index of their marks.
    marked: Mutex<Vec<Marked>>,
}

struct Marked {
    index: usize,
    visit: Visit,
    wrote: bool,
}

impl Regions {
    pub(in crate::engine) fn new() -> Self {
        Self {
            any: AtomicU32::new(0),
            any_suspected: AtomicU32::new(0),
            opened: AtomicU64::new(0),
            list: Mutex::new(Vec::new()),
            marked: Mutex::new(Vec::new()),
        }
    }

    fn count(&self, list: &[Open]) {
        let suspected = list.iter().filter(|open| open.suspected).count();
        self.any
            .store((list.len() - suspected) as u32, Ordering::Relaxed);
        self.any_suspected
            .store(suspected as u32, Ordering::Relaxed);
    }

    /// Whether there is anything to end with the thread.
    #[cfg_attr(loom, allow(dead_code, reason = "models end no threads"))]
    pub(crate) fn is_open(&self) -> bool {
        self.any() || self.any_suspected()
    }

    /// Whether an access may be the second of a suspicion.
    #[inline]
    pub(super) fn any_suspected(&self) -> bool {
        self.any_suspected.load(Ordering::Relaxed) != 0
    }

    pub(super) fn is_suspected(&self, number: u64) -> bool {
        self.with(number, |open| open.suspected) == Some(true)
    }

    /// The one that goes if there is to be another.
    pub(super) fn oldest_suspected(&self) -> Option<u64> {
        let list = self.list.lock();
        let mut suspected = list.iter().filter(|open| open.suspected);
        let oldest = suspected.next()?.number;
        (suspected.count() + 1 >= SUSPECTED).then_some(oldest)
    }

    /// Whether one is open.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed) != 0
    }

    /// Whether another region would be too deep.
    fn is_full(&self) -> bool {
        self.any.load(Ordering::Relaxed) >= NESTED
    }

    pub(in crate::engine) fn numbers(&self) -> Vec<u64> {
        self.list.lock().iter().map(|open| open.number).collect()
    }

    /// Whether its first regions are yet to come: their accesses keep their stacks, which costs some microseconds.
    pub(super) fn is_new(&self) -> bool {
        self.opened.load(Ordering::Relaxed) < 64
    }

    /// The operation at `index` is in flight.
    pub(super) fn mark(&self, index: usize, visit: Visit) {
        let mut marked = self.marked.lock();
        // What is left of calls that were torn down.
        marked.retain(|other| other.index < index);
        marked.push(Marked {
            index,
            visit,
            wrote: true,
        });
    }

    /// The operation at `index` leaves; with whether it wrote if it is one that may.
    pub(super) fn unmark(&self, index: usize) -> Option<(Visit, bool)> {
        let mut marked = self.marked.lock();
        let last = marked.iter().position(|other| other.index == index)?;
        let Marked { visit, wrote, .. } = marked.remove(last);
        Some((visit, wrote))
    }

    /// The operation at `index` has looked, and did or did not write.
    pub(crate) fn when(&self, index: usize, wrote: bool) {
        let mut marked = self.marked.lock();
        let own = marked.iter_mut().filter(|other| other.index == index);
        own.for_each(|own| own.wrote = wrote);
    }

    /// Those that `call` is an access of.
    pub(super) fn taking(&self, call: &Call<'_>, task: Option<&str>) -> Vec<u64> {
        let list = self.list.lock();
        let taking = list.iter().filter(|open| open.takes(call, task));
        taking.map(|open| open.number).collect()
    }

    pub(super) fn push(&self, open: Open) {
        let mut list = self.list.lock();
        list.push(open);
        self.count(&list);
    }

    pub(super) fn remove(&self, number: u64) -> Option<Open> {
        let mut list = self.list.lock();
        let index = list.iter().position(|open| open.number == number)?;
        let open = list.remove(index);
        self.count(&list);
        Some(open)
    }

    /// Lets `see` have the region of this number, if it is open.
    pub(super) fn with<R>(&self, number: u64, see: impl FnOnce(&mut Open) -> R) -> Option<R> {
        let mut list = self.list.lock();
        list.iter_mut().find(|open| open.number == number).map(see)
    }
}

impl Open {
    pub(super) fn on(&self) -> Option<On> {
        self.on
    }

    pub(super) fn is_caught(&mut self) {
        self.caught = true;
    }

    /// It has a watch on this part of the object of these words from now on. One whose watch has to go for it.
    pub(super) fn touch(&mut self, words: [u64; 2], part: Part) -> Option<([u64; 2], Part)> {
        if self.parts.contains(&(words, part)) {
            return None;
        }
        self.parts.push((words, part));
        (self.parts.len() > PARTS).then(|| self.parts.remove(0))
    }
}

/// The words of the objects of which these are parts.
fn objects(parts: &[([u64; 2], Part)]) -> Vec<[u64; 2]> {
    let mut objects: Vec<_> = parts.iter().map(|(words, _)| *words).collect();
    objects.sort_unstable();
    objects.dedup();
    objects
}

impl<E: Environment> Engine<E> {
    /// Begins a region of the calling thread; `None` within the engine's own work.
    pub(crate) fn open_region(
        &self,
        context: &Context<E>,
        declared: &'static Region,
        on: Option<On>,
    ) -> Option<OpenRegion> {
        if context.is_suspended() || self.now.is_off() {
            return None;
        }
        let _suspended = context.suspend();
        let number = self.region_number(context);
        // Its operations are all examined from now on.
        context.filter.forget();
        context.regions.push(Open {
            number,
            declared,
            on,
            task: self.env.task_name(),
            frame: None,
            outer: None,
            parts: Vec::new(),
            is_too_deep: context.regions.is_full(),
            caught: false,
            suspected: false,
        });
        Some(OpenRegion(number))
    }

    /// Never given twice: contexts have their numbers, and their regions are counted.
    pub(super) fn region_number(&self, context: &Context<E>) -> u64 {
        let regions = &context.regions;
        let count = regions.opened.load(Ordering::Relaxed) + 1;
        regions.opened.store(count, Ordering::Relaxed);
        context.number() << 32 | (count & u64::from(u32::MAX))
    }

    /// Ends a region of the calling thread; says whether a violation of it was proved. The end of a strict one is looked at, if the
    /// region came to its end by itself.
    pub(crate) fn close_region(
        &self,
        context: &'static Context<E>,
        region: &OpenRegion,
        by_itself: bool,
    ) -> bool {
        if self.now.is_off() {
            return false;
        }
        if by_itself {
            self.reach_end(context, region.0);
        }
        let _suspended = context.suspend();
        let Some(open) = self.remove_region(context, region) else {
            return false;
        };
        self.unwatch_all(&open);
        open.caught
    }

    /// The end of a strict region is a read of whatever it has worked on.
    fn reach_end(&self, context: &'static Context<E>, number: u64) {
        let strict = context.regions.with(number, |open| {
            open.declared
                .is_strict()
                .then(|| (open.declared, objects(&open.parts)))
        });
        let Some(Some((declared, objects))) = strict else {
            return;
        };
        let ends: Vec<_> = objects
            .into_iter()
            .flat_map(|words| {
                let bucket = self.traps.lock(object_hash(words));
                let own = bucket.watches.iter();
                let own =
                    own.filter(|watch| watch.region == number && watch.object.words() == words);
                own.map(|watch| (watch.object, watch.last.key))
                    .collect::<Vec<_>>()
            })
            .collect();
        for (object, key) in ends {
            let call = Call {
                operation: declared.end(),
                site: declared.definition(),
                object,
                key: key.map(|hash| Key { hash, debug: None }),
            };
            let outlook = Outlook::End(number);
            let delayed = self.approach_as(context, &call, outlook);
            let visit = self.arrive_as(context, &call, delayed, outlook);
            self.depart(Some(context), visit, Did::Read);
        }
    }

    /// The user's word that what the region knew has been looked at anew.
    pub(crate) fn restart_region(&self, context: &Context<E>, region: &OpenRegion) {
        if self.now.is_off() || planted(Defect::RestartedWatchStays) {
            return;
        }
        let _suspended = context.suspend();
        let restarted = context.regions.with(region.0, |open| {
            let parts = std::mem::take(&mut open.parts);
            (open.number, objects(&parts))
        });
        let Some((number, objects)) = restarted else {
            return;
        };
        for words in objects {
            self.unwatch(words, |watch| watch.region == number);
        }
    }

    /// The same for every region of the caller's, as far as `object` is concerned.
    pub(crate) fn revalidated(&self, context: &Context<E>, object: Object) {
        let regions = &context.regions;
        let none = !regions.any() && !regions.any_suspected();
        let stays = planted(Defect::RestartedWatchStays);
        if none || stays || context.is_suspended() || self.now.is_off() {
            return;
        }
        let _suspended = context.suspend();
        let own = context.regions.numbers();
        self.unwatch(object.words(), |watch| own.contains(&watch.region));
    }

    /// The thread of `context` ends: what it leaves open is over.
    pub(crate) fn abandon_regions(&self, context: &Context<E>) {
        context.regions.marked.lock().clear();
        let list = std::mem::take(&mut *context.regions.list.lock());
        context.regions.count(&[]);
        if !self.now.is_off() {
            list.iter().for_each(|open| self.unwatch_all(open));
        }
    }

    pub(super) fn unwatch_all(&self, open: &Open) {
        for words in objects(&open.parts) {
            self.unwatch(words, |watch| watch.region == open.number);
        }
    }

    /// Begins a region that is polled, by the task of this number: a context of its own.
    pub(crate) fn begin_region(
        &self,
        context: &'static Context<E>,
        declared: &'static Region,
        task: u64,
    ) -> Option<Paused> {
        if context.is_suspended() || self.now.is_off() {
            return None;
        }
        let _suspended = context.suspend();
        let frame = self.descend(context, self.number(), task);
        Some(Paused(Open {
            number: self.region_number(context),
            declared,
            on: None,
            task: None,
            frame: Some(Arc::new(frame)),
            outer: None,
            parts: Vec::new(),
            is_too_deep: false,
            caught: false,
            suspected: false,
        }))
    }

    /// The calling thread polls the region.
    pub(crate) fn resume_region(&self, context: &Context<E>, paused: Paused) -> OpenRegion {
        let _suspended = context.suspend();
        let Paused(mut open) = paused;
        if context.regions.is_full() {
            open.is_too_deep = true;
            self.unwatch_all(&open);
            open.parts.clear();
        }
        open.task = self.env.task_name();
        open.outer = self.env.swap_lineage(open.frame.clone());
        let region = OpenRegion(open.number);
        context.regions.push(open);
        region
    }

    /// The calling thread has polled the region.
    pub(crate) fn pause_region(&self, context: &Context<E>, region: &OpenRegion) -> Option<Paused> {
        let _suspended = context.suspend();
        let open = self.remove_region(context, region)?;
        Some(Paused(open))
    }

    /// The thread acts for itself again, or for whom it did before.
    fn remove_region(&self, context: &Context<E>, region: &OpenRegion) -> Option<Open> {
        let mut open = context.regions.remove(region.0)?;
        if open.frame.is_some() {
            drop(self.env.swap_lineage(open.outer.take()));
        }
        Some(open)
    }

    /// A region that is not polled is over, on whatever thread; says whether a violation of it was proved.
    pub(crate) fn end_region(&self, context: Option<&Context<E>>, paused: Paused) -> bool {
        let _suspended = context.map(Context::suspend);
        if !self.now.is_off() {
            self.unwatch_all(&paused.0);
        }
        paused.0.caught
    }
}
