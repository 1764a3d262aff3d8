//! A mutex that sleeps, on one word with three states: Drepper's second mutex ("Futexes Are Tricky", 2011, section 6), with a
//! condition variable in the kernel's place.
//!
//! | state | means | leaving it |
//! |---|---|---|
//! | `FREE` | nobody owns the lock | by a lock, to `TAKEN` or, by who has slept or is about to, to `CONTENDED` |
//! | `TAKEN` | owned, and nobody waits | by its owner, to `FREE`; by a waiter, to `CONTENDED` |
//! | `CONTENDED` | owned, and somebody may sleep | by its owner, to `FREE`, who then wakes one |
//!
//! A waiter goes to sleep only if the word still is `CONTENDED`, looked at under the same internal lock under which a
//! wake-up is sent: so a wake-up comes before the look, which then sees `FREE`, or after the waiter is asleep.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the lock to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::sync::atomic::AtomicU32;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use tsvd::sync::{Condvar, Mutex, PoisonError};

use crate::guard::{Guard, Lock};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const CONTENDED: u32 = 2;

/// The steps in which a lock may be broken.
pub trait Variant {
    /// Ordering of the exchanges that take the lock.
    const TAKE: Ordering = Acquire;
    /// Whether giving back a contended lock wakes somebody.
    const WAKES: bool = true;
    /// Whether the word is looked at again before sleeping.
    const LOOKS_AGAIN: bool = true;
}

/// The lock as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: gives a contended lock back and wakes nobody.
#[derive(Debug)]
pub enum NoWake {}
impl Variant for NoWake {
    const WAKES: bool = false;
}

/// Mutant: goes to sleep although the lock may have become free meanwhile, and its wake-up be gone.
#[derive(Debug)]
pub enum NoSecondLook {}
impl Variant for NoSecondLook {
    const LOOKS_AGAIN: bool = false;
}

/// Mutant: takes the lock without acquiring.
#[derive(Debug)]
pub enum RelaxedAcquire {}
impl Variant for RelaxedAcquire {
    const TAKE: Ordering = Relaxed;
}

/// The two system calls of a futex.
#[derive(Debug)]
struct Sleepers {
    inside: Mutex<()>,
    woken: Condvar,
}

impl Sleepers {
    /// Sleeps until woken, if `word` is still `expected`.
    fn wait(&self, word: &AtomicU32, expected: u32, looks: bool) {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if !looks || word.load(Relaxed) == expected {
            // Nothing is wrong with waking too early: callers look at the word in a loop.
            drop(self.woken.wait(inside));
        }
    }

    fn wake_one(&self) {
        let _inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        self.woken.notify_one();
    }
}

/// A value for one thread at a time; the others sleep.
#[derive(Debug)]
pub struct BlockingMutex<T, V: Variant = Right> {
    word: AtomicU32,
    sleepers: Sleepers,
    value: UnsafeCell<T>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Sync for BlockingMutex<T, V> {}

impl<T, V: Variant> BlockingMutex<T, V> {
    /// A free lock.
    pub fn new(value: T) -> Self {
        Self {
            word: AtomicU32::new(FREE),
            sleepers: Sleepers {
                inside: Mutex::new(()),
                woken: Condvar::new(),
            },
            value: UnsafeCell::new(value),
            variant: PhantomData,
        }
    }

    /// Sleeps until the lock is free, and takes it.
    pub fn lock(&self) -> Guard<'_, Self> {
        if self
            .word
            .compare_exchange(FREE, TAKEN, V::TAKE, Relaxed)
            .is_err()
        {
            // Whoever has waited cannot know that nobody else does, so it owns the lock as contended.
            while self.word.swap(CONTENDED, V::TAKE) != FREE {
                self.sleepers.wait(&self.word, CONTENDED, V::LOOKS_AGAIN);
            }
        }
        Guard::new(self)
    }

    /// The value, once nobody shares the lock any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T, V: Variant> Lock for BlockingMutex<T, V> {
    type Value = T;

    fn value(&self) -> &UnsafeCell<T> {
        &self.value
    }

    unsafe fn give_back(&self) {
        if self.word.swap(FREE, Release) == CONTENDED && V::WAKES {
            self.sleepers.wake_one();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost() {
        let count = BlockingMutex::<u64>::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| count.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(count.into_inner(), 4_000);
    }
}
