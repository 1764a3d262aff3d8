use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockResult};

use super::{Releasing, address, map, try_map};
use crate::backend::synchronised::acquired;
use crate::section::{Call, Held, Identity, coming};

const CONTRACT: &str = "tsvd::sync::RwLock";

/// [`std::sync::RwLock`] whose critical sections are [accesses](crate::sync#accesses) of its value, and which tells of its owners. Who reads comes after who wrote, and who writes after both: readers are not
/// ordered among themselves.
//
// So there are two places: writers release at the lock's address, readers at the next.
#[derive(Default)]
pub struct RwLock<T: ?Sized> {
    pub(super) identity: Identity,
    pub(super) inner: std::sync::RwLock<T>,
}

/// [`std::sync::RwLockReadGuard`] of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    _releasing: Releasing,
    inner: std::sync::RwLockReadGuard<'a, T>,
    section: Held,
}

/// [`std::sync::RwLockWriteGuard`] of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    _releasing: Releasing,
    inner: std::sync::RwLockWriteGuard<'a, T>,
    section: Held,
}

impl<T> RwLock<T> {
    /// [`std::sync::RwLock::new`].
    #[inline]
    pub const fn new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: std::sync::RwLock::new(value),
        }
    }

    /// [`std::sync::RwLock::into_inner`].
    ///
    /// # Errors
    ///
    /// With the value, if the lock is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// [`std::sync::RwLock::read`].
    ///
    /// # Errors
    ///
    /// With the guard, if the lock is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::RwLock::read`] may.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let section = coming!(CONTRACT, Read "read", self).enter();
        map(self.inner.read(), |inner| self.reader(section, inner))
    }

    /// [`std::sync::RwLock::try_read`].
    ///
    /// # Errors
    ///
    /// If the lock is taken; with the guard, if it is poisoned.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let section = coming!(at_once CONTRACT, Read "try_read", self).enter();
        try_map(self.inner.try_read(), |inner| self.reader(section, inner))
    }

    /// [`std::sync::RwLock::write`].
    ///
    /// # Errors
    ///
    /// With the guard, if the lock is poisoned.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::RwLock::write`] may.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let section = coming!(CONTRACT, Update "write", self).enter();
        map(self.inner.write(), |inner| self.writer(section, inner))
    }

    /// [`std::sync::RwLock::try_write`].
    ///
    /// # Errors
    ///
    /// If the lock is taken; with the guard, if it is poisoned.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let section = coming!(at_once CONTRACT, Update "try_write", self).enter();
        try_map(self.inner.try_write(), |inner| self.writer(section, inner))
    }

    #[inline]
    fn reader<'a>(
        &self,
        section: Call,
        inner: std::sync::RwLockReadGuard<'a, T>,
    ) -> RwLockReadGuard<'a, T> {
        acquired(address(self));
        RwLockReadGuard {
            _releasing: Releasing(address(self) + 1),
            inner,
            section: section.shared(),
        }
    }

    #[inline]
    fn writer<'a>(
        &self,
        section: Call,
        inner: std::sync::RwLockWriteGuard<'a, T>,
    ) -> RwLockWriteGuard<'a, T> {
        acquired(address(self));
        acquired(address(self) + 1);
        RwLockWriteGuard {
            _releasing: Releasing(address(self)),
            inner,
            section: section.exclusive(),
        }
    }

    /// [`std::sync::RwLock::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// [`std::sync::RwLock::clear_poison`].
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// [`std::sync::RwLock::get_mut`].
    ///
    /// # Errors
    ///
    /// With the value, if the lock is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

guard!(RwLockReadGuard);
guard!(mut RwLockWriteGuard);
