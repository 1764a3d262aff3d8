//! [`std::sync::atomic`] under loom: loom's, but for accesses marked `SeqCst`.
//!
//! To loom itself `SeqCst` is no more than `AcqRel`, so a program that needs it, for example Peterson's lock, fails though it is
//! right. Here such an access has a `SeqCst` fence before it. Where all accesses to some atomics are marked `SeqCst`, any
//! two of one thread then have a fence between them, and no execution shows what sequential consistency forbids. It is
//! more than C11 promises in two ways, so some bugs are not seen:
//! - accesses that are *not* marked `SeqCst` are ordered by the fence too, where C11 orders them only with a real fence;
//! - loom orders all that comes before a `SeqCst` fence before all that comes after a later one, plain accesses too. Two
//!   threads whose only relation are `SeqCst` accesses of different atomics look ordered, and a data race between them may be missed.
//!
//! Where neither is wanted, use the weakest ordering that is right: `Acquire`, `Release` and `Relaxed` are loom's own.

use std::fmt;
use std::panic::Location;

use ::loom::sync::atomic as loom;

pub use ::loom::sync::atomic::fence;
pub use std::sync::atomic::Ordering;

use crate::backend::steps::{Act, Begun, Value, begin};
use crate::section::{Identity, coming};

/// How a value is shown in a step.
trait Shown: Copy {
    fn shown(self) -> Value;
}

impl Shown for bool {
    fn shown(self) -> Value {
        Value::Bool(self)
    }
}

/// An address says nothing, and differs from run to run.
impl<T> Shown for *mut T {
    fn shown(self) -> Value {
        Value::Nothing
    }
}

/// An access, which is one with the step that was just made: loom runs no other thread before the next.
macro_rules! accessed {
    ($atomic:ident, $access:ident $name:expr, $object:expr) => {
        coming!(at_once concat!("tsvd::sync::atomic::", stringify!($atomic)), $access $name, $object).enter()
    };
}

/// One read-modify-write each, from the value before and an argument: its name and the value after.
macro_rules! rmw {
    ($atomic:ident, $type:ty: $($name:ident($after:expr))*) => {$(
        #[doc = concat!("As std's `", stringify!($name), "`.")]
        #[track_caller]
        pub fn $name(&self, value: $type, order: Ordering) -> $type {
            let step = self.begin(stringify!($name), order, value.shown());
            let old = self.inner.$name(value, order);
            step.end(old.shown());
            let after: fn($type, $type) -> $type = $after;
            accessed!($atomic, Update stringify!($name), self).modified(after(old, value) != old);
            old
        }
    )*};
}

/// What std calls `fetch_update`, and `try_update` since 1.95.
macro_rules! updates {
    ($atomic:ident, $type:ty: $($name:ident)*) => {$(
        #[doc = concat!("As std's `", stringify!($name), "`: a load and exchanges, until one succeeds.")]
        ///
        /// # Errors
        ///
        /// With the value for which `update` had none.
        #[track_caller]
        pub fn $name(
            &self,
            set_order: Ordering,
            fetch_order: Ordering,
            mut update: impl FnMut($type) -> Option<$type>,
        ) -> Result<$type, $type> {
            let mut old = self.fetched(fetch_order);
            let call = accessed!($atomic, Update stringify!($name), self);
            let outcome = loop {
                let Some(new) = update(old) else {
                    break Err(old);
                };
                match self.exchange(old, new, set_order, fetch_order) {
                    Ok(old) => break Ok(old),
                    Err(actual) => old = actual,
                }
            };
            call.revalidated(outcome.is_ok());
            outcome
        }
    )*};
}

