use std::fmt;
use std::sync::Arc;

use ::tokio::sync::{self as tokio, TryLockError};

use super::lent::Lent;
use super::owned::Owned;
use super::{MutexGuard, OwnedMutexGuard};
use crate::backend::synchronised::acquired;
use crate::section::{Call, Identity, coming};
use crate::sync::traced::{Releasing, address};

const CONTRACT: &str = "tsvd::tokio::sync::Mutex";

/// [`tokio::sync::Mutex`](::tokio::sync::Mutex) whose critical sections are [accesses](crate::tokio::sync) of its value.
pub struct Mutex<T: ?Sized> {
    pub(super) identity: Identity,
    pub(super) inner: tokio::Mutex<T>,
}

impl<T> Mutex<T> {
    /// [`tokio::sync::Mutex::new`](::tokio::sync::Mutex::new).
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::Mutex::new(value),
        }
    }

    /// [`tokio::sync::Mutex::const_new`](::tokio::sync::Mutex::const_new).
    pub const fn const_new(value: T) -> Self {
        Self {
            identity: Identity::new(),
            inner: tokio::Mutex::const_new(value),
        }
    }

    /// [`tokio::sync::Mutex::into_inner`](::tokio::sync::Mutex::into_inner).
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// [`tokio::sync::Mutex::lock`](::tokio::sync::Mutex::lock).
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Update "lock", self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.lock().await;
            self.guard(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::Mutex::blocking_lock`](::tokio::sync::Mutex::blocking_lock).
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let coming = coming!(CONTRACT, Update "blocking_lock", self);
        let inner = self.inner.blocking_lock();
        self.guard(coming.enter(), inner)
    }

    /// [`tokio::sync::Mutex::try_lock`](::tokio::sync::Mutex::try_lock).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_lock", self);
        let inner = self.inner.try_lock()?;
        Ok(self.guard(coming.enter(), inner))
    }

    /// [`tokio::sync::Mutex::lock_owned`](::tokio::sync::Mutex::lock_owned).
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let coming = coming!(at_once CONTRACT, Update "lock_owned", &*self);
        async move {
            let coming = coming.awaited().await;
            let inner = self.inner.lock().await;
            self.owned(coming.enter(), inner)
        }
    }

    /// [`tokio::sync::Mutex::blocking_lock_owned`](::tokio::sync::Mutex::blocking_lock_owned).
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let coming = coming!(CONTRACT, Update "blocking_lock_owned", &*self);
        let inner = self.inner.blocking_lock();
        self.owned(coming.enter(), inner)
    }

    /// [`tokio::sync::Mutex::try_lock_owned`](::tokio::sync::Mutex::try_lock_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_lock_owned", &*self);
        let inner = self.inner.try_lock()?;
        Ok(self.owned(coming.enter(), inner))
    }

    /// [`tokio::sync::Mutex::get_mut`](::tokio::sync::Mutex::get_mut).
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    fn guard<'a>(&'a self, section: Call, inner: tokio::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard(Lent::exclusive(self.releasing(), inner, section), self)
    }

    fn owned(
        self: &Arc<Self>,
        section: Call,
        inner: tokio::MutexGuard<'_, T>,
    ) -> OwnedMutexGuard<T> {
        // SAFETY: the guard is of this mutex.
        OwnedMutexGuard(unsafe { Owned::exclusive(self.releasing(), inner, section, self) })
    }

    /// Of a mutex that is held.
    fn releasing(&self) -> Releasing {
        acquired(address(self));
        Releasing(address(self))
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
