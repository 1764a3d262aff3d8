//! Loom's locks, each lock and unlock written down as a step, with what std has and loom lacks.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{LockResult, PoisonError, TryLockResult};
use std::time::Duration;

use ::loom::sync as loom;

pub use ::loom::sync::WaitTimeoutResult;

use super::defect::{Defect, planted};
use crate::backend::steps::{Act, Value, begin};
use crate::contract::Object;
use crate::section::{Held, Identity, coming};

macro_rules! lock {
    ($lock:ident) => {
        #[doc = concat!("[`std::sync::", stringify!($lock), "`] under loom: never poisoned, and not made in a `const`.")]
        pub struct $lock<T: ?Sized> {
            identity: Identity,
            inner: loom::$lock<T>,
        }

        impl<T> $lock<T> {
            /// A lock over `value`.
            pub fn new(value: T) -> Self {
                Self {
                    identity: Identity::new(),
                    inner: loom::$lock::new(value),
                }
            }

            /// The value.
            ///
            /// # Errors
            ///
            /// None under loom.
            pub fn into_inner(self) -> LockResult<T> {
                self.inner.into_inner()
            }
        }

        impl<T: ?Sized> $lock<T> {
            /// The value, to the only one who can reach the lock.
            ///
            /// # Errors
            ///
            /// None under loom.
            pub fn get_mut(&mut self) -> LockResult<&mut T> {
                self.inner.get_mut()
            }

            /// Never, under loom.
            pub fn is_poisoned(&self) -> bool {
                false
            }

            /// Nothing to do under loom.
            pub fn clear_poison(&self) {}
        }

        impl<T: Default> Default for $lock<T> {
            fn default() -> Self {
                Self::new(T::default())
            }
        }

        impl<T> From<T> for $lock<T> {
            fn from(value: T) -> Self {
                Self::new(value)
            }
        }

        /// No value: to read it is a step.
        impl<T: ?Sized> fmt::Debug for $lock<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($lock)).finish_non_exhaustive()
            }
        }
    };
}

/// One way to hold a lock.
macro_rules! guard {
    ($guard:ident of $lock:ident by $method:ident or $try_method:ident, until $release:literal, $access:ident $kind:ident) => {
        impl<T: ?Sized> $lock<T> {
            #[doc = concat!("As std's `", stringify!($method), "`.")]
            ///
            /// # Errors
            ///
            /// None under loom.
            #[track_caller]
            pub fn $method(&self) -> LockResult<$guard<'_, T>> {
                let act = Act::new(stringify!($method)).on(stringify!($lock), self);
                let site = Location::caller();
                let step = begin(act, site);
                let guard = self.inner.$method().unwrap_or_else(PoisonError::into_inner);
                step.end(Value::Nothing);
                let call = coming!(at_once concat!("tsvd::sync::", stringify!($lock)), $access stringify!($method), self);
                Ok($guard {
                    section: Some(call.enter().$kind()),
                    guard: Some(guard),
                    lock: self,
                    site,
                })
            }

            #[doc = concat!("As std's `", stringify!($try_method), "`.")]
            ///
            /// # Errors
            ///
            /// If somebody else has the lock.
            #[track_caller]
            pub fn $try_method(&self) -> TryLockResult<$guard<'_, T>> {
                let act = Act::new(stringify!($try_method)).on(stringify!($lock), self);
                let site = Location::caller();
                let step = begin(act, site);
                match self.inner.$try_method() {
                    Ok(guard) => {
                        step.end(Value::Nothing);
                        let call = coming!(at_once concat!("tsvd::sync::", stringify!($lock)), $access stringify!($try_method), self);
                        Ok($guard {
                            section: Some(call.enter().$kind()),
                            guard: Some(guard),
                            lock: self,
                            site,
                        })
                    }
                    Err(_) => {
                        step.failed(Value::Nothing);
                        Err(std::sync::TryLockError::WouldBlock)
                    }
                }
            }
        }

        #[doc = concat!("[`std::sync::", stringify!($guard), "`] under loom.")]
        #[must_use = "the lock is given back when the guard is dropped"]
        pub struct $guard<'a, T: ?Sized> {
            /// There but while the owner waits on a condition variable.
            guard: Option<loom::$guard<'a, T>>,
            /// Ends before the lock is given back.
            section: Option<Held>,
            lock: &'a $lock<T>,
            site: &'static Location<'static>,
        }

        impl<T: ?Sized> Deref for $guard<'_, T> {
            type Target = T;

            fn deref(&self) -> &T {
                self.section.as_ref().inspect(|section| section.looks());
                self.guard.as_ref().expect("its owner does not wait")
            }
        }

        impl<T: ?Sized> Drop for $guard<'_, T> {
            fn drop(&mut self) {
                let Some(guard) = self.guard.take() else {
                    return;
                };
                let section = self.section.take();
                let step = begin(
                    Act::new($release).on(stringify!($lock), self.lock),
                    self.site,
                );
                drop(section);
                drop(guard);
                step.end(Value::Nothing);
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

macro_rules! writes {
    ($guard:ident) => {
        impl<T: ?Sized> DerefMut for $guard<'_, T> {
            fn deref_mut(&mut self) -> &mut T {
                self.section.as_ref().inspect(|section| section.writes());
                self.guard.as_mut().expect("its owner does not wait")
            }
        }
    };
}

