//! Which block of the engine is the calling thread's.

use std::cell::Cell;

use super::{ENGINE, NOW, gate};
use crate::backend::detect::world::World;
use crate::engine::{Context, Engine};

/// The engine beside the block, so that an operation need not ask whether the engine exists.
pub(super) type Attached = (&'static Engine<World>, &'static Context<World>);

#[derive(Clone, Copy)]
enum Slot {
    /// No operation yet.
    New,
    /// Being attached; what that calls is not watched.
    Attaching,
    Attached(Attached),
    /// The thread is ending and has given its block back: operations in destructors that run later are not watched.
    Gone,
}

thread_local! {
    // Without a destructor, so that it can be read until the very end of the thread.
    static SLOT: Cell<Slot> = const { Cell::new(Slot::New) };
    static RELEASE: Release = const { Release };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        if let Slot::Attached((_, context)) = SLOT.replace(Slot::Gone) {
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
    match SLOT.get() {
        Slot::Attached(attached) => Some(attached),
        Slot::New | Slot::Attaching | Slot::Gone => None,
    }
}

#[cold]
#[inline(never)]
fn attach() -> Option<Attached> {
    if !matches!(SLOT.get(), Slot::New) {
        return None;
    }
    SLOT.set(Slot::Attaching);
    if NOW.is_undecided() {
        gate::decide(false);
    }
    if NOW.is_off() {
        SLOT.set(Slot::New);
        return None;
    }
    // Fails when the thread's destructors are already running.
    if RELEASE.try_with(|_| ()).is_err() {
        SLOT.set(Slot::Gone);
        return None;
    }
    let engine = &*ENGINE;
    let attached = (engine, engine.attach());
    SLOT.set(Slot::Attached(attached));
    Some(attached)
}

/// Runs `body` with the calling thread's operations unwatched.
pub(super) fn unwatched<R>(body: impl FnOnce() -> R) -> R {
    let before = SLOT.replace(Slot::Attaching);
    let result = body();
    SLOT.set(before);
    result
}
