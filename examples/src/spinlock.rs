//! A test-and-set spinlock, and what goes wrong when a part of it is left out.
//!
//! The lock is one flag: whoever turns it from `false` to `true` owns the data until it stores `false`. Taking it
//! acquires what giving it back released, so an owner sees all that the owners before it wrote.
//!
//! Test and set are one compare-and-exchange. A swap would do on hardware, but a swap that fails stores `true` again, and loom
//! lets it read its own store over and over, so no model of it ends.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the lock to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::hint::spin_loop;
use tsvd::sync::atomic::AtomicBool;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

/// The steps in which a lock may be broken.
pub trait Variant {
    /// Ordering of the exchange that takes the lock.
    const TAKE: Ordering = Acquire;
    /// Ordering of the store that gives it back.
    const GIVE_BACK: Ordering = Release;
    /// Whether test and set are one step.
    const ATOMIC: bool = true;
    /// Whether a `try_lock` that fails leaves the lock alone.
    const OWNERS_RELEASE: bool = true;
}

/// The lock as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: loads and then stores instead of exchanging, so two threads can both find the lock free.
#[derive(Debug)]
pub enum LoadThenStore {}
impl Variant for LoadThenStore {
    const ATOMIC: bool = false;
}

/// Mutant: takes the lock without acquiring, so the new owner may not see what the last one wrote.
#[derive(Debug)]
pub enum RelaxedAcquire {}
impl Variant for RelaxedAcquire {
    const TAKE: Ordering = Relaxed;
}

/// Mutant: gives the lock back without releasing, with the same effect.
#[derive(Debug)]
pub enum RelaxedRelease {}
impl Variant for RelaxedRelease {
    const GIVE_BACK: Ordering = Relaxed;
}

/// Mutant: `try_lock` makes its guard before it knows that it owns the lock, so a failed one releases another's lock.
#[derive(Debug)]
pub enum ReleasedByAnother {}
impl Variant for ReleasedByAnother {
    const OWNERS_RELEASE: bool = false;
}

/// A value for one thread at a time.
#[derive(Debug)]
pub struct SpinLock<T, V: Variant = Right> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Sync for SpinLock<T, V> {}

impl<T, V: Variant> SpinLock<T, V> {
    /// A free lock.
    pub fn new(value: T) -> Self {
        Self {
            locked: AtomicBool::new(false),
            value: UnsafeCell::new(value),
            variant: PhantomData,
        }
    }

    /// Waits until the lock is free, and takes it.
    pub fn lock(&self) -> Guard<'_, T, V> {
        while !self.take() {
            spin_loop();
        }
        Guard { lock: self }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<Guard<'_, T, V>> {
        if V::OWNERS_RELEASE {
            return self.take().then(|| Guard { lock: self });
        }
        let guard = Guard { lock: self };
        self.take().then_some(guard)
    }

    /// Whether the lock was free, and is now the caller's.
    fn take(&self) -> bool {
        if V::ATOMIC {
            return self
                .locked
                .compare_exchange(false, true, V::TAKE, Relaxed)
                .is_ok();
        }
        let free = !self.locked.load(V::TAKE);
        if free {
            self.locked.store(true, Relaxed);
        }
        free
    }

    /// The value, once nobody shares the lock any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

/// The lock is taken until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is free again when the guard is dropped"]
pub struct Guard<'a, T, V: Variant> {
    lock: &'a SpinLock<T, V>,
}

impl<T, V: Variant> Guard<'_, T, V> {
    /// Looks at the value.
    #[cfg_attr(not(loom), track_caller)]
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        // SAFETY: there is no other guard, so nobody writes.
        self.lock.value.with(|value| read(unsafe { &*value }))
    }

    /// Changes the value.
    #[cfg_attr(not(loom), track_caller)]
    pub fn write<R>(&mut self, write: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: there is no other guard, and this one is borrowed for the time of the call.
        self.lock
            .value
            .with_mut(|value| write(unsafe { &mut *value }))
    }
}

impl<T, V: Variant> Drop for Guard<'_, T, V> {
    fn drop(&mut self) {
        self.lock.locked.store(false, V::GIVE_BACK);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost() {
        let count = SpinLock::<u64>::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| count.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(count.into_inner(), 4_000);
    }

    #[test]
    fn a_taken_lock_is_refused_and_stays_taken() {
        let lock = SpinLock::<u64>::new(7);
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none());
        assert_eq!(guard.read(|value| *value), 7);
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
}
