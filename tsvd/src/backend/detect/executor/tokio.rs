//! tokio's runtimes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::backend::detect::threads;
use crate::engine::alarm::Alarm;

/// How often a blocking task looks whether its alarm is still wanted: a runtime that is dropped waits for it.
const LOOK: Duration = Duration::from_millis(1);

/// Stops a paused clock of the current runtime's, if there is one, until `alarm` is over or rings at `deadline`.
pub(super) fn stop_clock(alarm: &Arc<Alarm>, deadline: Instant) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    let alarm = Arc::clone(alarm);
    let wait = move || threads::unwatched(|| wait(&alarm, deadline));
    // It panics where no thread can be begun.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(wait))));
}

fn wait(alarm: &Alarm, deadline: Instant) {
    while !alarm.is_off() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Here too, so that the task is woken before the clock goes on.
            alarm.ring();
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "this is the delay")]
        std::thread::sleep(left.min(LOOK));
    }
}

fn flavor() -> Option<RuntimeFlavor> {
    Some(Handle::try_current().ok()?.runtime_flavor())
}

pub(super) fn has_many_threads() -> bool {
    flavor().is_some_and(|flavor| flavor == RuntimeFlavor::MultiThread)
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
    flavor().is_some_and(|flavor| flavor == RuntimeFlavor::CurrentThread) && !is_tokios()
}

pub(super) fn task_name() -> Option<String> {
    tokio::task::try_id().map(|id| id.to_string())
}
