//! std's types as newtypes. Each critical section, and each access of an atomic, is an access of a thread-safe contract
//! ([`section`](crate::section)); and the strategy `tsvd-hb` is told who goes on because of whom, which to any other is a relaxed
//! load and a branch.
//!
//! A release is told before it is made, and an acquisition after: so who acquires knows at least what it may. An access begins before
//! the lock is taken and ends after it is given back, for the engine may allocate, and the lock may be the guest's allocator's.

/// What a guard has of the value it guards: looks and, for one that has it alone, writes.
macro_rules! guard {
    ($name:ident) => {
        impl<T: ?Sized> Deref for $name<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                self.section.looks();
                &self.inner
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
    (mut $name:ident) => {
        guard!($name);

        impl<T: ?Sized> DerefMut for $name<'_, T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                self.section.writes();
                &mut self.inner
            }
        }
    };
}

pub(super) mod atomic;
mod condvar;
pub(super) mod mpsc;
mod mutex;
mod once;
mod rwlock;
#[cfg(test)]
mod tests;

pub use self::condvar::Condvar;
pub use self::mutex::{Mutex, MutexGuard};
pub use self::once::OnceLock;
pub use self::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use std::ptr;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::backend::synchronised::released;

pub(crate) fn address<T: ?Sized>(of: &T) -> usize {
    ptr::from_ref(of).addr()
}

/// Part of a guard, above std's: tells of the release when it is dropped, before the lock is given back.
pub(crate) struct Releasing(pub(crate) usize);

#[cfg(feature = "tokio")]
impl Releasing {
    /// Of a writer that reads on: it has released, and will as a reader.
    pub(crate) fn downgraded(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Drop for Releasing {
    #[inline]
    fn drop(&mut self) {
        released(self.0);
    }
}

/// What was locked, poisoned or not, as something else.
fn map<G, H>(locked: LockResult<G>, wrap: impl FnOnce(G) -> H) -> LockResult<H> {
    match locked {
        Ok(guard) => Ok(wrap(guard)),
        Err(poisoned) => Err(PoisonError::new(wrap(poisoned.into_inner()))),
    }
}

fn try_map<G, H>(locked: TryLockResult<G>, wrap: impl FnOnce(G) -> H) -> TryLockResult<H> {
    match locked {
        Ok(guard) => Ok(wrap(guard)),
        Err(TryLockError::Poisoned(poisoned)) => Err(TryLockError::Poisoned(PoisonError::new(
            wrap(poisoned.into_inner()),
        ))),
        Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
    }
}
