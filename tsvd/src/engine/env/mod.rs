//! What the engine needs of the world: clock, sleep, randomness, fences, stacks, and who hears of violations.

#[cfg(all(loom, test))]
pub(crate) mod modelled;
#[cfg(all(test, not(loom)))]
pub(crate) mod simulated;

use std::fmt::Debug;

use super::alarm::Alarm;
use super::lineage::Lineage;
use super::primitive::lossy::Arc;
use super::primitive::{Condvar, MutexGuard};
use super::sites::{Site, SiteId};
use super::tasks::HowHeld;
use super::traps::{Bucket, Evidence};
use crate::contract::Region;

/// One world: the process itself, or a simulated one.
pub(crate) trait Environment: Sized + Send + Sync + 'static {
    /// Where a call came from, cheap to take and resolved only for a report.
    type Stack: Clone + Send + Debug + 'static;

    /// The number that was reserved for a call site which an earlier run knew; asked when the site is first met.
    fn recall(&self, site: Site) -> Option<SiteId>;

    /// Nanoseconds since the engine began, monotonic.
    fn now(&self) -> u64;

    /// Releases `bucket`, waits for `signal` or until `deadline` (nanoseconds of [`now`](Self::now)), takes it again.
    /// May return early.
    fn wait(&self, signal: &Condvar, bucket: &mut MutexGuard<'_, Bucket<Self>>, deadline: u64);

    /// Wakes who waits for `signal`.
    fn wake(&self, signal: &Condvar);

    /// A number in `0.0..1.0`.
    fn random(&self) -> f64;

    /// Rings `alarm` at `deadline` (nanoseconds of [`now`](Self::now)), or later; false if nothing will.
    fn set_alarm(&self, alarm: &Arc<Alarm>, deadline: u64) -> bool;

    /// Whether the task that is polled lives by a clock that is not this one's, such as a paused one: then it is not suspended.
    fn has_clock_of_its_own(&self) -> bool;

    /// How to hold the async operation that the calling thread polls if it may well be ready at once, and whether it stays so.
    fn how_to_hold_what_is_ready(&self) -> (HowHeld, bool);

    /// Whether the calling thread is the process's only one, as far as can be told cheaply; false where it cannot.
    fn is_alone(&self) -> bool;

    /// The calling thread's stack.
    fn stack(&self) -> Self::Stack;

    /// Whether a scope that was dropped at this stack was dropped by the code that had it; false if it may have been with a future.
    fn ends_by_itself(&self, stack: &Self::Stack) -> bool;

    /// The same, with what tells one call of a function from another.
    fn deep_stack(&self) -> Self::Stack;

    /// Whether two [deep](Self::deep_stack) stacks of one thread seem to be of one call of one function, which has gone on between
    /// them. Cheap.
    fn is_one_call(&self, first: &Self::Stack, next: &Self::Stack) -> bool;

    /// The same, by the source, if what another context did in between, at a stack of its own, was not given away by the function: as
    /// costly as a report, so asked without any lock, and only where there is something to report.
    fn goes_on(
        &self,
        first: &Self::Stack,
        foreign: Option<&Self::Stack>,
        next: &Self::Stack,
    ) -> bool;

    /// Whether two accesses that a thread made within `region` are the region's own: a thread of a pool may run another's job while it
    /// waits. As costly as a report.
    fn is_own_work(
        &self,
        stacks: (Option<&Self::Stack>, Option<&Self::Stack>),
        region: &Region,
    ) -> bool;

    /// The calling thread's name.
    fn thread_name(&self) -> Option<String>;

    /// What the task that the calling thread polls is called.
    fn task_name(&self) -> Option<String> {
        None
    }

    /// Lets the calling thread inherit something else; what it inherited before.
    fn swap_lineage(&self, lineage: Option<Arc<Lineage>>) -> Option<Arc<Lineage>>;

    /// Lets `see` have what the calling thread inherited.
    fn lineage<R>(&self, see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R;

    /// The text of a key; `None` when the user's `Debug` panics.
    fn text(&self, key: &dyn Debug) -> Option<String>;

    /// Orders a mark before the loads that follow it; see [`heavy_fence`](Self::heavy_fence).
    fn light_fence(&self);

    /// The other half: after it, every thread either has its mark visible to the caller or sees what the caller
    /// published before. `membarrier(2)` where there is one, so that the light half costs nothing.
    fn heavy_fence(&self);

    /// A violation was proved. Called without any lock of the engine; returns when the report is safe.
    fn violation(&self, evidence: Evidence<Self::Stack>);
}
