//! What is known of the guest's executor: who wakes a held task, and whether it may be held at all.
//!
//! Nothing need be known: a timer of our own wakes tasks of any executor. With the feature `tokio` and within one of its runtimes
//! there is a blocking task as well, since a paused clock of tokio's stands still as long as one runs. Nobody relies on it: it may
//! never begin, where the pool is small and busy or the runtime is gone.

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
    #[cfg(feature = "tokio")]
    tokio::stop_clock(alarm, deadline);
    timer::set_alarm(alarm, deadline)
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
