use std::sync::Arc;

use tokio::sync as tokio;

use super::lent::Lent;
use super::owned::Owned;
use super::{Mutex, guard};

/// [`tokio::sync::MutexGuard`](::tokio::sync::MutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct MutexGuard<'a, T: ?Sized>(
    pub(super) Lent<tokio::MutexGuard<'a, T>>,
    pub(super) &'a Mutex<T>,
);

/// [`tokio::sync::MappedMutexGuard`](::tokio::sync::MappedMutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct MappedMutexGuard<'a, T: ?Sized>(Lent<tokio::MappedMutexGuard<'a, T>>);

/// [`tokio::sync::OwnedMutexGuard`](::tokio::sync::OwnedMutexGuard) of a [`Mutex`].
pub struct OwnedMutexGuard<T: ?Sized>(pub(super) Owned<Mutex<T>, *mut T>);

/// [`tokio::sync::OwnedMappedMutexGuard`](::tokio::sync::OwnedMappedMutexGuard) of a [`Mutex`].
#[must_use = "if unused the mutex is unlocked at once"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T>(Owned<Mutex<T>, *mut U>);

guard!(mut ['a, T: ?Sized] MutexGuard<'a, T>, T);
guard!(mut ['a, T: ?Sized] MappedMutexGuard<'a, T>, T);
guard!(mut [T: ?Sized] OwnedMutexGuard<T>, T);
guard!(mut [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U>, U);

// Each as tokio's.
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send> Send for OwnedMutexGuard<T> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedMutexGuard<T> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// [`tokio::sync::MutexGuard::map`](::tokio::sync::MutexGuard::map).
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard(this.0.map(|inner| tokio::MutexGuard::map(inner, f)))
    }

    /// [`tokio::sync::MutexGuard::try_map`](::tokio::sync::MutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let Self(lent, mutex) = this;
        lent.try_map(|inner| tokio::MutexGuard::try_map(inner, f))
            .map(MappedMutexGuard)
            .map_err(|lent| Self(lent, mutex))
    }

    /// [`tokio::sync::MutexGuard::mutex`](::tokio::sync::MutexGuard::mutex).
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.1
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// [`tokio::sync::MappedMutexGuard::map`](::tokio::sync::MappedMutexGuard::map).
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard(this.0.map(|inner| tokio::MappedMutexGuard::map(inner, f)))
    }

    /// [`tokio::sync::MappedMutexGuard::try_map`](::tokio::sync::MappedMutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        this.0
            .try_map(|inner| tokio::MappedMutexGuard::try_map(inner, f))
            .map(MappedMutexGuard)
            .map_err(Self)
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// [`tokio::sync::OwnedMutexGuard::map`](::tokio::sync::OwnedMutexGuard::map).
    pub fn map<U, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedMappedMutexGuard(this.0.map(f))
    }

    /// [`tokio::sync::OwnedMutexGuard::try_map`](::tokio::sync::OwnedMutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        this.0.try_map(f).map(OwnedMappedMutexGuard).map_err(Self)
    }

    /// [`tokio::sync::OwnedMutexGuard::mutex`](::tokio::sync::OwnedMutexGuard::mutex).
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        this.0.lock()
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// [`tokio::sync::OwnedMappedMutexGuard::map`](::tokio::sync::OwnedMappedMutexGuard::map).
    pub fn map<S, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        OwnedMappedMutexGuard(this.0.map(f))
    }

    /// [`tokio::sync::OwnedMappedMutexGuard::try_map`](::tokio::sync::OwnedMappedMutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<S, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        this.0.try_map(f).map(OwnedMappedMutexGuard).map_err(Self)
    }
}