lock!(Mutex);
guard!(MutexGuard of Mutex by lock or try_lock, until "unlock", Update exclusive);
writes!(MutexGuard);

impl<T> MutexGuard<'_, T> {
    fn looked_at(&mut self, condition: &mut impl FnMut(&mut T) -> bool) -> bool {
        self.section.as_ref().inspect(|section| section.looks());
        condition(self.guard.as_mut().expect("its owner does not wait"))
    }
}

lock!(RwLock);
guard!(RwLockReadGuard of RwLock by read or try_read, until "end of read", Read shared);
guard!(RwLockWriteGuard of RwLock by write or try_write, until "end of write", Update exclusive);
writes!(RwLockWriteGuard);

/// [`std::sync::Condvar`] under loom: it never wakes for no reason, and never times out.
#[derive(Default)]
pub struct Condvar(loom::Condvar);

const NO_TIME: &str = "tsvd: time does not pass in a model, so a wait with a timeout would either never time out or has to be \
    tried both ways. Wait without one, and model the timeout as a thread that notifies";

impl Condvar {
    /// A condition variable; not `const`.
    pub fn new() -> Self {
        Self::default()
    }

    /// As std's.
    ///
    /// # Errors
    ///
    /// None under loom.
    #[track_caller]
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let step = begin(Act::new("wait").on("Condvar", self), Location::caller());
        if let Some(held) = guard.guard.take() {
            if let Some(section) = guard.section.take() {
                section.waits(|| Object::of_identity(guard.lock, &guard.lock.identity));
            }
            guard.guard = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
            let call = coming!(at_once "tsvd::sync::Mutex", Update "wait", guard.lock);
            guard.section = Some(call.enter().exclusive());
        }
        step.end(Value::Nothing);
        Ok(guard)
    }

    /// As std's: waits as long as `condition` is true of the value.
    ///
    /// # Errors
    ///
    /// None under loom.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        // That a condition looks is no write.
        while guard.looked_at(&mut condition) {
            guard = self.wait(guard)?;
            if planted(Defect::WaitsOnce) {
                break;
            }
        }
        Ok(guard)
    }

    /// Refused under loom.
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Always: time does not pass in a model.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        _: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        panic!("{NO_TIME}");
    }

    /// Refused under loom.
    ///
    /// # Errors
    ///
    /// None.
    ///
    /// # Panics
    ///
    /// Always: time does not pass in a model.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        _: MutexGuard<'a, T>,
        _: Duration,
        _: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        panic!("{NO_TIME}");
    }

    /// As std's.
    #[track_caller]
    pub fn notify_one(&self) {
        let step = begin(
            Act::new("notify_one").on("Condvar", self),
            Location::caller(),
        );
        self.0.notify_one();
        step.end(Value::Nothing);
    }

    /// As std's.
    #[track_caller]
    pub fn notify_all(&self) {
        let step = begin(
            Act::new("notify_all").on("Condvar", self),
            Location::caller(),
        );
        self.0.notify_all();
        step.end(Value::Nothing);
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
