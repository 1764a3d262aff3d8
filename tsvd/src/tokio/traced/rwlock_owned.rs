use std::sync::Arc;

use super::owned::Owned;
use super::{RwLock, guard};

/// [`tokio::sync::OwnedRwLockReadGuard`](::tokio::sync::OwnedRwLockReadGuard) of an [`RwLock`].
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T>(pub(super) Owned<RwLock<T>, *const U>);

/// [`tokio::sync::OwnedRwLockWriteGuard`](::tokio::sync::OwnedRwLockWriteGuard) of an [`RwLock`].
pub struct OwnedRwLockWriteGuard<T: ?Sized>(pub(super) Owned<RwLock<T>, *mut T>);

/// [`tokio::sync::OwnedRwLockMappedWriteGuard`](::tokio::sync::OwnedRwLockMappedWriteGuard) of an [`RwLock`].
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T>(Owned<RwLock<T>, *mut U>);

guard!([T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U>, U);
guard!(mut [T: ?Sized] OwnedRwLockWriteGuard<T>, T);
guard!(mut [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U>, U);

// Each as tokio's.
// SAFETY: it lends `&U`, and has a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: it lends `&U`, and has a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockReadGuard<T, U> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync> Send for OwnedRwLockWriteGuard<T> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedRwLockWriteGuard<T> {}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Send
    for OwnedRwLockMappedWriteGuard<T, U>
{
}
// SAFETY: it has the value alone, and a handle of the lock, of which it may be the last.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync
    for OwnedRwLockMappedWriteGuard<T, U>
{
}

// Nothing is pinned in them; tokio's have it from their value.
impl<T: ?Sized + Unpin, U: ?Sized> Unpin for OwnedRwLockReadGuard<T, U> {}
impl<T: ?Sized + Unpin> Unpin for OwnedRwLockWriteGuard<T> {}
impl<T: ?Sized + Unpin, U: ?Sized> Unpin for OwnedRwLockMappedWriteGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// [`tokio::sync::OwnedRwLockReadGuard::map`](::tokio::sync::OwnedRwLockReadGuard::map).
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        OwnedRwLockReadGuard(this.0.map(f))
    }

    /// [`tokio::sync::OwnedRwLockReadGuard::try_map`](::tokio::sync::OwnedRwLockReadGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        this.0.try_map(f).map(OwnedRwLockReadGuard).map_err(Self)
    }

    /// [`tokio::sync::OwnedRwLockReadGuard::rwlock`](::tokio::sync::OwnedRwLockReadGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.0.lock()
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// [`tokio::sync::OwnedRwLockWriteGuard::map`](::tokio::sync::OwnedRwLockWriteGuard::map).
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedRwLockMappedWriteGuard(this.0.map(f))
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::try_map`](::tokio::sync::OwnedRwLockWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        this.0
            .try_map(f)
            .map(OwnedRwLockMappedWriteGuard)
            .map_err(Self)
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::downgrade_map`](::tokio::sync::OwnedRwLockWriteGuard::downgrade_map).
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        OwnedRwLockReadGuard(this.0.downgrade_map(f))
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::try_downgrade_map`](::tokio::sync::OwnedRwLockWriteGuard::try_downgrade_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        this.0
            .try_downgrade_map(f)
            .map(OwnedRwLockReadGuard)
            .map_err(Self)
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::into_mapped`](::tokio::sync::OwnedRwLockWriteGuard::into_mapped).
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        OwnedRwLockMappedWriteGuard(this.0)
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::downgrade`](::tokio::sync::OwnedRwLockWriteGuard::downgrade).
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard(self.0.downgrade())
    }

    /// [`tokio::sync::OwnedRwLockWriteGuard::rwlock`](::tokio::sync::OwnedRwLockWriteGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.0.lock()
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// [`tokio::sync::OwnedRwLockMappedWriteGuard::map`](::tokio::sync::OwnedRwLockMappedWriteGuard::map).
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        OwnedRwLockMappedWriteGuard(this.0.map(f))
    }

    /// [`tokio::sync::OwnedRwLockMappedWriteGuard::try_map`](::tokio::sync::OwnedRwLockMappedWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        this.0
            .try_map(f)
            .map(OwnedRwLockMappedWriteGuard)
            .map_err(Self)
    }

    /// [`tokio::sync::OwnedRwLockMappedWriteGuard::rwlock`](::tokio::sync::OwnedRwLockMappedWriteGuard::rwlock).
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.0.lock()
    }
}
