//! A thread that advances the engine's coarse clock.

use std::time::Duration;

use super::{ENGINE, NOW};
use crate::engine::TICK_NS;

/// Threads of our own.
pub(super) const THREADS: usize = 1;

/// What is to be said if there can be no such thread.
pub(super) fn start() -> Option<String> {
    let started = std::thread::Builder::new()
        .name("tsvd ticker".to_owned())
        .spawn(|| {
            while !NOW.is_off() {
                #[expect(clippy::disallowed_methods, reason = "the one sleep that is a clock")]
                std::thread::sleep(Duration::from_nanos(TICK_NS));
                ENGINE.tick();
            }
        });
    let error = started.err()?;
    Some(format!(
        "tsvd: cannot start a thread for the clock ({error}): near misses may be overlooked."
    ))
}
