//! [`std::thread`], or loom's under `--cfg loom`: what both of them have.
//!
//! - [`spawn`], [`JoinHandle`], [`Builder`]: loom allows five threads in a model, the one that runs it included. A panic of
//!   a thread fails the model at once; `join` returns no error there.
//! - [`current`], [`Thread`], [`ThreadId`]: numbered anew in every execution.
//! - [`park`] and [`Thread::unpark`]: loom loses the token of a thread that is blocked on a lock at the moment, so build
//!   blocking structures on a `Condvar`.
//! - [`yield_now`]: see [`hint::spin_loop`](crate::hint::spin_loop).
//! - [`panicking`]: std's in both.
//!
//! Not here, since loom has no counterpart: `scope`, `sleep` (time does not pass in a model), `park_timeout`,
//! `available_parallelism`.

#[cfg(loom)]
mod modelled;
#[cfg(loom)]
pub use self::modelled::*;
#[cfg(not(loom))]
pub use std::thread::{
    Builder, JoinHandle, Thread, ThreadId, current, panicking, park, spawn, yield_now,
};
