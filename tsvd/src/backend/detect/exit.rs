//! The end of the process: the final report, the last line on stderr, and the status.
//!
//! A process that would have ended with status 0 ends with 66, the sanitizers' convention, so that a plain `cargo test`
//! fails. glibc's on_exit(3) tells the handler the status, and calling exit(3) again from it runs the remaining handlers
//! with the new one, so coverage profiles and buffers are written as ever. Elsewhere atexit(3) does not know the status: a
//! process with violations flushes its streams and ends with 66 whatever it was.

use std::ffi::c_int;
use std::panic::catch_unwind;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{NOW, gate, heartbeat, recorder, threads};
use crate::config::OnViolation;

/// The status of a process that found violations.
const VIOLATIONS: c_int = 66;

/// Once, before a test's `main` or when operations begin to be watched: handlers run in reverse order, so the report sees all that
/// later ones do.
pub(super) fn at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(system::register);
}

/// Writes the report and says what was found; the status to end with if it is another.
fn conclude(status: Option<c_int>) -> Option<c_int> {
    if NOW.is_off() || recorder::is_forked() {
        return None;
    }
    // Unwinding out of an exit handler would abort a process that was fine.
    if NOW.is_undecided() {
        let _ = catch_unwind(|| threads::unwatched(heartbeat::leave_if_begun));
        return None;
    }
    let outcome = catch_unwind(|| threads::unwatched(recorder::finish)).ok()??;
    let count = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        n => Some(format!("{n} {noun}s")),
    };
    let violations = count(outcome.violations, "violation");
    let denied = count(outcome.denied, "suspicion");
    let found: Vec<_> = violations.into_iter().chain(denied).collect();
    if found.is_empty() {
        return None;
    }
    let found = found.join(" and ");
    let file = outcome.file.display();
    let fails =
        gate::config().on_violation == OnViolation::Fail && status.is_none_or(|status| status == 0);
    if fails {
        recorder::say(&format!(
            "tsvd: {found}, in {file}. Exit status {VIOLATIONS}; TSVD_ON_VIOLATION=record would leave it as it is."
        ));
        return Some(VIOLATIONS);
    }
    recorder::say(&format!("tsvd: {found}, in {file}."));
    None
}

static FORKED: AtomicBool = AtomicBool::new(false);

/// Whether this process was forked by one that might watch operations.
pub(super) fn is_forked_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// After fork(2) only the forking thread is left, and locks may be held by the others for ever: the child watches nothing.
pub(super) fn forget_in_forked_children() {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            FORKED.store(true, Ordering::Relaxed);
            NOW.switch_off();
            // So that its calls evaluate no object and no key, which may take locks of threads that are not there.
            threads::detach();
        }
        static ONCE: Once = Once::new();
        // SAFETY: `child` is a function for the life of the process and only stores to an atomic.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(child));
        });
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod system {
    use std::ffi::{c_int, c_void};
    use std::ptr;

    unsafe extern "C" {
        // stdlib.h of glibc; the libc crate does not declare it.
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }

    extern "C" fn handler(status: c_int, _: *mut c_void) {
        if let Some(status) = super::conclude(Some(status)) {
            // SAFETY: exit(3) in a handler goes on with the remaining handlers (glibc manual, "Cleanups on Exit").
            unsafe { libc::exit(status) }
        }
    }

    pub(super) fn register() {
        // SAFETY: the handler is a function for the life of the process, its argument is not used.
        unsafe {
            on_exit(handler, ptr::null_mut());
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod system {
    unsafe extern "C" {
        // stdio.h
        fn fflush(stream: *mut std::ffi::c_void) -> std::ffi::c_int;
    }

    extern "C" fn handler() {
        if let Some(status) = super::conclude(None) {
            // SAFETY: flushing all streams (null) and ending at once are allowed in a handler.
            unsafe {
                fflush(std::ptr::null_mut());
                libc::_exit(status)
            }
        }
    }

    pub(super) fn register() {
        // SAFETY: the handler is a function for the life of the process.
        unsafe {
            libc::atexit(handler);
        }
    }
}
