//! Contract calls themselves: what orders two conflicting calls, and what only seems to.
//!
//! Each property is a way to keep two calls apart that must pass in every execution; its mutants are the same program with
//! the ordering taken out or made too weak, and the message names both calls. The bodies are empty or plain: what is checked is
//! that the calls cannot be in flight together.

mod dictionary;
mod filters;
mod flags;
mod forms;
mod hand_over;
mod identity;
mod lifetimes;
mod locks;
mod nesting;

use dictionary::Dictionary;
use tsvd::sync::atomic::AtomicBool;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use tsvd::sync::{Arc, Mutex};
use tsvd::thread;
use tsvd_loom_tests::holds;
#[cfg(loom)]
use tsvd_loom_tests::rejected;

/// Runs `other` on a thread of its own beside `this`.
fn beside<S: Send + Sync + 'static>(
    shared: S,
    this: impl FnOnce(&S),
    other: impl FnOnce(&S) + Send + 'static,
) {
    let shared = Arc::new(shared);
    let thread = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || other(&shared))
    };
    this(&shared);
    thread.join().unwrap();
}
