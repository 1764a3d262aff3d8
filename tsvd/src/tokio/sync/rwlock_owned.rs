use std::sync::Arc;

use tokio::sync as tokio;

use super::{RwLock, guard};
use crate::section::Held;

/// [`tokio::sync::OwnedRwLockReadGuard`](::tokio::sync::OwnedRwLockReadGuard) of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    // Above the guard: the access ends before the lock is given back.
    section: Held,
    inner: tokio::OwnedRwLockReadGuard<T, U>,
    lock: Arc<RwLock<T>>,
}

/// [`tokio::sync::OwnedRwLockWriteGuard`](::tokio::sync::OwnedRwLockWriteGuard) of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    section: Held,
    inner: tokio::OwnedRwLockWriteGuard<T>,
    lock: Arc<RwLock<T>>,
}

/// [`tokio::sync::OwnedRwLockMappedWriteGuard`](::tokio::sync::OwnedRwLockMappedWriteGuard) of an [`RwLock`].
#[must_use = "if unused the lock is released at once"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    section: Held,
    inner: tokio::OwnedRwLockMappedWriteGuard<T, U>,
    lock: Arc<RwLock<T>>,
}

guard!([T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U>, U);
guard!(mut [T: ?Sized] OwnedRwLockWriteGuard<T>, T);
guard!(mut [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U>, U);

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    #[inline]
    pub(super) fn new(
        section: Held,
        inner: tokio::OwnedRwLockReadGuard<T>,
        lock: Arc<RwLock<T>>,
    ) -> Self {
        Self {
            section,
            inner,
            lock,
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// As tokio's `map`.
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        OwnedRwLockReadGuard {
            section: this.section,
            inner: tokio::OwnedRwLockReadGuard::map(this.inner, f),
            lock: this.lock,
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        let Self {
            section,
            inner,
            lock,
        } = this;
        match tokio::OwnedRwLockReadGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockReadGuard {
                section,
                inner,
                lock,
            }),
            Err(inner) => Err(Self {
                section,
                inner,
                lock,
            }),
        }
    }

    /// The lock that is held.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    #[inline]
    pub(super) fn new(
        section: Held,
        inner: tokio::OwnedRwLockWriteGuard<T>,
        lock: Arc<RwLock<T>>,
    ) -> Self {
        Self {
            section,
            inner,
            lock,
        }
    }

    /// As tokio's `map`.
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedRwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::OwnedRwLockWriteGuard::map(this.inner, f),
            lock: this.lock,
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self {
            section,
            inner,
            lock,
        } = this;
        match tokio::OwnedRwLockWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard {
                section,
                inner,
                lock,
            }),
            Err(inner) => Err(Self {
                section,
                inner,
                lock,
            }),
        }
    }

    /// As tokio's `downgrade_map`.
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        OwnedRwLockReadGuard {
            section: this.section,
            inner: tokio::OwnedRwLockWriteGuard::downgrade_map(this.inner, f),
            lock: this.lock,
        }
    }

    /// As tokio's `try_downgrade_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let Self {
            section,
            inner,
            lock,
        } = this;
        match tokio::OwnedRwLockWriteGuard::try_downgrade_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockReadGuard {
                section,
                inner,
                lock,
            }),
            Err(inner) => Err(Self {
                section,
                inner,
                lock,
            }),
        }
    }

    /// As tokio's `downgrade`: the access goes on.
    #[inline]
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard {
            section: self.section,
            inner: self.inner.downgrade(),
            lock: self.lock,
        }
    }

    /// As tokio's `into_mapped`.
    #[inline]
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        OwnedRwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::OwnedRwLockWriteGuard::into_mapped(this.inner),
            lock: this.lock,
        }
    }

    /// The lock that is held.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// As tokio's `map`.
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        OwnedRwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::OwnedRwLockMappedWriteGuard::map(this.inner, f),
            lock: this.lock,
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        let Self {
            section,
            inner,
            lock,
        } = this;
        match tokio::OwnedRwLockMappedWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard {
                section,
                inner,
                lock,
            }),
            Err(inner) => Err(Self {
                section,
                inner,
                lock,
            }),
        }
    }

    /// The lock that is held.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}
