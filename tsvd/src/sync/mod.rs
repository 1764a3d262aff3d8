//! [`std::sync`], or loom's under `--cfg loom`: what both of them have.
//!
//! Code that names these types is the same source natively and in a [`model`](crate::model()). Where loom's differ:
//! - [`Arc`]: no `Weak`, no conversion to `Arc<dyn Trait>` (convert a std `Arc` by `Arc::from_std`), and an `Arc` that is still alive at the end
//!   of an execution fails the model as leaked.
//! - [`Mutex`], [`RwLock`]: never poisoned, since a panic fails the model; their constructors are not `const`.
//! - [`Condvar`]: `wait`, `notify_one` and `notify_all`; `wait_timeout` never times out, so model a timeout as a thread.
//! - [`mpsc`]: the unbounded channel; `recv_timeout` is refused by loom.
//! - [`atomic`]: constructors are not `const`; an access marked `SeqCst` has a `SeqCst` fence before it (loom alone takes it for
//!   `AcqRel`).
//!
//! Not here, since loom has no sound counterpart: `Barrier` (loom's panics), `Once`, `OnceLock`, `LazyLock`, `Weak`.

#[cfg(loom)]
pub use ::loom::sync::{
    Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};
#[cfg(not(loom))]
pub use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

#[cfg(loom)]
pub mod atomic;

#[cfg(not(loom))]
pub mod atomic {
    //! [`std::sync::atomic`], or loom's under `--cfg loom`, where `SeqCst` is more than it is to loom: see [`sync`](super).

    pub use std::sync::atomic::{
        AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
        AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

pub mod mpsc {
    //! [`std::sync::mpsc`], or loom's under `--cfg loom`: the unbounded channel.

    #[cfg(loom)]
    pub use ::loom::sync::mpsc::{Receiver, Sender, channel};
    #[cfg(not(loom))]
    pub use std::sync::mpsc::{Receiver, Sender, channel};

    pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError};
}
