//! A ticket lock: whoever comes draws a number and waits until it is served (Mellor-Crummey and Scott, "Algorithms for
//! Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 1991, algorithm 2).
//!
//! The draw is the *doorway*: threads get the lock in the order in which they drew, so first come, first served, which no
//! spinlock on one flag promises. The store that serves the next number releases what the owner wrote; the load that finds
//! the own number acquires it.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the lock to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::hint::spin_loop;
use tsvd::sync::atomic::AtomicUsize;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::guard::{Guard, Lock};

/// The steps in which a lock may be broken.
pub trait Variant {
    /// Ordering of the loads that wait for the own number.
    const WAIT: Ordering = Acquire;
    /// Ordering of the store that serves the next number.
    const SERVE: Ordering = Release;
    /// Whether reading the next number and counting it up are one step.
    const ATOMIC: bool = true;
    /// Whether the number is drawn in the doorway.
    const DRAWN_AT_ONCE: bool = true;
}

/// The lock as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: waits for its number without acquiring.
#[derive(Debug)]
pub enum RelaxedWait {}
impl Variant for RelaxedWait {
    const WAIT: Ordering = Relaxed;
}

/// Mutant: serves the next number without releasing.
#[derive(Debug)]
pub enum RelaxedServe {}
impl Variant for RelaxedServe {
    const SERVE: Ordering = Relaxed;
}

/// Mutant: two threads can draw one number.
#[derive(Debug)]
pub enum SharedTicket {}
impl Variant for SharedTicket {
    const ATOMIC: bool = false;
}

/// Mutant: says that it has a place in the queue before it has one.
#[derive(Debug)]
pub enum LateTicket {}
impl Variant for LateTicket {
    const DRAWN_AT_ONCE: bool = false;
}

/// A value for one thread at a time, in the order in which they came.
#[derive(Debug)]
pub struct TicketLock<T, V: Variant = Right> {
    /// The number that the next to come draws.
    next: AtomicUsize,
    /// The number whose turn it is; written by its owner only.
    now_serving: AtomicUsize,
    value: UnsafeCell<T>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Sync for TicketLock<T, V> {}

impl<T, V: Variant> TicketLock<T, V> {
    /// A free lock.
    pub fn new(value: T) -> Self {
        Self {
            next: AtomicUsize::new(0),
            now_serving: AtomicUsize::new(0),
            value: UnsafeCell::new(value),
            variant: PhantomData,
        }
    }

    /// Waits for the caller's turn, and takes the lock.
    pub fn lock(&self) -> Guard<'_, Self> {
        self.lock_from_doorway(|| ())
    }

    /// As [`lock`](Self::lock); calls `placed` once the caller has its place in the queue, before it waits.
    ///
    /// # Panics
    ///
    /// If `placed` does; the place is lost then, and everybody behind it waits for ever.
    pub fn lock_from_doorway(&self, placed: impl FnOnce()) -> Guard<'_, Self> {
        let number = if V::DRAWN_AT_ONCE {
            let number = self.draw();
            placed();
            number
        } else {
            placed();
            self.draw()
        };
        while self.now_serving.load(V::WAIT) != number {
            spin_loop();
        }
        Guard::new(self)
    }

    fn draw(&self) -> usize {
        if V::ATOMIC {
            return self.next.fetch_add(1, Relaxed);
        }
        let number = self.next.load(Relaxed);
        self.next.store(number.wrapping_add(1), Relaxed);
        number
    }

    /// The value, once nobody shares the lock any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T, V: Variant> Lock for TicketLock<T, V> {
    type Value = T;

    fn value(&self) -> &UnsafeCell<T> {
        &self.value
    }

    unsafe fn give_back(&self) {
        // Nobody else writes it now, so the load is of the owner's own number.
        let number = self.now_serving.load(Relaxed);
        self.now_serving.store(number.wrapping_add(1), V::SERVE);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost() {
        let count = TicketLock::<u64>::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..1_000).for_each(|_| count.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(count.into_inner(), 2_000);
    }

    #[test]
    fn the_numbers_wrap_around() {
        let lock = TicketLock::<u64> {
            next: AtomicUsize::new(usize::MAX),
            now_serving: AtomicUsize::new(usize::MAX),
            ..TicketLock::new(0)
        };
        for _ in 0..2 {
            lock.lock().write(|count| *count += 1);
        }
        assert_eq!(lock.into_inner(), 2);
    }
}
