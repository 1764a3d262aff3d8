//! Waking a task that is held.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::primitive::lossy::Mutex;

/// What wakes one held task, at the end of its delay or before. The waker is the guest's code: it is cloned, dropped and
/// called under no lock of ours.
#[derive(Debug)]
pub(crate) struct Alarm {
    waker: Mutex<Option<Waker>>,
}

impl Alarm {
    pub(super) fn new(waker: &Waker) -> Self {
        Self {
            waker: Mutex::new(Some(waker.clone())),
        }
    }

    /// The task is polled by somebody else, or has been woken and has to wait on.
    pub(super) fn set(&self, waker: &Waker) {
        let known = |known: &Waker| known.will_wake(waker);
        if !self.waker.lock().as_ref().is_some_and(known) {
            let before = self.waker.lock().replace(waker.clone());
            drop(before);
        }
    }

    /// Wakes the task, once until the next [`set`](Self::set).
    pub(crate) fn ring(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            // A waker that panics is its executor's trouble, and would be ours here.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// The task waits no more.
    pub(super) fn off(&self) {
        let waker = self.waker.lock().take();
        drop(waker);
    }

    /// Whether nobody waits for it.
    #[cfg(not(loom))]
    pub(crate) fn is_off(&self) -> bool {
        self.waker.lock().is_none()
    }
}
