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
///
/// And whether that may be remembered: while the stack is not known yet it counts as raced.
pub(super) fn how_to_hold_what_is_ready() -> (HowHeld, bool) {
    let raced = race::may_be_raced(&race::stack());
    if raced == Some(false) {
        return (HowHeld::Suspended, false);
    }
    let is_known = raced.is_some();
    #[cfg(feature = "tokio")]
    if tokio::has_many_threads() {
        return (HowHeld::Blocked, is_known);
    }
    (HowHeld::Not, is_known)
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

#[cfg(all(test, target_os = "linux", debug_assertions))]
mod tests {
    use super::*;

    /// Nothing is inlined in this build, so names say enough.
    #[test]
    fn what_a_runtime_polls_is_known_at_once() {
        assert_eq!(how_to_hold_what_is_ready(), (HowHeld::Not, true), "by hand");
        let runtime = ::tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let polled = runtime.block_on(async { how_to_hold_what_is_ready() });
        assert_eq!(polled, (HowHeld::Suspended, false));
        let raced = runtime.block_on(std::future::poll_fn(|_| {
            std::task::Poll::Ready(how_to_hold_what_is_ready())
        }));
        assert_eq!(raced, (HowHeld::Not, true));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn a_thread_sleeps_for_what_is_raced_if_another_polls_meanwhile() {
        for (workers, how) in [(1, HowHeld::Not), (2, HowHeld::Blocked)] {
            let runtime = ::tokio::runtime::Builder::new_multi_thread()
                .worker_threads(workers)
                .build()
                .unwrap();
            let raced =
                std::future::poll_fn(|_| std::task::Poll::Ready(how_to_hold_what_is_ready()));
            let held = runtime.block_on(runtime.spawn(raced)).unwrap();
            assert_eq!(held, (how, true), "{workers} workers");
        }
    }
}
