use std::fmt;
use std::sync::Arc;

use tokio::sync as tokio;

use super::{MutexGuard, OwnedMutexGuard, TryLockError};
use crate::section::{End, coming};

const CONTRACT: &str = "tsvd::tokio::sync::Mutex";

/// [`tokio::sync::Mutex`](::tokio::sync::Mutex) whose critical sections are [accesses](super).
//
// `repr(C)`, so that `end` has the address of the whole, and `inner`, too: `end` is of size zero.
#[repr(C)]
pub struct Mutex<T: ?Sized> {
    end: End,
    inner: tokio::Mutex<T>,
}

impl<T> Mutex<T> {
    /// [`tokio::sync::Mutex::new`](::tokio::sync::Mutex::new).
    #[inline]
    pub fn new(value: T) -> Self {
        tokio::Mutex::new(value).into()
    }

    /// [`tokio::sync::Mutex::const_new`](::tokio::sync::Mutex::const_new).
    #[inline]
    pub const fn const_new(value: T) -> Self {
        Self {
            end: End,
            inner: tokio::Mutex::const_new(value),
        }
    }

    /// [`tokio::sync::Mutex::into_inner`](::tokio::sync::Mutex::into_inner).
    #[inline]
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// The mutex itself: critical sections of it are not watched.
    #[inline]
    pub fn inner(&self) -> &tokio::Mutex<T> {
        &self.inner
    }

    /// [`tokio::sync::Mutex::lock`](::tokio::sync::Mutex::lock).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let coming = coming!(at_once CONTRACT, Update "lock", self);
        async move {
            let inner = self.inner.lock().await;
            MutexGuard::new(coming.enter().exclusive(), inner, self)
        }
    }

    /// [`tokio::sync::Mutex::blocking_lock`](::tokio::sync::Mutex::blocking_lock).
    ///
    /// # Panics
    ///
    /// In async code.
    #[inline]
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let coming = coming!(CONTRACT, Update "blocking_lock", self);
        let inner = self.inner.blocking_lock();
        MutexGuard::new(coming.enter().exclusive(), inner, self)
    }

    /// [`tokio::sync::Mutex::try_lock`](::tokio::sync::Mutex::try_lock).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_lock", self);
        let inner = self.inner.try_lock()?;
        Ok(MutexGuard::new(coming.enter().exclusive(), inner, self))
    }

    /// [`tokio::sync::Mutex::lock_owned`](::tokio::sync::Mutex::lock_owned).
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let coming = coming!(at_once CONTRACT, Update "lock_owned", &*self);
        async move {
            let inner = share(&self).lock_owned().await;
            OwnedMutexGuard::new(coming.enter().exclusive(), inner, self)
        }
    }

    /// [`tokio::sync::Mutex::blocking_lock_owned`](::tokio::sync::Mutex::blocking_lock_owned).
    ///
    /// # Panics
    ///
    /// In async code.
    #[inline]
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let coming = coming!(CONTRACT, Update "blocking_lock_owned", &*self);
        let inner = share(&self).blocking_lock_owned();
        OwnedMutexGuard::new(coming.enter().exclusive(), inner, self)
    }

    /// [`tokio::sync::Mutex::try_lock_owned`](::tokio::sync::Mutex::try_lock_owned).
    ///
    /// # Errors
    ///
    /// If it is locked.
    #[inline]
    #[cfg_attr(feature = "detect", track_caller)]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let coming = coming!(at_once CONTRACT, Update "try_lock_owned", &*self);
        let inner = share(&self).try_lock_owned()?;
        let section = coming.enter().exclusive();
        Ok(OwnedMutexGuard::new(section, inner, self))
    }

    /// [`tokio::sync::Mutex::get_mut`](::tokio::sync::Mutex::get_mut).
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

/// Another handle of what `mutex` is around.
fn share<T: ?Sized>(mutex: &Arc<Mutex<T>>) -> Arc<tokio::Mutex<T>> {
    let raw = Arc::into_raw(Arc::clone(mutex));
    // SAFETY: `raw` is of `into_raw`. A `Mutex` is `repr(C)`, and what it has beside `inner` is of size zero and alignment 1: so both have
    // the same size and alignment, and `inner` is at its very address. Whichever handle is the last drops `inner`; that `end` is not
    // dropped then leaks nothing.
    unsafe { Arc::from_raw(raw as *const tokio::Mutex<T>) }
}

impl<T> From<tokio::Mutex<T>> for Mutex<T> {
    #[inline]
    fn from(inner: tokio::Mutex<T>) -> Self {
        Self { end: End, inner }
    }
}

impl<T> From<Mutex<T>> for tokio::Mutex<T> {
    #[inline]
    fn from(mutex: Mutex<T>) -> Self {
        mutex.inner
    }
}

impl<T> From<T> for Mutex<T> {
    #[inline]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[inline]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
