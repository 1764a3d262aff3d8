//! Suspicions: interleavings as of an interrupted region where nobody declares one.
//!
//! An access at an armed call site, in no region, leaves a watch like a region's, until its context's next access to that part of the
//! object. What the two have around another's access is a suspicion if both were made in one call of one function, at two call sites:
//! the stack has to be kept for that. So only so many are kept for a call site, and few at a time for a context.

use std::collections::HashMap;
use std::panic::Location;

use super::open::Open;
use super::watch::Watch;
use crate::contract::{Deed, Did, Region};
use crate::engine::Engine;
use crate::engine::enter::Call;
use crate::engine::env::Environment;
use crate::engine::marks::Context;
use crate::engine::primitive::lossy::Mutex;
use crate::engine::sites::SiteId;
use crate::engine::traps::Party;

/// In place of a region's declaration.
pub(super) static UNDECLARED: Region = Region::new("", "", false, Location::caller());

/// Stacks that are kept for a call site, all in all.
const STACKS: u32 = 100;

/// How many stacks were kept for each call site.
pub(crate) struct Stacks(Mutex<HashMap<SiteId, u32>>);

impl Stacks {
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Whether one more may be.
    pub(super) fn take(&self, site: SiteId) -> bool {
        let mut counts = self.0.lock();
        let count = counts.entry(site).or_default();
        *count += 1;
        *count <= STACKS
    }

    fn are_left(&self, site: SiteId) -> bool {
        self.0.lock().get(&site).is_none_or(|count| *count < STACKS)
    }
}

impl<S> Watch<S> {
    pub(super) fn is_suspected(&self) -> bool {
        std::ptr::eq(self.declared, &UNDECLARED)
    }
}

impl<E: Environment> Engine<E> {
    /// The site of `call`, if what comes after it may be a suspicion.
    pub(super) fn may_suspect(&self, context: &Context<E>, call: &Call<'_>) -> Option<SiteId> {
        // What is made of atomics interleaves on purpose, more often than not: there only what is declared counts.
        let is_atomic = call
            .operation
            .contract()
            .starts_with("tsvd::sync::atomic::");
        if is_atomic || !self.parameters.suspicions {
            return None;
        }
        let site = self.cached(context, call).number();
        (self.trap_set.is_armed(site) && self.stacks.are_left(site)).then_some(site)
    }

    /// An access in no region has left: what comes next is watched for.
    pub(super) fn watch_undeclared(
        &self,
        context: &'static Context<E>,
        call: &Call<'static>,
        deed: Deed,
    ) {
        // What looked and wrote in one step is a whole: what it took, or announced, is often given back by a write. (A region that is
        // declared says that the two belong together.)
        if context.regions.any() || deed.did() == (Did::Revalidated { wrote: true }) {
            return;
        }
        let site = self.may_suspect(context, call);
        if !site.is_some_and(|site| self.stacks.take(site)) {
            return;
        }
        let number = self.region_number(context);
        let (open, oldest) = (
            Open::suspected(number, self.env.task_name(), call),
            context.regions.oldest_suspected(),
        );
        if let Some(oldest) = oldest {
            self.end_undeclared(context, oldest);
        }
        context.regions.push(open);
        let party = Party {
            operation: call.operation,
            site: call.site,
            key: call.key.map(|key| key.hash),
            key_text: None,
            context: self.number_of(context),
            thread: self.env.thread_name(),
            task: self.env.task_name(),
            lineage: self.env.lineage(|lineage| lineage.cloned()),
            entered_ns: self.env.now(),
            delayed_ns: 0,
            stack: Some(self.env.deep_stack()),
        };
        let mut bucket = self.traps.lock(call.object_hash());
        // One region of one object: nothing goes for it.
        let (mut gone, mut forgotten) = (Vec::new(), Vec::new());
        let here = Some(context);
        self.keep(
            &mut bucket,
            call.object,
            number,
            here,
            &party,
            &deed,
            &mut gone,
            &mut forgotten,
        );
    }

    /// Its next access has been made, or will not be waited for.
    pub(super) fn end_undeclared(&self, context: &Context<E>, number: u64) {
        if let Some(open) = context.regions.remove(number) {
            self.unwatch_all(&open);
        }
    }

    /// Whether an access at `site`, with this stack, can be the second of what a watch has the first of.
    pub(super) fn belongs(
        &self,
        watch: &Watch<E::Stack>,
        site: &'static Location<'static>,
        stack: Option<&E::Stack>,
    ) -> bool {
        if !watch.is_suspected() {
            return true;
        }
        let is_one_call = match (&watch.last.stack, stack) {
            (Some(first), Some(next)) => self.env.is_one_call(first, next),
            _ => false,
        };
        let age = self.env.now().saturating_sub(watch.last.entered_ns);
        watch.last.site != site && age <= self.parameters.window_ns && is_one_call
    }
}
