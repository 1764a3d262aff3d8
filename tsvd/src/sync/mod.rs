//! [`std::sync`], or loom's under `--cfg loom`: what both of them have.
//!
//! Code that names these types is the same source natively and in a [`model`](crate::model()). Item by item, under loom:
//!
//! | std | there | how |
//! |---|---|---|
//! | `Arc` | loom's | one that is alive at the end of an execution fails the model as leaked; no conversion to `Arc<dyn Trait>` (convert a std `Arc` by `Arc::from_std`) |
//! | `Mutex`, `RwLock`, their guards | loom's | never poisoned, since a panic fails the model; constructors are not `const` |
//! | `Condvar::wait`, `notify_one`, `notify_all` | loom's | no wake-up without a notification |
//! | `Condvar::wait_while` | shim | a loop of waits |
//! | `Condvar::wait_timeout`, `wait_timeout_while` | refused | they panic: time does not pass in a model, and loom's never times out; model the timeout as a thread that notifies |
//! | `OnceLock`, `LazyLock` | shim | a flag, a lock and a watched cell; not `const`, so not in statics, which would outlive an execution |
//! | [`atomic`]s, `fence` | loom's | constructors are not `const`; `with_mut` in place of `get_mut`, and no `as_ptr` or `{:p}`; `SeqCst` is made strong, see there |
//! | atomic: `fetch_update`, `update`, `try_update`, of `AtomicPtr` `fetch_ptr_add` and the like | shim | a load and exchanges |
//! | `RwLockWriteGuard::downgrade` | refused | loom has none |
//! | [`mpsc::channel`] | loom's | unbounded; `recv_timeout` is refused by loom |
//! | `mpsc::sync_channel` | refused | loom has none |
//! | `Weak`, `Barrier`, `Once` | refused | loom has no `Weak`, its `Barrier` panics; a `Once` is an `OnceLock<()>` |
//! | statics | refused | an execution would begin with what the one before left |
//!
//! Otherwise they are std's. With the feature `detect` some are newtypes of these, with the same methods, whose uses are accesses, see
//! below, and which tell the strategy `tsvd-hb` (see [`settings`](mod@crate::settings)) what orders the program's threads; to the
//! others that is a load and a branch.
//! They are types of their own, eight bytes larger or more, so std's are no substitute. They have what std has, but for what it calls deprecated or
//! unstable (mapped guards), `from_ptr` of atomics, and `RwLockWriteGuard::downgrade`: it is std's since 1.92, later than the oldest compiler that
//! `tsvd` is built with, and cannot be had without std's. The atomics' `update` and `try_update` (std's since 1.95) and the arithmetic of `AtomicPtr`
//! (1.91) are there with every compiler, with `detect` and under loom; without both they are where std has them.
//!
//! An order that is not told costs a delay, never a report:
//!
//! | item | tells that |
//! |---|---|
//! | `Mutex`, `Condvar` | an owner comes after those before it; waiting gives the mutex away |
//! | `RwLock` | a writer comes after all owners before it, a reader after the writers |
//! | `OnceLock` | who finds the value comes after who set it |
//! | [`mpsc::channel`] | who receives a message comes after who sent it |
//! | [`atomic`]s | an acquiring access comes after the releasing ones of the same atomic, whatever was stored since |
//! | [`thread`](crate::thread), [`context`](crate::context) | see there |
//! | `Arc`, `LazyLock`, `Relaxed` accesses, `fence` | nothing: they are std's; nor do `get_mut` and `into_inner`, and what is moved between an owner and the next is another |
//!
//! # Accesses
//!
//! With the feature `detect`, and in a [model](crate::model()) that has regions, each critical section is one access of the value behind the lock, and each access of an atomic is one
//! of the atomic: operations under a thread-safe contract, which never conflict among themselves, but of which a region expected to
//! be atomic can be made wrong. What an access was is known when it ends:
//!
//! | use | is |
//! |---|---|
//! | `RwLock::read` | a read, if the guard was dereferenced |
//! | `Mutex::lock`, `RwLock::write`, not dereferenced | nothing |
//! | the same, dereferenced, but not mutably | a look: it has seen the newest value, and nobody could write it meanwhile |
//! | the same, dereferenced mutably | a write |
//! | the same, dereferenced before it was mutably | a look and a write: it decided by the newest value |
//! | `try_lock`, `try_read`, `try_write` | the same, or nothing if it is locked; never delayed |
//! | `Condvar`: waiting | the end of one access and the beginning of another; that a condition looks. If the first wrote, its region begins anew there: it wrote for others to see |
//! | atomic: `load` | a read |
//! | atomic: `store` | a write; of the value that is there already, to its own region alone (in a model to all) |
//! | atomic: `swap`, `fetch_add`, `AtomicPtr::fetch_ptr_add` and the like | an update; if the value is the same as before, *vain*: a read to its own region |
//! | atomic: an exchange | a look, and a write if it succeeds with another value; if it fails, vain |
//! | atomic: `fetch_update`, `try_update` | a look, and a write if it succeeds |
//! | atomic: `update` | a look and a write |
//! | `get_mut`, `into_inner`, `as_ptr`, `Debug` of locks and atomics | nothing |
//!
//! A look is right whatever happened before it, so what comes after a loop of exchanges, or a second look with the lock
//! held, is silent; a plain write is not. `*guard += 1` is a plain write: what is read by way of a mutable reference is not seen.
//! What was vain changed nothing, and told no more than that: it comes between nobody's accesses, and if what its own region does next
//! reads, it was tried again. So flags that are claimed and locks that spin are silent, by exchanges or by `swap`; what spins on a
//! `load` looks twice, and wants [`revalidated`](crate::revalidated()) in its loop.
//! A delay comes before a lock is taken, never while it is held.
//!
//! # Cost
//!
//! Without `detect` there is none: the types are std's. With it, where nothing is armed and nobody else wants the lock, a critical section of a
//! `Mutex` or `RwLock` takes 13 to 17 times as long (some 60 ns more), a `load` 32 times and a `fetch_add` 20 times (some 40 ns
//! more). These are ratios within one run of `cargo xtask bench`, by processor time.

