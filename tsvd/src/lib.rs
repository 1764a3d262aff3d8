//! Finds thread-safety violations in Rust programs while their ordinary tests run, and checks the same annotated code over
//! every interleaving with loom.
//!
//! A *thread-safety violation* is two calls on one object, at least one of them a write, in flight at the same time. The
//! borrow checker excludes it for safe collections. It cannot for what stands behind `unsafe impl Sync`, raw pointers and
//! C libraries, nor for contracts that no type expresses. Say which methods read and which write, and run your tests:
//! `tsvd` watches those calls only, learns from near misses, sleeps just before a call that could collide, and catches the
//! other caller red-handed (TSVD: Li, Lu, Musuvathi, Nath, Padhye, "Efficient Scalable Thread-Safety-Violation Detection",
//! SOSP 2019). A report is never a guess, see [below](#what-a-report-proves).
//!
//! # Quick start
//!
//! ```toml
//! [dependencies]
//! tsvd = "0.1"                                        # expands to nothing
//! [dev-dependencies]
//! tsvd = { version = "0.1", features = ["detect"] }   # on for tests and examples only
//! ```
//!
//! ```
//! use std::cell::UnsafeCell;
//!
//! /// Names in the order they came. One thread may add while nobody looks.
//! #[derive(Default)]
//! pub struct Registry {
//!     names: UnsafeCell<Vec<String>>,
//! }
//!
//! // SAFETY: callers order their calls as the contract says.
//! unsafe impl Sync for Registry {}
//!
//! #[tsvd::contract]
//! impl Registry {
//!     #[tsvd::write]
//!     pub fn add(&self, name: &str) {
//!         unsafe { &mut *self.names.get() }.push(name.to_owned());
//!     }
//!
//!     #[tsvd::read]
//!     pub fn len(&self) -> usize {
//!         unsafe { &*self.names.get() }.len()
//!     }
//! }
//!
//! let registry = Registry::default();
//! registry.add("somebody");
//! assert_eq!(registry.len(), 1);
//! ```
//!
//! `cargo test` then prints each violation with both call sites and both stacks, writes it as JSON under
//! `target/tsvd/reports`, and ends with status 66 where it would have ended with 0.
//!
//! # What to annotate
//!
//! - [`contract`] on an `impl` or `trait`, [`read`], [`write`](macro@write) and [`update`] on its methods and on free
//!   functions, `async` or not: their documentation has every argument. `object`, `resource` and `id` say what is shared; `key`
//!   and `role` narrow what conflicts.
//! - [`expect_atomic`] on a function that checks something and then acts on it, over calls that each are safe.
//! - [`scope`] for a stretch of code, [`reading`] and [`writing`] for a closure.
//! - [`ScopeBuilder::expect_atomic`] for a stretch of code in which what was looked up has to stay true: check-then-act over a type
//!   whose calls lock internally and never overlap. It concerns operations under contracts of thread-safe types, and others.
//!   [`revalidated`] and [`Region::restart`] say that something was looked up anew.
//! - [`cell::UnsafeCell`] for each access of a cell.
//! - [`sync`], and with the features of those names `tsvd::dashmap` and `tsvd::tokio`, in place of what they stand for: their critical sections and
//!   calls are operations.
//! - [`thread`] and [`context::inherit`] where an operation runs others of its object on other threads and waits for them.
//!
//! # What a report proves
//!
//! It is made in three cases and no other. *Trap*: one party was held before its body by `tsvd` when the other called; both
//! calls were in flight, whatever the program does. *Overlap*: one party was inside its body when the other called, and
//! left while `tsvd` held the other, so it was not waiting for it; a future that is dropped meanwhile may have been, and proves nothing,
//! nor does a scope that may have been dropped with one. Once proved, the report is on disk before anything else
//! happens, and the two bodies are kept apart. Of an async operation that is held by a timer the report follows when it is polled
//! again, or dropped: only then is it certain that it has not been leaked. *Interruption*: a region that is declared to be atomic was interrupted, see
//! [below](#in-tests); nobody need be held for that.
//!
//! # In tests
//!
//! A plain `#[test]` needs nothing: its process ends with status 66. [`check`] runs a body until no new suspicion comes of it, and tells
//! what was found in it. Under nextest, which runs a process for each test, the test with the violation is the one that fails.
//! The report names the test of each call where that is known.
//!
//! A region expected to be atomic was *interrupted* if another context's call began after one access of the region had ended, and
//! ended before the next began, and no order of the three, one after the other, has the same effect: a write between two reads, between
//! a read and a write, or between a write and a read; a read between two writes (Lu, Tucek, Qin, Zhou: "AVIO: Detecting Atomicity
//! Violations via Access Interleaving Invariants", ASPLOS 2006). What overlaps an access of the region proves nothing.
//!
//! *Suspicions* are such interleavings that were really seen in one call of one function which nobody declared to be a region. They
//! are listed apart and fail nothing, unless `TSVD_SUSPICIONS=deny` says so; of those, `cargo tsvd baseline write` accepts what may
//! stay. One call is told from the next by its stack: rounds of a loop that make one access each, one kind now and one further down in the next, look like
//! one call that makes both. Without line information (`debug = 0`, or `release` as it is) it cannot be told, and none is listed. What closures of that very
//! function do on other threads, or in other tasks, is taken for work that it gave away and waits for: if it does not wait, that it checks and acts
//! beside them is not listed. Nor is what a function began by looking and writing in one step (`lock`, look, write): what it took or announced
//! so it gives back by a write more often than not, as with a semaphore. If it went by what it had seen, it is to be declared.
//!
//! # What it cannot see
//!
//! Calls that are not annotated or never made by two threads; accesses that never come within 100 ms of each other; data
//! races inside of a method that the contract calls a read (ThreadSanitizer, Miri and loom see those); values of size zero, which have no
//! identity; operations nested more than 16 deep in one thread; in
//! regions, scopes that read or write, of more than 64 objects, or keys of objects, in one region those it came to first, and of regions
//! nested more than 8 deep in one thread the inner ones, whose accesses are still those of the outer ones; in two branches of one task
//! (`join!`), check and act by calls that are thread-safe and ready at once, for a task is one context.
//!
//! # When it is on
//!
//! With the feature `detect`: in test processes (doctests are such), and in programs that call [`enable()`]; never in benchmarks, build
//! scripts, proc macros, rustc, rustdoc and rust-analyzer. `TSVD=on` and `TSVD=off` have the last word over tests, benchmarks and
//! programs. With cargo's feature resolver 1 the feature of a dev-dependency is built into normal programs, too, where it is switched
//! off: set `resolver = "2"`. What is watched, where it is delayed and what a violation does is set in the program, in the environment or in
//! `tsvd.toml`, see [`settings`](mod@settings).
//!
//! # Features
//!
//! - `detect`: watch annotated calls. Without it, and without `--cfg loom`, attributes leave the user's own tokens, scopes
//!   and ids are of size zero, and the only dependency is the macro crate.
//! - `report`: the report's types alone, for tools that read reports. `schema`: its JSON Schema as well.
//! - `dashmap`: `tsvd::dashmap`, a drop-in for the crate of that name, each call of which is an operation. Without `detect` it is that
//!   crate's code.
//! - `tokio`: `tsvd::tokio::sync`, a drop-in for tokio's `Mutex` and `RwLock`, whose critical sections are operations. Without `detect`
//!   they are tokio's own. With it, know tokio's runtimes: no task is delayed where the clock is paused, a
//!   synchronous call on the only thread of a runtime is not delayed, and reports name tasks. Not under `--cfg loom`, which tokio
//!   reads itself.
//! - `own-allocator`: under `--cfg loom`, do not install the allocator of [`model`](mod@model).
//!
//! # Under loom
//!
//! With `--cfg loom` every annotated call is checked in each execution that [`model()`] explores: conflicting calls have to be
//! ordered, and no region expected to be atomic may be interrupted. [`sync`], [`thread`], [`hint`] and [`cell`] are loom's then, and std's otherwise; [`ghost`] is state for specifications.
//! A goal that no execution reaches fails a model: [`reachable!`].

