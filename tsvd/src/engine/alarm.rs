//! Waking a task that is held.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::defect::{Defect, planted};
use super::primitive::{AtomicBool, Mutex, Ordering};

/// What wakes one held task, at the end of its delay or before. The waker is the guest's code: it is cloned, dropped and
/// called under no lock of ours, and where it panics that is its executor's trouble, and would be ours here.
#[derive(Debug)]
pub(crate) struct Alarm {
    waker: Mutex<Option<Waker>>,
    is_over: AtomicBool,
}

impl Alarm {
    /// `None` if the waker cannot be cloned.
    pub(super) fn new(waker: &Waker) -> Option<Self> {
        Some(Self {
            waker: Mutex::new(Some(guarded(|| waker.clone())?)),
            is_over: AtomicBool::new(false),
        })
    }

    /// The task is polled by somebody else, or has been woken and has to wait on. False if it cannot be woken.
    pub(super) fn set(&self, waker: &Waker) -> bool {
        let known = |known: &Waker| known.will_wake(waker);
        if self.waker.lock().as_ref().is_some_and(known) || planted(Defect::AlarmKeepsWaker) {
            return true;
        }
        let Some(waker) = guarded(|| waker.clone()) else {
            return false;
        };
        let before = self.waker.lock().replace(waker);
        guarded(|| drop(before));
        true
    }

    /// Wakes the task, once until the next [`set`](Self::set).
    pub(crate) fn ring(&self) {
        let waker = self.waker.lock().take();
        guarded(|| waker.map(Waker::wake));
    }

    /// The task waits no more.
    pub(super) fn off(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        let waker = self.waker.lock().take();
        guarded(|| drop(waker));
    }

    /// Whether nobody waits for it any more. (One that has rung is waited for again when the task is polled too early.)
    #[cfg(not(loom))]
    pub(crate) fn is_off(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.off();
    }
}

fn guarded<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).ok()
}
