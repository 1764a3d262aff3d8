//! [`std::thread`], or loom's under `--cfg loom`: what both of them have.
//!
//! Item by item, under loom:
//!
//! | std | there | how |
//! |---|---|---|
//! | `spawn`, `JoinHandle`, `Builder` | loom's | at most five threads in a model, the one that runs it included; a panic of one fails the model at once, so `join` returns no error |
//! | `scope`, `Scope`, `ScopedJoinHandle` | shim | spawns, and joins of what is left at the end of the scope |
//! | `current`, `Thread`, `ThreadId` | loom's | numbered anew in every execution |
//! | `park`, `Thread::unpark` | loom's | loom loses the token of a thread that is blocked on a lock at the moment, so build blocking structures on a `Condvar` |
//! | `yield_now` | loom's | see [`hint::spin_loop`](crate::hint::spin_loop) |
//! | `panicking` | std's | |
//! | `sleep`, `park_timeout` | refused | time does not pass in a model, and every order is tried anyway |
//! | `available_parallelism`, `Builder::spawn_scoped` | refused | loom has neither |
//! | `thread_local!`, `LocalKey` | refused | std's is one for all threads of a model; use `loom::thread_local!` in code for loom alone |
//!
//! With the feature `detect` `spawn`, `scope` and `Builder` hand on the operations in flight, see [`context`](crate::context). These,
//! `JoinHandle::join` and the end of a scope tell the strategy `tsvd-hb` that a thread comes after what was done before it
//! began, and before what is done once it was joined. The handles are newtypes there, which std's are made `From`. All else is
//! std's; `park` and `unpark` are taken for no order.

#[cfg(loom)]
mod modelled;
#[cfg(loom)]
mod scope;
#[cfg(loom)]
pub use self::modelled::*;
#[cfg(loom)]
pub use self::scope::{Scope, ScopedJoinHandle, scope};
#[cfg(not(loom))]
pub use std::thread::{Thread, ThreadId, current, panicking, park, yield_now};

#[cfg(not(any(loom, feature = "detect")))]
pub use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle, scope, spawn};

#[cfg(all(feature = "detect", not(loom)))]
mod inherit;
#[cfg(all(feature = "detect", not(loom)))]
mod joined;
#[cfg(all(feature = "detect", not(loom)))]
pub use self::inherit::{Builder, Scope, scope, spawn};
#[cfg(all(feature = "detect", not(loom)))]
pub use self::joined::{JoinHandle, ScopedJoinHandle};
