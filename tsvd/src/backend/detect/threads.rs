//! Which block of the engine is the calling thread's.

use std::cell::Cell;

use super::{ENGINE, NOW, gate, synchronised};
use crate::backend::detect::world::World;
use crate::engine::Context;

pub(super) type Attached = &'static Context<World>;

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// No operation yet.
    New,
    /// Attached, or being attached, or reporting; what these call is not watched.
    Begun,
    /// Nothing was watched when the thread made its first call.
    Off,
    /// The thread is ending and has given its block back: operations in destructors that run later are not watched.
    Gone,
}

/// One structure, so that a call finds both at one address.
struct Mine {
    block: Cell<Option<Attached>>,
    /// Why there is no block.
    state: Cell<State>,
    /// What its context is called before there is a block; 0 where nobody asked.
    number: Cell<u64>,
    /// Within [`numbered`].
    is_telling: Cell<bool>,
}

thread_local! {
    // Without destructor, so that it can be read until the very end of the thread.
    static MINE: Mine = const {
        Mine {
            block: Cell::new(None),
            state: Cell::new(State::New),
            number: Cell::new(0),
            is_telling: Cell::new(false),
        }
    };
    static RELEASE: Release = const { Release };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        MINE.with(|mine| {
            mine.state.set(State::Gone);
            if let Some(context) = mine.block.take() {
                if context.regions.is_open() {
                    ENGINE.abandon_regions(context);
                }
                context.release();
            }
        });
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
    MINE.with(|mine| mine.block.get())
}

/// Whether the thread has, or may get, a block. Asked in place of the switch itself, which is further away.
#[inline]
pub(super) fn may_be_attached() -> bool {
    MINE.with(|mine| mine.block.get().is_some() || mine.state.get() != State::Off)
}

/// Takes the calling thread's block from it, for good: it is the only one in a forked child.
pub(super) fn detach() {
    MINE.with(|mine| {
        mine.block.set(None);
        mine.state.set(State::Off);
    });
}

/// The calling thread looks for the switch anew.
pub(super) fn forget_off() {
    MINE.with(|mine| {
        if mine.state.get() == State::Off {
            mine.state.set(State::New);
        }
    });
}

#[cold]
#[inline(never)]
fn attach() -> Option<Attached> {
    MINE.with(|mine| {
        if !matches!(mine.state.get(), State::New | State::Off) {
            return None;
        }
        mine.state.set(State::Begun);
        if NOW.is_undecided() {
            gate::decide_at_operation();
        }
        if NOW.is_off() {
            mine.state.set(State::Off);
            return None;
        }
        // Fails when the thread's destructors are already running.
        if RELEASE.try_with(|_| ()).is_err() {
            mine.state.set(State::Gone);
            return None;
        }
        let number = match mine.number.get() {
            0 => ENGINE.number(),
            number => number,
        };
        mine.block.set(Some(ENGINE.attach_as(number)));
        if ENGINE.is_clocked() {
            synchronised::listen();
        }
        mine.block.get()
    })
}

/// Hands `tell` the number of the calling thread's context, which needs no block; not from within the engine's work, nor
/// from within itself (a signal's handler). To be called once the engine is there.
pub(super) fn numbered(tell: impl FnOnce(u64)) {
    MINE.with(|mine| {
        let number = match mine.block.get() {
            Some(context) if context.is_suspended() => return,
            Some(context) => context.number(),
            None if matches!(mine.state.get(), State::New | State::Off) => {
                if mine.number.get() == 0 {
                    mine.number.set(ENGINE.number());
                }
                mine.number.get()
            }
            None => return,
        };
        if !mine.is_telling.replace(true) {
            tell(number);
            mine.is_telling.set(false);
        }
    });
}

/// Runs `body` with the calling thread's operations unwatched.
pub(super) fn unwatched<R>(body: impl FnOnce() -> R) -> R {
    /// Puts back what was there, also when `body` panics.
    struct Before(Option<Attached>, State);
    impl Drop for Before {
        fn drop(&mut self) {
            MINE.with(|mine| {
                mine.state.set(self.1);
                mine.block.set(self.0);
            });
        }
    }
    let _before = MINE.with(|mine| Before(mine.block.take(), mine.state.replace(State::Begun)));
    body()
}
