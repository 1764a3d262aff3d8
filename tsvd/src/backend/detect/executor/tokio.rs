//! tokio's runtimes.

use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Whether the current runtime's clock is not the system's: paused, or moved while it was. It goes on by itself to the next timer
/// whenever no task can, so that a task that is held by a timer of ours would lose time.
pub(super) fn has_clock_of_its_own() -> bool {
    let before = Instant::now();
    let clock = tokio::time::Instant::now().into_std();
    let after = Instant::now();
    !(before..=after).contains(&clock)
}

/// Whether others poll the current runtime's tasks while the calling thread sleeps. (`flavor = "multi_thread"` of a test has one worker.)
pub(super) fn has_many_threads() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.metrics().num_workers() > 1)
}

/// Whether the calling thread runs a runtime of one thread. Its blocking tasks are on threads with tokio's name, which it gives to
/// no others of such a runtime.
pub(super) fn is_the_only_thread() -> bool {
    let is_tokios = || {
        let thread = std::thread::current();
        thread
            .name()
            .is_some_and(|name| name.starts_with("tokio-r"))
    };
    Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread)
        && !is_tokios()
}

pub(super) fn task_name() -> Option<String> {
    tokio::task::try_id().map(|id| id.to_string())
}
