//! The engine's one door to atomics, fences and locks: the process's own, or loom's in the models of the protocol.

pub(crate) use crossbeam_utils::CachePadded;
#[cfg(not(loom))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, fence};
pub(crate) use std::sync::atomic::{Ordering, compiler_fence};

#[cfg(all(loom, test))]
pub(crate) use self::modelled::locks_held;
#[cfg(loom)]
pub(crate) use self::modelled::{Condvar, Mutex, MutexGuard};
#[cfg(loom)]
pub(crate) use ::loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, fence};

pub(crate) mod lossy {
    //! For what only decides where to sleep, and for what one thread alone reads and writes: never loom's, so that the models
    //! explore the protocol and nothing else.

    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
    pub(crate) use std::sync::{Arc, OnceLock};
    pub(crate) use std::thread::yield_now;
}

#[cfg(loom)]
mod modelled {
    //! Loom's locks with parking_lot's methods.

    use std::ops::{Deref, DerefMut};

    use ::loom::sync as loom;
    use std::cell::Cell;

    ::loom::thread_local! {
        static HELD: Cell<usize> = Cell::new(0);
    }

    /// How many of these locks the calling thread holds.
    #[cfg(test)]
    pub(crate) fn locks_held() -> usize {
        HELD.with(Cell::get)
    }

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::Mutex<T>);

    /// The guard inside is there but while its owner waits.
    pub(crate) struct MutexGuard<'a, T> {
        lock: &'a Mutex<T>,
        guard: Option<loom::MutexGuard<'a, T>>,
    }

    pub(crate) struct Condvar(loom::Condvar);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            let guard = self.0.lock().ok();
            HELD.with(|held| held.set(held.get() + 1));
            MutexGuard { lock: self, guard }
        }
    }

    impl<T> MutexGuard<'_, T> {
        /// Gives the lock to whoever wants it, and takes it again.
        pub(crate) fn bump(this: &mut Self) {
            this.guard = None;
            this.guard = this.lock.0.lock().ok();
        }
    }

    impl<T> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            HELD.with(|held| held.set(held.get() - 1));
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.guard.as_deref().expect("its owner does not wait")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.guard.as_deref_mut().expect("its owner does not wait")
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::Condvar::new())
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.guard.take().expect("its owner does not wait");
            guard.guard = self.0.wait(held).ok();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
