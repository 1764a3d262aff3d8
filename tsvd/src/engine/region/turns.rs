//! What is known of turns: whether the second access of a suspicion is made without the first, too.
//!
//! A function that is called in a loop, and makes one access or the other, looks like one call that makes both: the stack of the
//! second is that of a call which has gone on. What tells them apart is that in a loop over a check and an act the act is always led to by
//! a check. So the stacks that are taken for suspicions are kept, in their order: where the act follows itself, or what lies before
//! the check, and no check came in between, the two are of different turns, and nothing that was seen of them counts.

use std::collections::HashMap;
use std::ops::Range;

use super::pause::{clear, is_set, no_sites, set};
use crate::engine::Engine;
use crate::engine::env::Environment;
use crate::engine::primitive::lossy::{AtomicU64, Mutex};
use crate::engine::sites::SiteId;
use crate::engine::traps::Party;

/// Steps that are kept, all in all. Those of a site end with its stacks.
const STEPS: usize = 2048;

/// An access at a call site that is watched, in the order of its thread's.
struct Step<S> {
    site: SiteId,
    context: u64,
    task: Option<String>,
    stack: S,
}

pub(crate) struct Turns<S> {
    kept: Mutex<Kept<S>>,
    /// The sites of which no access was missed since the last that was kept.
    whole: Box<[AtomicU64]>,
}

struct Kept<S> {
    steps: Vec<Step<S>>,
    /// For each call site the steps among which all of its accesses are; of several such runs the last.
    runs: HashMap<SiteId, Range<usize>>,
}

impl<S> Turns<S> {
    pub(in crate::engine) fn new() -> Self {
        let kept = Kept {
            steps: Vec::new(),
            runs: HashMap::new(),
        };
        Self {
            kept: Mutex::new(kept),
            whole: no_sites(),
        }
    }

    /// An access at `site` goes by unkept.
    pub(super) fn miss(&self, site: SiteId) {
        if !is_set(&self.whole, site) {
            return;
        }
        let mut kept = self.kept.lock();
        clear(&self.whole, site);
        let end = kept.steps.len();
        if let Some(run) = kept.runs.get_mut(&site) {
            run.end = end.min(run.end);
        }
    }
}

impl<S: Clone> Turns<S> {
    pub(super) fn add(&self, site: SiteId, party: &Party<S>) {
        let Some(stack) = party.stack.clone() else {
            return;
        };
        let step = Step {
            site,
            context: party.context,
            task: party.task.clone(),
            stack,
        };
        let mut kept = self.kept.lock();
        let Kept { steps, runs } = &mut *kept;
        if steps.len() == STEPS {
            return;
        }
        if !is_set(&self.whole, site) {
            set(&self.whole, site);
            runs.insert(site, steps.len()..usize::MAX);
        }
        steps.push(step);
    }
}

impl<E: Environment> Engine<E> {
    /// Whether the second of two accesses that seem to be of one call was also made without the first before it.
    pub(crate) fn comes_alone(&self, first: &Party<E::Stack>, next: &Party<E::Stack>) -> bool {
        let stacks = first.stack.as_ref().zip(next.stack.as_ref());
        let places = stacks.and_then(|(first, next)| self.env.parting(first, next));
        let Some([check, act]) = places else {
            return false;
        };
        let site = self.site(first.operation, first.site);
        let kept = self.turns.kept.lock();
        let Some(run) = kept.runs.get(&site) else {
            return false;
        };
        let steps = &kept.steps[run.start..run.end.min(kept.steps.len())];
        let is_alone = |(index, step): (usize, &Step<E::Stack>)| {
            let place = |of: &Step<E::Stack>| self.env.place_in(&of.stack, &step.stack, act);
            if place(step).is_none() {
                return false;
            }
            let own = steps[..index].iter().rev();
            let mut own = own.filter(|other| match &step.task {
                // It may have been elsewhere in between.
                Some(_) => other.task == step.task,
                None => other.task.is_none() && other.context == step.context,
            });
            own.find_map(|before| {
                if before.context != step.context {
                    return Some(false);
                }
                match place(before)? {
                    // It may end in more than one place, as a guard does.
                    place if before.site == site && place < act => Some(false),
                    place if place == act || place < check => Some(true),
                    // What lies behind the act may be what the source has before it.
                    _ => None,
                }
            })
            .unwrap_or(false)
        };
        steps.iter().enumerate().any(is_alone)
    }
}