#[cfg(loom)]
mod defect;
#[cfg(loom)]
mod locks;
#[cfg(all(loom, test))]
mod models;
#[cfg(loom)]
mod once;

#[cfg(loom)]
pub use self::locks::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};
#[cfg(loom)]
pub use self::once::{LazyLock, OnceLock};
#[cfg(loom)]
pub use ::loom::sync::Arc;
#[cfg(not(loom))]
pub use std::sync::{Arc, LazyLock, WaitTimeoutResult};
#[cfg(not(any(loom, feature = "detect")))]
pub use std::sync::{
    Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

#[cfg(all(feature = "detect", not(loom)))]
pub(crate) mod traced;
#[cfg(all(feature = "detect", not(loom)))]
pub use self::traced::{
    Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

#[cfg(loom)]
pub mod atomic;

#[cfg(not(loom))]
pub mod atomic {
    //! [`std::sync::atomic`], or loom's under `--cfg loom`, where `SeqCst` is more than it is to loom: see [`sync`](super).

    #[cfg(feature = "detect")]
    pub use super::traced::atomic::{
        AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
        AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    };
    #[cfg(not(feature = "detect"))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
        AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    };
    pub use std::sync::atomic::{Ordering, fence};
}

pub mod mpsc {
    //! [`std::sync::mpsc`], or loom's under `--cfg loom`: the unbounded channel.

    #[cfg(all(feature = "detect", not(loom)))]
    pub use super::traced::mpsc::{Receiver, Sender, channel};
    #[cfg(loom)]
    pub use ::loom::sync::mpsc::{Receiver, Sender, channel};
    #[cfg(not(any(loom, feature = "detect")))]
    pub use std::sync::mpsc::{Receiver, Sender, channel};

    pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError};
}
