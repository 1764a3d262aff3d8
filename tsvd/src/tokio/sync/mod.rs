//! [`tokio::sync::Mutex`] and [`tokio::sync::RwLock`], each of whose critical sections is an access of the value they guard, from when
//! it is locked until the guard is dropped, over awaits and on whatever thread.
//!
//! What an access is follows the rules of [`tsvd::sync`](crate::sync#accesses): what was done through the guard counts. A guard of a part
//! of the value goes on with the access of the whole; what the closures of `map` do is taken for none. A delay would block a worker of
//! the runtime, so there is none but in the `blocking_` calls.
//!
//! ```
//! use tsvd::tokio::sync::Mutex;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let visits = Mutex::new(0);
//! *visits.lock().await += 1;
//! assert_eq!(*visits.lock().await, 1);
//! # });
//! ```
//!
//! They are newtypes of tokio's, in every mode. Everything else of `tokio::sync` is tokio's alone.

mod mutex;
mod mutex_guard;
mod rwlock;
mod rwlock_guard;
mod rwlock_owned;
#[cfg(all(test, feature = "detect"))]
mod tests;

pub use tokio::sync::TryLockError;

pub use self::mutex::Mutex;
pub use self::mutex_guard::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub use self::rwlock::RwLock;
pub use self::rwlock_guard::{RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard};
pub use self::rwlock_owned::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
};

/// What a guard has of its value: looks and, for one that has it alone, writes.
macro_rules! guard {
    ([$($generics:tt)*] $guard:ty, $target:ident) => {
        impl<$($generics)*> std::ops::Deref for $guard {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &$target {
                self.section.looks();
                &self.inner
            }
        }

        impl<$($generics)*> std::fmt::Debug for $guard
        where
            $target: std::fmt::Debug,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($generics)*> std::fmt::Display for $guard
        where
            $target: std::fmt::Display,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
    (mut [$($generics:tt)*] $guard:ty, $target:ident) => {
        guard!([$($generics)*] $guard, $target);

        impl<$($generics)*> std::ops::DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $target {
                self.section.writes();
                &mut self.inner
            }
        }
    };
}

use guard;
