//! Drop-ins for tokio, for the feature `tokio`: in place of `use tokio::sync::Mutex`, `use tsvd::tokio::sync::Mutex`. Not under
//! `--cfg loom`, which tokio reads itself.

#[cfg(feature = "detect")]
mod traced;

pub mod sync {
    //! tokio's `Mutex` and `RwLock`, with their guards; everything else of `tokio::sync` is tokio's alone.
    //!
    //! With the feature `detect` they are newtypes of tokio's, with the same methods. Each critical section is one access of the value behind the
    //! lock, from when a future has taken it until the guard is dropped, over awaits, and on whatever thread or task. What an access was
    //! is told as for the locks of [`tsvd::sync`](crate::sync#accesses), with these additions:
    //!
    //! | use | is |
    //! |---|---|
    //! | a future of `lock`, `read` or `write` that is dropped while it waits | nothing |
    //! | `try_lock` and the like | the same as when waited for, or nothing if it is locked; never delayed |
    //! | `map`, `try_map`, `downgrade_map`, `try_downgrade_map` | the access goes on; that the closure looks at the value |
    //! | `downgrade`, `into_mapped` | the access goes on |
    //! | a guard that is dropped by another thread or task | an access, but of no region |
    //!
    //! A delay comes before a lock is asked for. It is awaited, so that no thread waits; where that could be seen, since the future is
    //! one of a `select!` or a timeout, the thread waits if its runtime has others, and else there is none. The `blocking_` calls
    //! wait with their thread.
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

    #[cfg(feature = "detect")]
    pub use super::traced::{
        MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
        OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
        RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
    };
    pub use ::tokio::sync::TryLockError;
    #[cfg(not(feature = "detect"))]
    pub use ::tokio::sync::{
        MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
        OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
        RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
    };
}
