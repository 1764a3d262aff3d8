use std::fmt;
use std::panic::Location;
use std::sync::{LockResult, WaitTimeoutResult};
use std::time::Duration;

use super::{MutexGuard, map};
use crate::section::coming;

const CONTRACT: &str = "tsvd::sync::Condvar";

/// [`std::sync::Condvar`] for a [`Mutex`](super::Mutex) whose critical sections are accesses: who waits lets others have it
/// meanwhile, and comes back with one of its own.
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
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard {
            releasing,
            inner,
            section,
            mutex,
        } = guard;
        section.waits(|| mutex.object());
        drop(releasing);
        let waited = self.0.wait(inner);
        let releasing = mutex.releasing();
        let section = coming!(at_once CONTRACT, Update "wait", mutex).enter();
        map(waited, |inner| MutexGuard {
            releasing,
            inner,
            section: section.exclusive(),
            mutex,
        })
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
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        // That it is lent mutably is no write: conditions look.
        loop {
            guard.section.looks();
            if !condition(&mut guard.inner) {
                return Ok(guard);
            }
            guard = self.wait(guard)?;
        }
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
    #[track_caller]
    #[expect(clippy::result_large_err, reason = "std's signature")]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let MutexGuard {
            releasing,
            inner,
            section,
            mutex,
        } = guard;
        section.waits(|| mutex.object());
        drop(releasing);
        let waited = self.0.wait_timeout(inner, timeout);
        let releasing = mutex.releasing();
        let section = coming!(at_once CONTRACT, Update "wait_timeout", mutex).enter();
        map(waited, |(inner, outcome)| {
            let guard = MutexGuard {
                releasing,
                inner,
                section: section.exclusive(),
                mutex,
            };
            (guard, outcome)
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
    #[track_caller]
    #[expect(clippy::result_large_err, reason = "std's signature")]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let MutexGuard {
            releasing,
            inner,
            section,
            mutex,
        } = guard;
        let site = Location::caller();
        let again = || {
            let coming = coming!(at_once from site, CONTRACT, Update "wait_timeout_while", mutex);
            (mutex.releasing(), coming.enter().exclusive())
        };
        let mut owner = Some((releasing, section));
        // std's own loop, for nobody else makes its outcome: it asks with the mutex locked, before it waits.
        let condition = |value: &mut T| {
            owner.get_or_insert_with(again).1.looks();
            let waits = condition(value);
            if waits && let Some((_releasing, section)) = owner.take() {
                section.waits(|| mutex.object());
            }
            waits
        };
        let waited = self.0.wait_timeout_while(inner, timeout, condition);
        let (releasing, section) = owner.unwrap_or_else(again);
        map(waited, |(inner, outcome)| {
            let guard = MutexGuard {
                releasing,
                inner,
                section,
                mutex,
            };
            (guard, outcome)
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
