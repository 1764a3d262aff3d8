//! What the models share: a property that must hold, and a mutant that must be rejected with the stated message.
//!
//! A system is a file under `tests/`: first its properties, each a test that calls [`holds`] or [`shows`], then a module of mutants,
//! each a test that calls [`rejected`]. A mutant is checked in a child process, since a model that fails may abort (a
//! destructor that panics while a failed execution is unwound).

#[cfg(loom)]
use tsvd::__private::rejected as record_rejected;
use tsvd::model::{Bound, Exploration, Model, Verdict};

pub mod owners;

// Shared with the models inside of `tsvd`, which no other crate can see.
#[path = "../../tsvd/tests/models/mod.rs"]
mod models;

pub use models::{fails, holds, rejected, shows};

/// As [`shows`], over all executions in which at most so many times a thread is interrupted that could go on.
///
/// # Panics
///
/// If an execution fails.
#[track_caller]
pub fn shows_within(
    preemptions: usize,
    model: Model,
    body: impl Fn() + Send + Sync + 'static,
) -> Exploration {
    let model = model.preemption_bound(preemptions);
    let exploration = model.accept_preemption_bound().check(body);
    println!("model  {exploration}");
    let by = Bound::Preemptions(preemptions);
    let expected = if cfg!(loom) {
        Verdict::Bounded { by }
    } else {
        Verdict::Unchecked
    };
    assert_eq!(exploration.verdict(), expected, "{exploration}");
    exploration
}
