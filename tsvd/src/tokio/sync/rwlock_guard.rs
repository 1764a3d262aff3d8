use tokio::sync as tokio;

use super::guard;
use crate::section::Held;

/// [`tokio::sync::RwLockReadGuard`](::tokio::sync::RwLockReadGuard) of an [`RwLock`](super::RwLock).
#[must_use = "if unused the lock is released at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    // Above the guard: the access ends before the lock is given back.
    section: Held,
    inner: tokio::RwLockReadGuard<'a, T>,
}

/// [`tokio::sync::RwLockWriteGuard`](::tokio::sync::RwLockWriteGuard) of an [`RwLock`](super::RwLock).
#[must_use = "if unused the lock is released at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    section: Held,
    inner: tokio::RwLockWriteGuard<'a, T>,
}

/// [`tokio::sync::RwLockMappedWriteGuard`](::tokio::sync::RwLockMappedWriteGuard) of an [`RwLock`](super::RwLock).
#[must_use = "if unused the lock is released at once"]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    section: Held,
    inner: tokio::RwLockMappedWriteGuard<'a, T>,
}

guard!(['a, T: ?Sized] RwLockReadGuard<'a, T>, T);
guard!(mut ['a, T: ?Sized] RwLockWriteGuard<'a, T>, T);
guard!(mut ['a, T: ?Sized] RwLockMappedWriteGuard<'a, T>, T);

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    #[inline]
    pub(super) fn new(section: Held, inner: tokio::RwLockReadGuard<'a, T>) -> Self {
        Self { section, inner }
    }

    /// As tokio's `map`.
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard {
            section: this.section,
            inner: tokio::RwLockReadGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let Self { section, inner } = this;
        match tokio::RwLockReadGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockReadGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    #[inline]
    pub(super) fn new(section: Held, inner: tokio::RwLockWriteGuard<'a, T>) -> Self {
        Self { section, inner }
    }

    /// As tokio's `map`.
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::RwLockWriteGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self { section, inner } = this;
        match tokio::RwLockWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }

    /// As tokio's `downgrade_map`.
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard {
            section: this.section,
            inner: tokio::RwLockWriteGuard::downgrade_map(this.inner, f),
        }
    }

    /// As tokio's `try_downgrade_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let Self { section, inner } = this;
        match tokio::RwLockWriteGuard::try_downgrade_map(inner, f) {
            Ok(inner) => Ok(RwLockReadGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }

    /// As tokio's `downgrade`: the access goes on.
    #[inline]
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard {
            section: self.section,
            inner: self.inner.downgrade(),
        }
    }

    /// As tokio's `into_mapped`.
    #[inline]
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::RwLockWriteGuard::into_mapped(this.inner),
        }
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// As tokio's `map`.
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RwLockMappedWriteGuard {
            section: this.section,
            inner: tokio::RwLockMappedWriteGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self { section, inner } = this;
        match tokio::RwLockMappedWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}
