use std::sync::Arc;

use tokio::sync as tokio;

use super::{Mutex, guard};
use crate::section::Held;

/// [`tokio::sync::MutexGuard`](::tokio::sync::MutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    // Above the guard: the access ends before the lock is given back.
    section: Held,
    inner: tokio::MutexGuard<'a, T>,
    mutex: &'a Mutex<T>,
}

/// [`tokio::sync::OwnedMutexGuard`](::tokio::sync::OwnedMutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct OwnedMutexGuard<T: ?Sized> {
    section: Held,
    inner: tokio::OwnedMutexGuard<T>,
    mutex: Arc<Mutex<T>>,
}

/// [`tokio::sync::MappedMutexGuard`](::tokio::sync::MappedMutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    section: Held,
    inner: tokio::MappedMutexGuard<'a, T>,
}

/// [`tokio::sync::OwnedMappedMutexGuard`](::tokio::sync::OwnedMappedMutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    section: Held,
    inner: tokio::OwnedMappedMutexGuard<T, U>,
}

guard!(mut ['a, T: ?Sized] MutexGuard<'a, T>, T);
guard!(mut [T: ?Sized] OwnedMutexGuard<T>, T);
guard!(mut ['a, T: ?Sized] MappedMutexGuard<'a, T>, T);
guard!(mut [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U>, U);

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn new(section: Held, inner: tokio::MutexGuard<'a, T>, mutex: &'a Mutex<T>) -> Self {
        Self {
            section,
            inner,
            mutex,
        }
    }

    /// The mutex that is locked.
    #[inline]
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex
    }

    /// As tokio's `map`.
    #[inline]
    pub fn map<U: ?Sized, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard {
            section: this.section,
            inner: tokio::MutexGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<U: ?Sized, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self {
            section,
            inner,
            mutex,
        } = this;
        match tokio::MutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(MappedMutexGuard { section, inner }),
            Err(inner) => Err(Self {
                section,
                inner,
                mutex,
            }),
        }
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    #[inline]
    pub(super) fn new(
        section: Held,
        inner: tokio::OwnedMutexGuard<T>,
        mutex: Arc<Mutex<T>>,
    ) -> Self {
        Self {
            section,
            inner,
            mutex,
        }
    }

    /// The mutex that is locked.
    #[inline]
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.mutex
    }

    /// As tokio's `map`.
    #[inline]
    pub fn map<U: ?Sized, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedMappedMutexGuard {
            section: this.section,
            inner: tokio::OwnedMutexGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<U: ?Sized, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self {
            section,
            inner,
            mutex,
        } = this;
        match tokio::OwnedMutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard { section, inner }),
            Err(inner) => Err(Self {
                section,
                inner,
                mutex,
            }),
        }
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// As tokio's `map`.
    #[inline]
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard {
            section: this.section,
            inner: tokio::MappedMutexGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self { section, inner } = this;
        match tokio::MappedMutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(MappedMutexGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// As tokio's `map`.
    #[inline]
    pub fn map<S, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        OwnedMappedMutexGuard {
            section: this.section,
            inner: tokio::OwnedMappedMutexGuard::map(this.inner, f),
        }
    }

    /// As tokio's `try_map`.
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    #[inline]
    pub fn try_map<S, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        let Self { section, inner } = this;
        match tokio::OwnedMappedMutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}
