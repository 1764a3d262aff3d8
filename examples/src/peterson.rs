//! Peterson's lock for two threads (Peterson, "Myths About the Mutual Exclusion Problem", Information Processing Letters
//! 1981), from loads, stores and fences alone; and the form with one exchange.
//!
//! A side says that it wants the lock, then lets the other one go first, and waits while the other wants it and it is the other's
//! turn. Of two sides that come at once the later to write `turn` waits. That argument takes for granted that a store is seen before one
//! looks at the other side, which no processor promises. Three remedies:
//! - [`Fenced`]: a sequentially consistent fence between the stores of `wants` and `turn`, and one between the stores and
//!   the loads. C11 needs both: without the first the store of `turn` may be seen before that of `wants`.
//! - [`Swapped`]: `turn` is written by an exchange. Of two exchanges the later one reads from the earlier one and acquires what
//!   was stored before it.
//! - [`SequentiallyConsistent`]: every access is, as the paper takes for granted.
//!
//! [`Variant`] selects the steps at compile time. The three above are locks to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::fmt;
use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::hint::spin_loop;
use tsvd::sync::Arc;
use tsvd::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::atomic::{AtomicBool, AtomicUsize, fence};

use crate::guard::{Guard, Lock};

/// The steps in which a lock may be broken.
pub trait Variant {
    /// Whether there is a fence between the stores of `wants` and `turn`.
    const FIRST_FENCE: bool = false;
    /// Whether there is a fence before the loads.
    const SECOND_FENCE: bool = false;
    /// Whether `turn` is written by an exchange.
    const EXCHANGE: bool = false;
    /// Ordering of the store that says that a side wants the lock.
    const WANT: Ordering = Relaxed;
    /// Ordering of the store that lets the other side go first.
    const YIELD: Ordering = Release;
    /// Ordering of the loads; both acquire, since either may be the one that lets a side in.
    const LOOK: Ordering = Acquire;
}

/// The lock with two fences.
#[derive(Debug)]
pub enum Fenced {}
impl Variant for Fenced {
    const FIRST_FENCE: bool = true;
    const SECOND_FENCE: bool = true;
}

/// The lock with an exchange.
#[derive(Debug)]
pub enum Swapped {}
impl Variant for Swapped {
    const EXCHANGE: bool = true;
}

/// The lock whose accesses are all sequentially consistent.
#[derive(Debug)]
pub enum SequentiallyConsistent {}
impl Variant for SequentiallyConsistent {
    const WANT: Ordering = SeqCst;
    const YIELD: Ordering = SeqCst;
    const LOOK: Ordering = SeqCst;
}

/// Mutant of [`SequentiallyConsistent`]: a load that acquires may be done before the stores are seen.
#[derive(Debug)]
pub enum AcquireLoads {}
impl Variant for AcquireLoads {
    const WANT: Ordering = SeqCst;
    const YIELD: Ordering = SeqCst;
}

/// Mutant of [`Fenced`]: the stores of `wants` and `turn` may be seen in the other order.
#[derive(Debug)]
pub enum NoFirstFence {}
impl Variant for NoFirstFence {
    const SECOND_FENCE: bool = true;
}

/// Mutant of [`Fenced`]: looks at the other side before its own stores can be seen.
#[derive(Debug)]
pub enum NoSecondFence {}
impl Variant for NoSecondFence {
    const FIRST_FENCE: bool = true;
}

/// Mutant of [`Swapped`]: an ordinary store of `turn`.
#[derive(Debug)]
pub enum Stored {}
impl Variant for Stored {}

struct Shared<T> {
    wants: [AtomicBool; 2],
    /// The side that goes first if both want the lock.
    turn: AtomicUsize,
    value: UnsafeCell<T>,
}

/// One of the two that share a value. It is not `Clone`, and locks through `&mut`: a side is one thread's at a time.
pub struct Side<T, V: Variant> {
    me: usize,
    shared: Arc<Shared<T>>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Send for Side<T, V> {}

/// Both sides of a free lock.
pub fn sides<T, V: Variant>(value: T) -> [Side<T, V>; 2] {
    let shared = Arc::new(Shared {
        wants: [AtomicBool::new(false), AtomicBool::new(false)],
        turn: AtomicUsize::new(0),
        value: UnsafeCell::new(value),
    });
    [0, 1].map(|me| Side {
        me,
        shared: Arc::clone(&shared),
        variant: PhantomData,
    })
}

impl<T, V: Variant> Side<T, V> {
    /// Waits until the lock is free or this side's turn has come, and takes it.
    pub fn lock(&mut self) -> Guard<'_, Self> {
        let Shared { wants, turn, .. } = &*self.shared;
        let other = 1 - self.me;
        wants[self.me].store(true, V::WANT);
        if V::FIRST_FENCE {
            fence(SeqCst);
        }
        if V::EXCHANGE {
            turn.swap(other, AcqRel);
        } else {
            turn.store(other, V::YIELD);
        }
        if V::SECOND_FENCE {
            fence(SeqCst);
        }
        while wants[other].load(V::LOOK) && turn.load(V::LOOK) == other {
            spin_loop();
        }
        Guard::new(self)
    }
}

impl<T, V: Variant> Lock for Side<T, V> {
    type Value = T;

    fn value(&self) -> &UnsafeCell<T> {
        &self.shared.value
    }

    unsafe fn give_back(&self) {
        self.shared.wants[self.me].store(false, Release);
    }
}

impl<T, V: Variant> fmt::Debug for Side<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn no_increment_is_lost<V: Variant>() {
        let [mut left, mut right] = sides::<u64, V>(0);
        std::thread::scope(|scope| {
            for side in [&mut left, &mut right] {
                scope.spawn(|| (0..1_000).for_each(|_| side.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(left.lock().read(|count| *count), 2_000);
    }

    #[test]
    fn no_increment_is_lost_by_any() {
        no_increment_is_lost::<Fenced>();
        no_increment_is_lost::<Swapped>();
        no_increment_is_lost::<SequentiallyConsistent>();
    }
}
