//! tokio's locks as newtypes, whose critical sections are accesses ([`section`](crate::section)).
//!
//! An access begins when its future has the lock, not before: what is dropped while it waits has accessed nothing, and what came and went
//! meanwhile lay before it.

mod lent;
mod mutex;
mod mutex_guard;
mod owned;
mod rwlock;
mod rwlock_guard;
mod rwlock_owned;
#[cfg(test)]
mod tests;

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
                self.0.look()
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
                self.0.lend()
            }
        }
    };
}

use guard;
