use std::fmt;
use std::sync::{LockResult, WaitTimeoutResult};
use std::time::Duration;

use super::{MutexGuard, map};
use crate::backend::synchronised::{acquired, released};

/// [`std::sync::Condvar`] for a [`Mutex`](super::Mutex) that tells of its owners: who waits lets others have it meanwhile.
//
// That a notification comes before its wake-up needs no telling, for the mutex orders what they are about.
#[derive(Default)]
#[repr(transparent)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// [`std::sync::Condvar::new`].
    #[inline]
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// [`std::sync::Condvar::wait`].
    ///
    /// # Errors
    ///
    /// With the guard, if the mutex is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Condvar::wait`] may.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { releasing, inner } = guard;
        released(releasing.0);
        let waited = self.0.wait(inner);
        acquired(releasing.0);
        map(waited, |inner| MutexGuard { releasing, inner })
    }

    /// [`std::sync::Condvar::wait_while`].
    ///
    /// # Errors
    ///
    /// With the guard, if the mutex is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Condvar::wait`] may.
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// [`std::sync::Condvar::wait_timeout`].
    ///
    /// # Errors
    ///
    /// With guard and outcome, if the mutex is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Condvar::wait`] may.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let MutexGuard { releasing, inner } = guard;
        released(releasing.0);
        let waited = self.0.wait_timeout(inner, timeout);
        acquired(releasing.0);
        map(waited, |(inner, outcome)| {
            (MutexGuard { releasing, inner }, outcome)
        })
    }

    /// [`std::sync::Condvar::wait_timeout_while`].
    ///
    /// # Errors
    ///
    /// With guard and outcome, if the mutex is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Condvar::wait`] may.
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let MutexGuard { releasing, inner } = guard;
        // std's own loop, for nobody else makes its outcome: it asks with the mutex locked, before it waits.
        let condition = |value: &mut T| {
            acquired(releasing.0);
            let waits = condition(value);
            released(releasing.0);
            waits
        };
        let waited = self.0.wait_timeout_while(inner, timeout, condition);
        acquired(releasing.0);
        map(waited, |(inner, outcome)| {
            (MutexGuard { releasing, inner }, outcome)
        })
    }

    /// [`std::sync::Condvar::notify_one`].
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// [`std::sync::Condvar::notify_all`].
    #[inline]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
