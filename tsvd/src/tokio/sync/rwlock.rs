use std::fmt;
use std::sync::Arc;

use tokio::sync as tokio;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use crate::section::{End, coming};

const CONTRACT: &str = "tsvd::tokio::sync::RwLock";

/// [`tokio::sync::RwLock`](::tokio::sync::RwLock) whose critical sections are [accesses](super).
//
// `repr(C)`, so that `end` has the address of the whole, and `inner`, too: `end` is of size zero.
#[repr(C)]
pub struct RwLock<T: ?Sized> {
    end: End,
    inner: tokio::RwLock<T>,
}

impl<T> RwLock<T> {
    /// [`tokio::sync::RwLock::new`](::tokio::sync::RwLock::new).
    #[inline]
    pub fn new(value: T) -> Self {
        tokio::RwLock::new(value).into()
    }

    /// [`tokio::sync::RwLock::const_new`](::tokio::sync::RwLock::const_new).
    #[inline]
    pub const fn const_new(value: T) -> Self {
        Self {
            end: End,
            inner: tokio::RwLock::const_new(value),
        }
    }

    /// [`tokio::sync::RwLock::with_max_readers`](::tokio::sync::RwLock::with_max_readers).
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    #[inline]
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> Self {
        tokio::RwLock::with_max_readers(value, max_reads).into()
    }

    /// [`tokio::sync::RwLock::const_with_max_readers`](::tokio::sync::RwLock::const_with_max_readers).
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    #[inline]
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> Self {
        Self {
            end: End,
            inner: tokio::RwLock::const_with_max_readers(value, max_reads),
        }
    }

    /// [`tokio::sync::RwLock::into_inner`](::tokio::sync::RwLock::into_inner).
    #[inline]
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// The lock itself: critical sections of it are not watched.
    #[inline]
    pub fn inner(&self) -> &tokio::RwLock<T> {
        &self.inner
    }

    /// [`tokio::sync::RwLock::read`](::tokio::sync::RwLock::read).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Read "read", self);
        async move {
            let inner = self.inner.read().await;
            RwLockReadGuard::new(coming.enter().shared(), inner)
        }
    }

    /// [`tokio::sync::RwLock::blocking_read`](::tokio::sync::RwLock::blocking_read).
    ///
    /// # Panics
    ///
    /// In async code.
    #[inline]
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let coming = coming!(CONTRACT, Read "blocking_read", self);
        let inner = self.inner.blocking_read();
        RwLockReadGuard::new(coming.enter().shared(), inner)
    }

    /// [`tokio::sync::RwLock::try_read`](::tokio::sync::RwLock::try_read).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Read "try_read", self);
        let inner = self.inner.try_read()?;
        Ok(RwLockReadGuard::new(coming.enter().shared(), inner))
    }

    /// [`tokio::sync::RwLock::read_owned`](::tokio::sync::RwLock::read_owned).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let coming = coming!(at_once CONTRACT, Read "read_owned", &*self);
        async move {
            let inner = share(&self).read_owned().await;
            OwnedRwLockReadGuard::new(coming.enter().shared(), inner, self)
        }
    }

    /// [`tokio::sync::RwLock::try_read_owned`](::tokio::sync::RwLock::try_read_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Read "try_read_owned", &*self);
        let inner = share(&self).try_read_owned()?;
        let section = coming.enter().shared();
        Ok(OwnedRwLockReadGuard::new(section, inner, self))
    }

    /// [`tokio::sync::RwLock::write`](::tokio::sync::RwLock::write).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Update "write", self);
        async move {
            let inner = self.inner.write().await;
            RwLockWriteGuard::new(coming.enter().exclusive(), inner)
        }
    }

    /// [`tokio::sync::RwLock::blocking_write`](::tokio::sync::RwLock::blocking_write).
    ///
    /// # Panics
    ///
    /// In async code.
    #[inline]
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let coming = coming!(CONTRACT, Update "blocking_write", self);
        let inner = self.inner.blocking_write();
        RwLockWriteGuard::new(coming.enter().exclusive(), inner)
    }

    /// [`tokio::sync::RwLock::try_write`](::tokio::sync::RwLock::try_write).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_write", self);
        let inner = self.inner.try_write()?;
        Ok(RwLockWriteGuard::new(coming.enter().exclusive(), inner))
    }

    /// [`tokio::sync::RwLock::write_owned`](::tokio::sync::RwLock::write_owned).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let coming = coming!(at_once CONTRACT, Update "write_owned", &*self);
        async move {
            let inner = share(&self).write_owned().await;
            OwnedRwLockWriteGuard::new(coming.enter().exclusive(), inner, self)
        }
    }

    /// [`tokio::sync::RwLock::try_write_owned`](::tokio::sync::RwLock::try_write_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_write_owned", &*self);
        let inner = share(&self).try_write_owned()?;
        let section = coming.enter().exclusive();
        Ok(OwnedRwLockWriteGuard::new(section, inner, self))
    }

    /// [`tokio::sync::RwLock::get_mut`](::tokio::sync::RwLock::get_mut).
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

/// Another handle of what `lock` is around.
fn share<T: ?Sized>(lock: &Arc<RwLock<T>>) -> Arc<tokio::RwLock<T>> {
    let raw = Arc::into_raw(Arc::clone(lock));
    // SAFETY: `raw` is of `into_raw`. A `RwLock` is `repr(C)`, and what it has beside `inner` is of size zero and alignment 1: so both have
    // the same size and alignment, and `inner` is at its very address. Whichever handle is the last drops `inner`; that `end` is not
    // dropped then leaks nothing.
    unsafe { Arc::from_raw(raw as *const tokio::RwLock<T>) }
}

impl<T> From<tokio::RwLock<T>> for RwLock<T> {
    #[inline]
    fn from(inner: tokio::RwLock<T>) -> Self {
        Self { end: End, inner }
    }
}

impl<T> From<RwLock<T>> for tokio::RwLock<T> {
    #[inline]
    fn from(lock: RwLock<T>) -> Self {
        lock.inner
    }
}

impl<T> From<T> for RwLock<T> {
    #[inline]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[inline]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
