//! Which block of the engine is the calling thread's.

use std::cell::Cell;

use super::{ENGINE, NOW, gate};
use crate::backend::detect::world::World;
use crate::engine::{Context, Engine};

/// The engine beside the block, so that an operation need not ask whether the engine exists.
pub(super) type Attached = (&'static Engine<World>, &'static Context<World>);

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// No operation yet.
    New,
    /// Attached, or being attached, or reporting; what these call is not watched.
    Begun,
    /// The thread is ending and has given its block back: operations in destructors that run later are not watched.
    Gone,
}

thread_local! {
    // Without destructors, so that they can be read until the very end of the thread.
    static SLOT: Cell<Option<Attached>> = const { Cell::new(None) };
    /// Why there is nothing in `SLOT`.
    static STATE: Cell<State> = const { Cell::new(State::New) };
    static RELEASE: Release = const { Release };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        STATE.set(State::Gone);
        if let Some((_, context)) = SLOT.take() {
            context.release();
        }
    }
}

/// The calling thread's block; `None` where it can have none, or nothing is watched.
#[inline]
pub(super) fn current() -> Option<Attached> {
    attached().or_else(attach)
}

/// The same, but `None` before the thread's first operation, too.
#[inline]
pub(super) fn attached() -> Option<Attached> {
    SLOT.get()
}

#[cold]
#[inline(never)]
fn attach() -> Option<Attached> {
    if STATE.get() != State::New {
        return None;
    }
    STATE.set(State::Begun);
    if NOW.is_undecided() {
        gate::decide_at_operation();
    }
    if NOW.is_off() {
        STATE.set(State::New);
        return None;
    }
    // Fails when the thread's destructors are already running.
    if RELEASE.try_with(|_| ()).is_err() {
        STATE.set(State::Gone);
        return None;
    }
    let engine = &*ENGINE;
    let attached = (engine, engine.attach());
    SLOT.set(Some(attached));
    Some(attached)
}

/// Runs `body` with the calling thread's operations unwatched.
pub(super) fn unwatched<R>(body: impl FnOnce() -> R) -> R {
    /// Puts back what was there, also when `body` panics.
    struct Before(Option<Attached>, State);
    impl Drop for Before {
        fn drop(&mut self) {
            STATE.set(self.1);
            SLOT.set(self.0);
        }
    }
    let _before = Before(SLOT.take(), STATE.replace(State::Begun));
    body()
}
