//! Annotated calls under delay injection: the process's one engine, and what connects it to threads, clock and report.

mod asynchronous;
mod atomicity;
mod attribution;
mod declared;
mod executor;
mod exit;
mod fences;
mod gate;
mod heartbeat;
mod inherit;
mod memory;
mod recorder;
mod regions;
pub(crate) mod synchronised;
mod threads;
mod ticker;
mod watch;
mod world;

use std::panic::Location;
use std::sync::LazyLock;

use crate::contract::{Key, Object, Operation};
use crate::engine::enter::{Entered, Passed, pass};
use crate::engine::{Call, Context, Engine, Now, OpenToken};

use fences::Fences;
use world::World;

pub(crate) use crate::engine::On;
pub(crate) use asynchronous::{End, Moment, Operating, begin};
pub(crate) use gate::{Chosen, enable};
pub(crate) use inherit::{Inherited, bequeath};
pub(crate) use regions::{
    AccessGuard, Approach, PolledRegion, RegionEnd, RegionGuard, Section, access, approach, region,
    revalidated,
};
pub(crate) use watch::Watch;

/// Read by every operation.
struct Shared {
    /// Whether anything is watched, and what has changed.
    now: Now,
    fences: Fences,
}

static SHARED: Shared = Shared {
    now: Now::undecided(),
    fences: Fences::new(),
};

static NOW: &Now = &SHARED.now;

static ENGINE: LazyLock<Engine<World>> =
    LazyLock::new(|| Engine::new(World::new(), NOW, gate::config().parameters));

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

    #[inline]
    pub(crate) fn when(&self, wrote: bool) {
        if let Some(InFlight { context, index }) = self.0 {
            context.regions.when(index, wrote);
        }
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
    ENGINE.answer_for_mark(context, index, !std::thread::panicking());
}

#[inline]
pub(crate) fn enabled() -> bool {
    !SHARED.now.is_off()
}

/// Whether [`enter`] has to be asked. Also true for threads that were watched before all was switched off, which `enter` finds
/// out.
#[inline]
pub(crate) fn may_enter() -> bool {
    threads::may_be_attached()
}

// Inline into the operation, whose object, key and description the compiler knows: most of the work folds away. What is
// outlined ends in a guard, so that the operation has nothing to keep across it and saves no registers for it, and gets its arguments
// in registers, so that the operation needs no stack.
#[inline(always)]
pub(crate) fn enter(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> Guard {
    if !object.is_watched() {
        declared::leave_unwatched(operation);
        return Guard::inert();
    }
    let call = Call {
        operation,
        site,
        object,
        key,
    };
    let Some(context) = threads::attached() else {
        let (word, type_word, name) = object.into_parts();
        return match key {
            None => enter_first(word, operation, site, type_word, name),
            Some(_) => enter_first_keyed(&call),
        };
    };
    if operation.drops() {
        retire(object);
    }
    match pass(&SHARED.now, || SHARED.fences.light(), context, &call) {
        Passed::Known(index) => Guard(Some(InFlight { context, index })),
        Passed::New(_) => {
            let (word, type_word, name) = object.into_parts();
            match key {
                None => examine(word, operation, site, type_word, name, context),
                Some(_) => examine_keyed(context, &call),
            }
        }
        Passed::Unwatched => Guard::inert(),
    }
}

/// A thread's first operation.
#[cold]
#[inline(never)]
fn enter_first(
    word: u64,
    operation: &'static Operation,
    site: &'static Location<'static>,
    type_word: u64,
    name: fn() -> &'static str,
) -> Guard {
    enter_first_keyed(&Call {
        operation,
        site,
        object: Object::from_parts(word, type_word, name),
        key: None,
    })
}

#[cold]
#[inline(never)]
fn enter_first_keyed(call: &Call<'_>) -> Guard {
    match threads::current() {
        Some(context) => guard(context, call, ENGINE.enter(context, call)),
        None => Guard::inert(),
    }
}

#[cold]
#[inline(never)]
fn examine(
    word: u64,
    operation: &'static Operation,
    site: &'static Location<'static>,
    type_word: u64,
    name: fn() -> &'static str,
    context: &'static Context<World>,
) -> Guard {
    let call = Call {
        operation,
        site,
        object: Object::from_parts(word, type_word, name),
        key: None,
    };
    guard(
        context,
        &call,
        ENGINE.examine(context, &call, context.last()),
    )
}

#[cold]
#[inline(never)]
fn examine_keyed(context: &'static Context<World>, call: &Call<'_>) -> Guard {
    guard(context, call, ENGINE.examine(context, call, context.last()))
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
            ENGINE.close(threads::current(), open);
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
        declared::leave_unwatched(operation);
        return Token::inert();
    }
    let Some(context) = threads::current() else {
        return Token::inert();
    };
    let Some((open, caught)) = ENGINE.open(
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
        && let Some(context) = threads::current()
    {
        ENGINE.retire(context, object);
    }
}
