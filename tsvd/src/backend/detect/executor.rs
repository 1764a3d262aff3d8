//! What is known of the guest's executor: who wakes a held task, and whether it may be held at all.
//!
//! Nothing need be known: a timer of our own wakes tasks of any executor. With the feature `tokio` it is known where a clock of
//! tokio's is paused, and no task is held there.

mod dropped;
mod race;
mod timer;
#[cfg(feature = "tokio")]
mod tokio;

use std::sync::Arc;
use std::time::Instant;

use crate::engine::alarm::Alarm;
use crate::engine::tasks::HowHeld;
use crate::report::RawStack;

pub(super) use dropped::ends_by_itself;
pub(super) use race::is_executors;

/// Rings `alarm` at `deadline`; false if nothing will.
pub(super) fn set_alarm(alarm: &Arc<Alarm>, deadline: Instant) -> bool {
    timer::set_alarm(alarm, deadline)
}

/// Whether real time means nothing to the task that is polled.
pub(super) fn has_clock_of_its_own() -> bool {
    #[cfg(feature = "tokio")]
    return tokio::has_clock_of_its_own();
    #[cfg(not(feature = "tokio"))]
    false
}

/// How to hold an async operation that may well be ready at once: by a timer, if nothing on the stack races it. Else, where other
/// threads poll too, with its thread, which changes nothing that its callers could see. (Not always so, for a thread of tokio's that
/// sleeps keeps back the task it was to poll next.)
pub(super) fn how_to_hold_what_is_ready() -> HowHeld {
    if !race::may_be_raced(&RawStack::capture()) {
        return HowHeld::Suspended;
    }
    #[cfg(feature = "tokio")]
    if tokio::has_many_threads() {
        return HowHeld::Blocked;
    }
    HowHeld::Not
}

/// Whether the calling thread is the only one of its runtime: to put it to sleep lets none of its tasks go on.
pub(super) fn is_all_of_a_runtime() -> bool {
    #[cfg(feature = "tokio")]
    return tokio::is_the_only_thread();
    #[cfg(not(feature = "tokio"))]
    false
}

/// What the runtime calls the task.
pub(super) fn task_name() -> Option<String> {
    #[cfg(feature = "tokio")]
    return tokio::task_name();
    #[cfg(not(feature = "tokio"))]
    None
}
