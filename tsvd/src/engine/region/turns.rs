//! What is known of turns: whether the second access of a suspicion is made without the first, too.
//!
//! A function that is called in a loop, and makes one access or the other, looks like one call that makes both: the stack of the
//! second is that of a call which has gone on. What tells them apart is that in a loop over a check and an act the act is always led to by
//! a check. So the stacks that are taken for suspicions are kept, in their order: where the act follows itself, or what lies before
//! the check, and no check came in between, the two are of different turns, and nothing that was seen of them counts.

use super::suspicion::Stacks;
use crate::engine::Engine;
use crate::engine::env::Environment;
use crate::engine::primitive::lossy::Mutex;
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

/// All of them, up to some time: of what is kept nothing is missing.
pub(crate) struct Turns<S>(Mutex<Vec<Step<S>>>);

impl<S> Turns<S> {
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
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
        let mut steps = self.0.lock();
        if steps.len() < STEPS {
            steps.push(step);
        }
    }
}

/// The steps between which each access at `site` is among them.
fn known<'a, S>(steps: &'a [Step<S>], site: SiteId, stacks: &Stacks) -> &'a [Step<S>] {
    let is_there = |step: &Step<S>| step.site == site;
    let Some(begin) = steps.iter().position(is_there) else {
        return &[];
    };
    let last = steps.iter().rposition(is_there);
    let end = last.filter(|_| !stacks.are_left(site));
    &steps[begin..end.map_or(steps.len(), |last| last + 1)]
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
        let steps = self.turns.0.lock();
        let steps = known(&steps, site, &self.stacks);
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
