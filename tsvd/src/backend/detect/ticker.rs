//! A thread that advances the engine's coarse clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{ENGINE, NOW, threads};
use crate::engine::TICK_NS;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Threads of our own that run.
pub(super) fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// Begins a thread of our own, which gets no signal and watches nothing, for as long as `body` runs.
pub(super) fn begin(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    THREADS.fetch_add(1, Ordering::Relaxed);
    let begun = signals::blocked(|| {
        std::thread::Builder::new().name(name.to_owned()).spawn(|| {
            threads::unwatched(body);
            THREADS.fetch_sub(1, Ordering::Relaxed);
        })
    });
    if begun.is_err() {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
    begun.map(drop)
}

/// What is to be said if there can be no such thread.
pub(super) fn start() -> Option<String> {
    let started = begin("tsvd ticker", || {
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

#[cfg(unix)]
mod signals {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Runs `body` with all signals blocked: a thread that it begins never gets one of the guest's.
    pub(super) fn blocked<R>(body: impl FnOnce() -> R) -> R {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: `sigfillset` fills `all`, `pthread_sigmask` reads it and fills `before` unless it fails.
        let blocked = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
        };
        let result = body();
        if blocked == 0 {
            // SAFETY: `before` was filled by the call above, which did not fail.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
        }
        result
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) fn blocked<R>(body: impl FnOnce() -> R) -> R {
        body()
    }
}
