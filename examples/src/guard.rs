//! What every lock of this crate gives its owner.

use std::fmt;
use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;

/// A lock, as far as its guards need it.
pub trait Lock {
    /// What the lock protects.
    type Value;

    /// The protected value.
    fn value(&self) -> &UnsafeCell<Self::Value>;

    /// Gives the lock back.
    ///
    /// # Safety
    ///
    /// The caller owns the lock, and does not use the value any more.
    unsafe fn give_back(&self);
}

/// A lock is its owner's until the guard is dropped.
#[must_use = "the lock is free again when the guard is dropped"]
pub struct Guard<'a, L: Lock> {
    lock: &'a L,
    /// Sharing the guard shares the value, whatever the lock says.
    value: PhantomData<&'a mut L::Value>,
}

impl<'a, L: Lock> Guard<'a, L> {
    /// The caller has just taken `lock`. (Some mutants have not, which is what loom is to find.)
    pub(crate) fn new(lock: &'a L) -> Self {
        Self {
            lock,
            value: PhantomData,
        }
    }

    /// Looks at the value.
    #[cfg_attr(not(loom), track_caller)]
    pub fn read<R>(&self, read: impl FnOnce(&L::Value) -> R) -> R {
        // SAFETY: there is no other guard, so nobody writes.
        self.lock.value().with(|value| read(unsafe { &*value }))
    }

    /// Changes the value.
    #[cfg_attr(not(loom), track_caller)]
    pub fn write<R>(&mut self, write: impl FnOnce(&mut L::Value) -> R) -> R {
        // SAFETY: there is no other guard, and this one is borrowed for the time of the call.
        self.lock
            .value()
            .with_mut(|value| write(unsafe { &mut *value }))
    }
}

impl<L: Lock> Drop for Guard<'_, L> {
    fn drop(&mut self) {
        // SAFETY: the guard was the owner's, and is gone.
        unsafe { self.lock.give_back() };
    }
}

impl<L: Lock> fmt::Debug for Guard<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