macro_rules! atomic {
    ($name:ident $(<$parameter:ident>)?, $type:ty, $($rmw:ident($after:expr))*) => {
        #[doc = concat!("[`std::sync::atomic::", stringify!($name), "`] under loom.")]
        pub struct $name$(<$parameter>)? {
            identity: Identity,
            inner: loom::$name$(<$parameter>)?,
        }

        impl$(<$parameter>)? $name$(<$parameter>)? {
            /// An atomic with `value`; not `const`.
            #[track_caller]
            pub fn new(value: $type) -> Self {
                Self {
                    identity: Identity::new(),
                    inner: loom::$name::new(value),
                }
            }

            /// The value.
            #[track_caller]
            pub fn into_inner(self) -> $type {
                self.inner.into_inner()
            }

            /// As std's `load`.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $type {
                let step = self.begin("load", order, Value::Nothing);
                let value = self.inner.load(order);
                step.end(value.shown());
                accessed!($name, Read "load", self).read();
                value
            }

            /// As std's `store`.
            #[track_caller]
            pub fn store(&self, value: $type, order: Ordering) {
                let step = self.begin("store", order, value.shown());
                self.inner.store(value, order);
                step.end(Value::Nothing);
                accessed!($name, Write "store", self).wrote();
            }

            rmw!($name, $type: swap(|_, new| new) $($rmw($after))*);

            /// As std's `compare_exchange`.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                let outcome = self.exchange(current, new, success, failure);
                let call = accessed!($name, Update "compare_exchange", self);
                match outcome {
                    Ok(_) => call.revalidated(new != current),
                    Err(_) => call.refused(),
                }
                outcome
            }

            #[track_caller]
            fn exchange(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                // It may turn out to be either of them.
                let order = if failure == Ordering::SeqCst { failure } else { success };
                let step = self.begin("compare_exchange", order, new.shown());
                let outcome = self.inner.compare_exchange(current, new, success, failure);
                match outcome {
                    Ok(old) => step.end(old.shown()),
                    Err(old) => step.failed(old.shown()),
                }
                outcome
            }

            /// As std's `compare_exchange_weak`; it does not fail spuriously.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                self.compare_exchange(current, new, success, failure)
            }

            updates!($name, $type: fetch_update try_update);

            /// As std's `update`: a load and exchanges, until one succeeds.
            #[track_caller]
            pub fn update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut update: impl FnMut($type) -> $type,
            ) -> $type {
                let mut old = self.fetched(fetch_order);
                let call = accessed!($name, Update "update", self);
                while let Err(actual) = self.exchange(old, update(old), set_order, fetch_order) {
                    old = actual;
                }
                call.revalidated(true);
                old
            }

            #[track_caller]
            fn fetched(&self, order: Ordering) -> $type {
                let step = self.begin("load", order, Value::Nothing);
                let value = self.inner.load(order);
                step.end(value.shown());
                value
            }

            #[track_caller]
            fn begin(&self, name: &'static str, order: Ordering, given: Value) -> Begun {
                if order == Ordering::SeqCst {
                    fence(Ordering::SeqCst);
                }
                let mut act = Act::new(name).on(stringify!($name), self);
                (act.order, act.given) = (Some(order), given);
                begin(act, Location::caller())
            }
        }

        impl$(<$parameter>)? From<$type> for $name$(<$parameter>)? {
            #[track_caller]
            fn from(value: $type) -> Self {
                Self::new(value)
            }
        }

        impl$(<$parameter>)? fmt::Debug for $name$(<$parameter>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

/// In place of std's `get_mut`; loom's `AtomicBool` has none.
macro_rules! with_mut {
    ($name:ident $(<$parameter:ident>)?, $type:ty) => {
        impl$(<$parameter>)? $name$(<$parameter>)? {
            /// Hands `change` the value, in place of std's `get_mut`.
            #[track_caller]
            pub fn with_mut<R>(&mut self, change: impl FnOnce(&mut $type) -> R) -> R {
                self.inner.with_mut(change)
            }
        }
    };
}

macro_rules! integers {
    ($as:ident: $($name:ident($type:ty))*) => {$(
        atomic!($name, $type,
            fetch_add(<$type>::wrapping_add) fetch_sub(<$type>::wrapping_sub)
            fetch_and(|a, b| a & b) fetch_nand(|a, b| !(a & b)) fetch_or(|a, b| a | b) fetch_xor(|a, b| a ^ b)
            fetch_max(Ord::max) fetch_min(Ord::min)
        );
        with_mut!($name, $type);

        impl Shown for $type {
            fn shown(self) -> Value {
                Value::$as(self as _)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    )*};
}

integers! { Signed: AtomicI8(i8) AtomicI16(i16) AtomicI32(i32) AtomicI64(i64) AtomicIsize(isize) }
integers! { Unsigned: AtomicU8(u8) AtomicU16(u16) AtomicU32(u32) AtomicU64(u64) AtomicUsize(usize) }
atomic!(AtomicBool, bool,
    fetch_and(|a, b| a & b) fetch_nand(|a, b| !(a & b)) fetch_or(|a, b| a | b) fetch_xor(|a, b| a ^ b)
);
atomic!(AtomicPtr<T>, *mut T,);
with_mut!(AtomicPtr<T>, *mut T);

impl AtomicBool {
    /// As std's `fetch_not`.
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

/// What loom lacks: a load and exchanges, until one succeeds, which is the access.
macro_rules! pointers {
    ($($name:ident: $change:expr;)*) => {
        impl<T> AtomicPtr<T> {$(
            #[doc = concat!("As std's `", stringify!($name), "`: a load and exchanges, until one succeeds.")]
            #[track_caller]
            pub fn $name(&self, value: usize, order: Ordering) -> *mut T {
                let change: fn(*mut T, usize) -> *mut T = $change;
                let mut old = self.fetched(Ordering::Relaxed);
                while let Err(actual) = self.exchange(old, change(old, value), order, Ordering::Relaxed) {
                    old = actual;
                }
                accessed!(AtomicPtr, Update stringify!($name), self).updated();
                old
            }
        )*}
    };
}

pointers! {
    fetch_ptr_add: |old, count| old.wrapping_add(count);
    fetch_ptr_sub: |old, count| old.wrapping_sub(count);
    fetch_byte_add: |old, bytes| old.wrapping_byte_add(bytes);
    fetch_byte_sub: |old, bytes| old.wrapping_byte_sub(bytes);
    fetch_or: |old, bits| old.map_addr(|address| address | bits);
    fetch_and: |old, bits| old.map_addr(|address| address & bits);
    fetch_xor: |old, bits| old.map_addr(|address| address ^ bits);
}

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}
