use std::fmt;
use std::sync::Arc;

use ::tokio::sync::{self as tokio, TryLockError};

use super::lent::Lent;
use super::owned::Owned;
use super::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard, RwLockWriteGuard};
use crate::backend::synchronised::acquired;
use crate::section::{Call, Identity, coming};
use crate::sync::traced::{Releasing, address};

const CONTRACT: &str = "tsvd::tokio::sync::RwLock";

/// [`tokio::sync::RwLock`](::tokio::sync::RwLock) whose critical sections are [accesses](crate::tokio::sync) of its value.
//
// As of `tsvd::sync::RwLock`, writers release at its address, readers at the next.
pub struct RwLock<T: ?Sized> {
    pub(super) identity: Identity,
    pub(super) inner: tokio::RwLock<T>,
}

impl<T> RwLock<T> {
    /// [`tokio::sync::RwLock::new`](::tokio::sync::RwLock::new).
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::RwLock::new(value),
        }
    }

    /// [`tokio::sync::RwLock::with_max_readers`](::tokio::sync::RwLock::with_max_readers).
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::RwLock::with_max_readers(value, max_reads),
        }
    }

    /// [`tokio::sync::RwLock::const_new`](::tokio::sync::RwLock::const_new).
    pub const fn const_new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::RwLock::const_new(value),
        }
    }

    /// [`tokio::sync::RwLock::const_with_max_readers`](::tokio::sync::RwLock::const_with_max_readers).
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::RwLock::const_with_max_readers(value, max_reads),
        }
    }

    /// [`tokio::sync::RwLock::into_inner`](::tokio::sync::RwLock::into_inner).
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// [`tokio::sync::RwLock::read`](::tokio::sync::RwLock::read).
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Read "read", self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.read().await;
            self.reader(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::RwLock::blocking_read`](::tokio::sync::RwLock::blocking_read).
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let coming = coming!(CONTRACT, Read "blocking_read", self);
        let inner = self.inner.blocking_read();
        self.reader(coming.enter(), inner)
    }

    /// [`tokio::sync::RwLock::try_read`](::tokio::sync::RwLock::try_read).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Read "try_read", self);
        let inner = self.inner.try_read()?;
        Ok(self.reader(coming.enter(), inner))
    }

    /// [`tokio::sync::RwLock::read_owned`](::tokio::sync::RwLock::read_owned).
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let coming = coming!(at_once CONTRACT, Read "read_owned", &*self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.read().await;
            self.owned_reader(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::RwLock::try_read_owned`](::tokio::sync::RwLock::try_read_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Read "try_read_owned", &*self);
        let inner = self.inner.try_read()?;
        Ok(self.owned_reader(coming.enter(), inner))
    }

    /// [`tokio::sync::RwLock::write`](::tokio::sync::RwLock::write).
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Update "write", self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.write().await;
            self.writer(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::RwLock::blocking_write`](::tokio::sync::RwLock::blocking_write).
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let coming = coming!(CONTRACT, Update "blocking_write", self);
        let inner = self.inner.blocking_write();
        self.writer(coming.enter(), inner)
    }

    /// [`tokio::sync::RwLock::try_write`](::tokio::sync::RwLock::try_write).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_write", self);
        let inner = self.inner.try_write()?;
        Ok(self.writer(coming.enter(), inner))
    }

    /// [`tokio::sync::RwLock::write_owned`](::tokio::sync::RwLock::write_owned).
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let coming = coming!(at_once CONTRACT, Update "write_owned", &*self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.write().await;
            self.owned_writer(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::RwLock::try_write_owned`](::tokio::sync::RwLock::try_write_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_write_owned", &*self);
        let inner = self.inner.try_write()?;
        Ok(self.owned_writer(coming.enter(), inner))
    }

    /// [`tokio::sync::RwLock::get_mut`](::tokio::sync::RwLock::get_mut).
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    fn reader<'a>(
        &self,
        section: Call,
        inner: tokio::RwLockReadGuard<'a, T>,
    ) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard(Lent::shared(self.read_by(), inner, section))
    }

    fn writer<'a>(
        &self,
        section: Call,
        inner: tokio::RwLockWriteGuard<'a, T>,
    ) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard(Lent::exclusive(self.written_by(), inner, section))
    }

    fn owned_reader(
        self: &Arc<Self>,
        section: Call,
        inner: tokio::RwLockReadGuard<'_, T>,
    ) -> OwnedRwLockReadGuard<T> {
        // SAFETY: the guard is of this lock.
        OwnedRwLockReadGuard(unsafe { Owned::shared(self.read_by(), inner, section, self) })
    }

    fn owned_writer(
        self: &Arc<Self>,
        section: Call,
        inner: tokio::RwLockWriteGuard<'_, T>,
    ) -> OwnedRwLockWriteGuard<T> {
        // SAFETY: the guard is of this lock.
        OwnedRwLockWriteGuard(unsafe { Owned::exclusive(self.written_by(), inner, section, self) })
    }

    fn read_by(&self) -> Releasing {
        acquired(address(self));
        Releasing(address(self) + 1)
    }

    fn written_by(&self) -> Releasing {
        acquired(address(self));
        acquired(address(self) + 1);
        Releasing(address(self))
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
