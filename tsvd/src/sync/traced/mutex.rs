use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockResult};

use super::{Releasing, address, map, try_map};
use crate::backend::synchronised::acquired;
use crate::contract::Object;
use crate::section::{Call, Held, Identity, coming};

const CONTRACT: &str = "tsvd::sync::Mutex";

/// [`std::sync::Mutex`] whose critical sections are [accesses](crate::sync#accesses) of its value, and which tells of its owners.
#[derive(Default)]
pub struct Mutex<T: ?Sized> {
    pub(super) identity: Identity,
    pub(super) inner: std::sync::Mutex<T>,
}

/// [`std::sync::MutexGuard`] of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(super) releasing: Releasing,
    pub(super) inner: std::sync::MutexGuard<'a, T>,
    pub(super) section: Held,
    pub(super) mutex: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// [`std::sync::Mutex::new`].
    #[inline]
    pub const fn new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: std::sync::Mutex::new(value),
        }
    }

    /// [`std::sync::Mutex::into_inner`].
    ///
    /// # Errors
    ///
    /// With the value, if the mutex is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// [`std::sync::Mutex::lock`].
    ///
    /// # Errors
    ///
    /// With the guard, if the mutex is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Mutex::lock`] may.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let section = coming!(CONTRACT, Update "lock", self).enter();
        map(self.inner.lock(), |inner| self.guard(section, inner))
    }

    /// [`std::sync::Mutex::try_lock`].
    ///
    /// # Errors
    ///
    /// If the mutex is locked; with the guard, if it is poisoned.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let section = coming!(at_once CONTRACT, Update "try_lock", self).enter();
        try_map(self.inner.try_lock(), |inner| self.guard(section, inner))
    }

    #[inline]
    fn guard<'a>(
        &'a self,
        section: Call,
        inner: std::sync::MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        MutexGuard {
            releasing: self.releasing(),
            inner,
            section: section.exclusive(),
            mutex: self,
        }
    }

    pub(super) fn object(&self) -> Object {
        Object::of_identity(self, &self.identity)
    }

    /// Of a mutex that is held.
    #[inline]
    pub(super) fn releasing(&self) -> Releasing {
        acquired(address(self));
        Releasing(address(self))
    }

    /// [`std::sync::Mutex::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// [`std::sync::Mutex::clear_poison`].
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// [`std::sync::Mutex::get_mut`].
    ///
    /// # Errors
    ///
    /// With the value, if the mutex is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

guard!(mut MutexGuard);

// SAFETY: as std's guard, of which `&` lends `&T` only. What the reference to the mutex would forbid, nobody does with it.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}
