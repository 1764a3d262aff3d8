//! What the program's own threads, locks, channels and atomics say of the order of its contexts, for the strategy `tsvd-hb`.
//!
//! Any other strategy costs them a relaxed load and a branch. A thread tells before it lets others go on, and after it was
//! let, so of two that meet at a place one never knows less than it should. It may hold a lock of the guest's allocator
//! then: nothing is allocated here, and no lock taken under which the engine allocates.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{ENGINE, NOW, threads};
use crate::engine::Synchronisation::{self, Acquired, Received, Released, Sent};

/// Somebody listens. False until a thread has its block: before it there is nothing to order.
static CLOCKED: AtomicBool = AtomicBool::new(false);

pub(super) fn listen() {
    CLOCKED.store(true, Ordering::Relaxed);
}

/// Whether anything that is told is heard.
#[inline]
pub(crate) fn is_heard() -> bool {
    CLOCKED.load(Ordering::Relaxed)
}

#[inline]
fn tell(what: impl FnOnce() -> Synchronisation) {
    if is_heard() {
        tell_the_engine(what());
    }
}

#[cold]
#[inline(never)]
fn tell_the_engine(what: Synchronisation) {
    // Off in a forked child, too, where the engine's locks may be held for ever.
    if !NOW.is_off() {
        threads::numbered(|context| ENGINE.synchronised(context, what));
    }
}

/// The calling thread may go on because of what was [`released`] at `address`.
#[inline]
pub(crate) fn acquired(address: usize) {
    tell(|| Acquired(address));
}

/// The calling thread is about to let others go on at `address`.
#[inline]
pub(crate) fn released(address: usize) {
    tell(|| Released(address));
}

/// Something that one thread hands on to another, once: the beginning of a thread, its end, a message.
#[derive(Debug)]
pub(crate) struct HandOver(u64);

impl HandOver {
    /// One to be told of later.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// One that the calling thread is about to make.
    #[inline]
    pub(crate) fn made() -> Self {
        if !is_heard() {
            return Self(0);
        }
        let made = Self::new();
        made.other_end().make();
        made
    }

    /// For whoever makes it.
    pub(crate) fn other_end(&self) -> Maker {
        Maker(self.0)
    }

    /// The calling thread got it.
    #[inline]
    pub(crate) fn got(self) {
        if self.0 != 0 {
            tell(|| Received(self.0));
        }
    }
}

/// The end of a [`HandOver`] where it is made.
#[derive(Debug)]
pub(crate) struct Maker(u64);

impl Maker {
    /// The calling thread is about to make it.
    pub(crate) fn make(&self) {
        tell(|| Sent(self.0));
    }
}
