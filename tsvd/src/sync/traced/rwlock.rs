use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockResult};

use super::{Releasing, address, map, try_map};
use crate::backend::synchronised::acquired;

/// [`std::sync::RwLock`] that tells of its owners. Who reads comes after who wrote, and who writes after both: readers are not
/// ordered among themselves.
//
// So there are two places: writers release at the lock's address, readers at the next.
#[derive(Default)]
#[repr(transparent)]
pub struct RwLock<T: ?Sized>(std::sync::RwLock<T>);

/// [`std::sync::RwLockReadGuard`] of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    #[expect(dead_code, reason = "for its drop")]
    releasing: Releasing,
    inner: std::sync::RwLockReadGuard<'a, T>,
}

/// [`std::sync::RwLockWriteGuard`] of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    #[expect(dead_code, reason = "for its drop")]
    releasing: Releasing,
    inner: std::sync::RwLockWriteGuard<'a, T>,
}

impl<T> RwLock<T> {
    /// [`std::sync::RwLock::new`].
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(std::sync::RwLock::new(value))
    }

    /// [`std::sync::RwLock::into_inner`].
    ///
    /// # Errors
    ///
    /// With the value, if the lock is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
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
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        map(self.0.read(), |inner| self.reader(inner))
    }

    /// [`std::sync::RwLock::try_read`].
    ///
    /// # Errors
    ///
    /// If the lock is taken; with the guard, if it is poisoned.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        try_map(self.0.try_read(), |inner| self.reader(inner))
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
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        map(self.0.write(), |inner| self.writer(inner))
    }

    /// [`std::sync::RwLock::try_write`].
    ///
    /// # Errors
    ///
    /// If the lock is taken; with the guard, if it is poisoned.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        try_map(self.0.try_write(), |inner| self.writer(inner))
    }

    #[inline]
    fn reader<'a>(&self, inner: std::sync::RwLockReadGuard<'a, T>) -> RwLockReadGuard<'a, T> {
        acquired(address(self));
        RwLockReadGuard {
            releasing: Releasing(address(self) + 1),
            inner,
        }
    }

    #[inline]
    fn writer<'a>(&self, inner: std::sync::RwLockWriteGuard<'a, T>) -> RwLockWriteGuard<'a, T> {
        acquired(address(self));
        acquired(address(self) + 1);
        RwLockWriteGuard {
            releasing: Releasing(address(self)),
            inner,
        }
    }

    /// [`std::sync::RwLock::is_poisoned`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// [`std::sync::RwLock::clear_poison`].
    #[inline]
    pub fn clear_poison(&self) {
        self.0.clear_poison();
    }

    /// [`std::sync::RwLock::get_mut`].
    ///
    /// # Errors
    ///
    /// With the value, if the lock is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! guard {
    ($name:ident) => {
        impl<T: ?Sized> Deref for $name<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.inner
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

guard!(RwLockReadGuard);
guard!(RwLockWriteGuard);

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}
