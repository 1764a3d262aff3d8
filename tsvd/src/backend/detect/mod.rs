//! Annotated calls under delay injection: the process's one engine, and what connects it to threads, clock and report.

mod exit;
mod fences;
mod gate;
mod inherit;
mod memory;
mod recorder;
mod threads;
mod ticker;
mod world;

use std::panic::Location;
use std::sync::LazyLock;

use crate::contract::{Key, Object, Operation};
use crate::engine::enter::{Entered, New, Passed};
use crate::engine::{Call, Context, Engine, Now, OpenToken};

use world::World;

pub(crate) use gate::enable;
pub(crate) use inherit::bequeath;

/// Read by every operation: whether anything is watched, and what has changed.
static NOW: Now = Now::undecided();

static ENGINE: LazyLock<Engine<World>> =
    LazyLock::new(|| Engine::new(World::new(), &NOW, crate::engine::LINES));

/// An operation in flight, until dropped by the thread that entered it.
#[derive(Debug)]
pub(crate) struct Guard(Option<InFlight>);

struct InFlight {
    context: &'static Context<World>,
    index: usize,
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl Guard {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self(None)
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if let Some(InFlight { context, index }) = self.0
            && context.finish(index)
        {
            answer(context, index);
        }
    }
}

#[cold]
#[inline(never)]
fn answer(context: &'static Context<World>, index: usize) {
    ENGINE.answer_for_mark(context, index);
}

#[inline]
pub(crate) fn enabled() -> bool {
    !NOW.is_off()
}

// Inline into the operation, whose object, key and description the compiler knows: most of the work folds away.
#[inline(always)]
pub(crate) fn enter(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> Guard {
    if !object.is_watched() {
        return Guard::inert();
    }
    let call = Call {
        operation,
        site,
        object,
        key,
    };
    let Some((engine, context)) = threads::attached() else {
        return enter_first(call);
    };
    match engine.pass(context, &call) {
        Passed::Known(index) => Guard(Some(InFlight { context, index })),
        Passed::New(new) => examine(engine, context, call, new),
        Passed::Unwatched => Guard::inert(),
    }
}

/// A thread's first operation.
//
// This and `examine` end in a guard, so that the operation has nothing to keep across them and saves no registers for it.
#[cold]
#[inline(never)]
fn enter_first(call: Call<'_>) -> Guard {
    match threads::current() {
        Some((engine, context)) => guard(context, &call, engine.enter(context, &call)),
        None => Guard::inert(),
    }
}

#[cold]
#[inline(never)]
fn examine(
    engine: &'static Engine<World>,
    context: &'static Context<World>,
    call: Call<'_>,
    new: New,
) -> Guard {
    guard(context, &call, engine.examine(context, &call, new))
}

fn guard(context: &'static Context<World>, call: &Call<'_>, entered: Entered) -> Guard {
    match entered {
        Entered::Unwatched => Guard::inert(),
        Entered::InFlight(index) => Guard(Some(InFlight { context, index })),
        Entered::Caught(index) => {
            // Made before the panic, so that it is ended by it.
            let guard = Guard(Some(InFlight { context, index }));
            recorder::react(call.operation);
            guard
        }
    }
}

/// A scope in flight, until dropped on any thread.
#[derive(Debug)]
pub(crate) struct Token(Option<OpenToken>);

impl Token {
    pub(crate) fn inert() -> Self {
        Self(None)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            let context = threads::current().map(|(_, context)| context);
            ENGINE.close(context, open);
        }
    }
}

pub(crate) fn token(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> Token {
    if !object.is_watched() {
        return Token::inert();
    }
    let Some((engine, context)) = threads::current() else {
        return Token::inert();
    };
    let Some((open, caught)) = engine.open(
        context,
        &Call {
            operation,
            site,
            object,
            key,
        },
    ) else {
        return Token::inert();
    };
    let token = Token(Some(open));
    if caught {
        recorder::react(operation);
    }
    token
}

/// The life of `object` ends: this thread's operations on it are over.
pub(crate) fn retire(object: Object) {
    if enabled()
        && let Some((engine, context)) = threads::current()
    {
        engine.retire(context, object);
    }
}