pub use tsvd_annotations::{contract, expect_atomic, read, test, update, write};

pub mod cell;
pub mod context;
#[cfg(feature = "dashmap")]
pub mod dashmap;
pub mod ghost;
pub mod hint;
pub mod model;
mod object_id;
mod scope;
#[cfg(any(loom, feature = "dashmap", feature = "detect"))]
#[cfg_attr(
    any(loom, not(feature = "dashmap")),
    allow(dead_code, reason = "drop-ins use a part each")
)]
mod section;
pub mod settings;
pub mod sync;
pub mod thread;
#[cfg(all(feature = "tokio", not(loom)))]
pub mod tokio;

#[doc(hidden)]
#[path = "__private.rs"]
pub mod __private;

#[cfg(any(loom, feature = "detect"))]
mod asynchronous;
mod backend;
mod check;
// Under loom for the models of the engine only.
#[cfg(any(all(feature = "detect", not(loom)), all(loom, test)))]
#[cfg_attr(loom, allow(dead_code, unused_imports, reason = "models use a part"))]
mod config;
#[cfg(any(loom, feature = "detect"))]
mod contract;
// Under loom for its own models only.
#[cfg(any(all(feature = "detect", not(loom)), all(loom, test)))]
#[cfg_attr(loom, allow(dead_code, unused_imports, reason = "models use a part"))]
mod engine;
#[cfg(all(feature = "detect", not(loom)))]
mod persist;

#[cfg(feature = "report")]
pub mod report;

pub use check::{Outcome, check};
pub use model::model;
pub use object_id::ObjectId;
pub use scope::{Region, Scope, ScopeBuilder, reading, revalidated, scope, writing};
pub use settings::settings;

/// Watches operations from now on in a program that is not a test; `TSVD=off` still wins.
///
/// Tests need no call. Other programs make it first: a thread that called an operation before stays unwatched, but for the one
/// that makes this call. Without the feature `detect`, and under loom, it does nothing. [`settings()`] enables with settings of
/// the program's own.
///
/// # Panics
///
/// Never; settings that are not allowed end the process with status 2 and a message.
pub fn enable() {
    settings().enable();
}

/// The attributes, for `use tsvd::prelude::*`.
pub mod prelude {
    pub use tsvd_annotations::{contract, expect_atomic, read, update, write};
}
