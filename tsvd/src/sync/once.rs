//! `OnceLock` and `LazyLock`, which loom lacks: a flag, a lock for those who initialise, and a cell that loom watches.

use std::fmt;
use std::ops::Deref;
use std::sync::{Mutex as Plain, PoisonError};

// Not ours: to regions it is no access of its own, as natively.
use ::loom::sync::atomic::AtomicBool;

use super::Mutex;
use super::atomic::Ordering;
use super::defect::{Defect, planted};
use crate::cell::UnsafeCell;

/// [`std::sync::OnceLock`] under loom; not made in a `const`, so not in a static.
pub struct OnceLock<T> {
    /// Stored with release once the value is there, and never reset but by exclusive access.
    is_set: AtomicBool,
    initialising: Mutex<()>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by one thread, under the lock and before the flag, and read only by who has seen the flag with
// acquire; loom checks that on the cell. A shared reference hands it out by reference (`Sync`) and lets any thread put one
// in (`Send`).
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// One without a value.
    #[track_caller]
    pub fn new() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            initialising: Mutex::new(()),
            value: UnsafeCell::new(None),
        }
    }

    /// The value, if it is there.
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        let acquire = if planted(Defect::RelaxedGet) {
            Ordering::Relaxed
        } else {
            Ordering::Acquire
        };
        if !self.is_set.load(acquire) {
            return None;
        }
        // SAFETY: the flag says that the value is there; it is not written again while the lock is shared.
        self.value.with(|value| unsafe { &*value }).as_ref()
    }

    /// The value, to the only one who can reach the lock.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Puts a value in.
    ///
    /// # Errors
    ///
    /// The value, if there is one already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `init` if there is none; if several threads try, one does and the others wait.
    ///
    /// # Panics
    ///
    /// As a deadlock, if `init` comes back to this lock.
    #[track_caller]
    pub fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let lock = self
            .initialising
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Only who has the lock stores the flag.
        if !self.is_set.load(Ordering::Acquire) || planted(Defect::InitialisedTwice) {
            let new = init();
            // SAFETY: nobody reads before the flag is stored, and only the owner of the lock writes.
            self.value.with_mut(|value| unsafe { *value = Some(new) });
            let release = if planted(Defect::RelaxedPublication) {
                Ordering::Relaxed
            } else {
                Ordering::Release
            };
            self.is_set.store(true, release);
        }
        drop(lock);
        self.get().expect("it was put in")
    }

    /// The value.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out again.
    #[track_caller]
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// No value: to read it is a step.
impl<T> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceLock").finish_non_exhaustive()
    }
}

/// [`std::sync::LazyLock`] under loom; not made in a `const`, so not in a static.
pub struct LazyLock<T, F = fn() -> T> {
    once: OnceLock<T>,
    /// There until it is called, by the one thread that initialises. (Held for no step.)
    init: Plain<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// One whose value is made by `init` at its first use.
    #[track_caller]
    pub fn new(init: F) -> Self {
        Self {
            once: OnceLock::new(),
            init: Plain::new(Some(init)),
        }
    }

    /// The value, made now if it is not there.
    #[track_caller]
    pub fn force(this: &Self) -> &T {
        this.once.get_or_init(|| {
            let init = this
                .init
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            init.expect("a lazy value is made once")()
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

/// No value: to read it is a step.
impl<T, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyLock").finish_non_exhaustive()
    }
}
