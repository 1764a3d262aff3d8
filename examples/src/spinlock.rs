//! Two spinlocks, and what goes wrong when a part of one is left out.
//!
//! The lock is one flag: whoever turns it from `false` to `true` owns the data until it stores `false`. Taking it
//! acquires what giving it back released, so an owner sees all that the owners before it wrote. A *test-and-set* lock tries until it
//! has turned the flag; a *test-and-test-and-set* lock looks first, with plain loads that leave the flag's cache line shared, and tries
//! only when the flag was seen free (Rudolph and Segall, "Dynamic Decentralized Cache Schemes for MIMD Parallel Processors", ISCA 1984).
//!
//! Test and set are one compare-and-exchange. A swap would do on hardware, but a swap that fails stores `true` again, and loom
//! lets it read its own store over and over, so no model of it ends.
//!
//! [`Variant`] selects the steps at compile time. [`TestAndSet`] and [`TestFirst`] are the locks to use; the others are mutants, each
//! with one of its steps broken, which the loom models must reject. `TestFirst<M>` is the mutant `M` of the second lock.

use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::hint::spin_loop;
use tsvd::sync::atomic::AtomicBool;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::guard::{self, Lock};

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
    /// Whether the flag is looked at before it is tried.
    const TEST_FIRST: bool = false;
}

/// The test-and-set lock as it should be.
#[derive(Debug)]
pub enum TestAndSet {}
impl Variant for TestAndSet {}

/// The test-and-test-and-set lock.
#[derive(Debug)]
pub struct TestFirst<V = TestAndSet>(PhantomData<V>);
impl<V: Variant> Variant for TestFirst<V> {
    const TAKE: Ordering = V::TAKE;
    const GIVE_BACK: Ordering = V::GIVE_BACK;
    const ATOMIC: bool = V::ATOMIC;
    const OWNERS_RELEASE: bool = V::OWNERS_RELEASE;
    const TEST_FIRST: bool = true;
}

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
pub struct SpinLock<T, V: Variant = TestAndSet> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Sync for SpinLock<T, V> {}

/// The spinlock is taken until it is dropped.
pub type Guard<'a, T, V> = guard::Guard<'a, SpinLock<T, V>>;

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
        loop {
            if V::TEST_FIRST {
                while self.locked.load(Relaxed) {
                    spin_loop();
                }
            }
            if self.take() {
                return Guard::new(self);
            }
            spin_loop();
        }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<Guard<'_, T, V>> {
        if V::OWNERS_RELEASE {
            return self.take().then(|| Guard::new(self));
        }
        let guard = Guard::new(self);
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

impl<T, V: Variant> Lock for SpinLock<T, V> {
    type Value = T;

    fn value(&self) -> &UnsafeCell<T> {
        &self.value
    }

    unsafe fn give_back(&self) {
        self.locked.store(false, V::GIVE_BACK);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn no_increment_is_lost<V: Variant>() {
        let count = SpinLock::<u64, V>::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| count.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(count.into_inner(), 4_000);
    }

    #[test]
    fn no_increment_is_lost_by_either() {
        no_increment_is_lost::<TestAndSet>();
        no_increment_is_lost::<TestFirst>();
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
