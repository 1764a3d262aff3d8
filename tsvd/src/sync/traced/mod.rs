//! std's types as newtypes that tell the strategy `tsvd-hb` who goes on because of whom; to any other it is a relaxed load
//! and a branch.
//!
//! A release is told before it is made, and an acquisition after: so who acquires knows at least what it may.

pub(super) mod atomic;
mod condvar;
pub(super) mod mpsc;
mod mutex;
mod once;
mod rwlock;

pub use self::condvar::Condvar;
pub use self::mutex::{Mutex, MutexGuard};
pub use self::once::OnceLock;
pub use self::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use std::ptr;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::backend::synchronised::released;

fn address<T: ?Sized>(of: &T) -> usize {
    ptr::from_ref(of).addr()
}

/// Tells of the release when it is dropped. Before the guard it stands with, so a field above that one.
struct Releasing(usize);

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
