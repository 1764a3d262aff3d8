//! [`std::sync::atomic`], each access of which is one of a thread-safe contract. The strategy `tsvd-hb` is told that an acquiring
//! access comes after the releasing ones of the same atomic; `Relaxed` accesses and fences are taken for no order.
//!
//! An exchange has looked, whether it succeeds or fails: the value is what it was expected to be, or the caller has the newest.
//! So a loop around it is right, which begins anew with what it was told.

use std::fmt;
use std::sync::atomic::{self as std_atomic, Ordering};

use super::address;
use crate::backend::synchronised::{acquired, is_heard, released};
use crate::section::{Identity, coming};

#[inline]
fn is_release(order: Ordering) -> bool {
    matches!(
        order,
        Ordering::Release | Ordering::AcqRel | Ordering::SeqCst
    )
}

#[inline]
fn is_acquire(order: Ordering) -> bool {
    matches!(
        order,
        Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst
    )
}

macro_rules! contract {
    ($atomic:ident) => {
        concat!("tsvd::sync::atomic::", stringify!($atomic))
    };
}

/// One read-modify-write each, from the value before and an argument: its name and the value after.
macro_rules! rmw {
    ($atomic:ident, $type:ty: $($name:ident($after:expr))*) => {$(
        #[doc = concat!("As std's `", stringify!($name), "`.")]
        #[inline]
        #[track_caller]
        pub fn $name(&self, value: $type, order: Ordering) -> $type {
            let call = coming!(contract!($atomic), Update stringify!($name), self).enter();
            self.before(order);
            let old = self.inner.$name(value, order);
            self.after(order);
            let after: fn($type, $type) -> $type = $after;
            call.modified(after(old, value) != old);
            old
        }
    )*};
}

/// What std calls `fetch_update`, and `try_update` since 1.95.
macro_rules! updates {
    ($contract:expr, $type:ty: $($name:ident)*) => {$(
        #[doc = concat!("As std's `", stringify!($name), "`, with every compiler.")]
        ///
        /// # Errors
        ///
        /// With the value for which `update` had none.
        ///
        /// # Panics
        ///
        /// If `fetch_order` releases.
        #[inline]
        #[track_caller]
        pub fn $name(
            &self,
            set_order: Ordering,
            fetch_order: Ordering,
            update: impl FnMut($type) -> Option<$type>,
        ) -> Result<$type, $type> {
            let call = coming!($contract, Update stringify!($name), self).enter();
            let outcome = self.updated(set_order, fetch_order, update);
            call.revalidated(outcome.is_ok());
            outcome
        }
    )*};
}

macro_rules! atomic {
    ($name:ident $(<$parameter:ident>)?, $type:ty, $($rmw:ident($after:expr))*) => {
        #[doc = concat!("[`std::sync::atomic::", stringify!($name), "`] whose accesses are [told of](crate::sync#accesses).")]
        #[derive(Default)]
        #[repr(C)]
        pub struct $name$(<$parameter>)? {
            // First: at the address of the whole.
            inner: std_atomic::$name$(<$parameter>)?,
            pub(super) identity: Identity,
        }

        impl$(<$parameter>)? $name$(<$parameter>)? {
            /// As std's `new`.
            #[inline]
            #[must_use]
            pub const fn new(value: $type) -> Self {
                Self {
                    identity: Identity::new(),
                    inner: std_atomic::$name::new(value),
                }
            }

            /// As std's `into_inner`.
            #[inline]
            pub const fn into_inner(self) -> $type {
                self.inner.into_inner()
            }

            /// As std's `get_mut`.
            #[inline]
            pub fn get_mut(&mut self) -> &mut $type {
                self.inner.get_mut()
            }

            /// As std's `as_ptr`; of accesses through it nothing is told.
            #[inline]
            pub const fn as_ptr(&self) -> *mut $type {
                self.inner.as_ptr()
            }

            /// As std's `load`.
            ///
            /// # Panics
            ///
            /// If `order` releases.
            #[inline]
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $type {
                let call = coming!(contract!($name), Read "load", self).enter();
                let value = self.inner.load(order);
                self.after(order);
                call.read();
                value
            }

            /// As std's `store`.
            ///
            /// # Panics
            ///
            /// If `order` acquires.
            #[inline]
            #[track_caller]
            pub fn store(&self, value: $type, order: Ordering) {
                let coming = coming!(contract!($name), Write "store", self);
                // Of an order that is none for a store, std says so.
                let is_seen = coming.is_watched() && !matches!(order, Ordering::Acquire | Ordering::AcqRel);
                let call = coming.enter();
                self.before(order);
                if is_seen {
                    // Whoever loads sees the same, and here it is seen what was there.
                    let old = self.inner.swap(value, order);
                    call.overwrote(old != value);
                } else {
                    self.inner.store(value, order);
                    call.wrote();
                }
            }

            rmw!($name, $type: swap(|_, new| new) $($rmw($after))*);

            /// As std's `compare_exchange`.
            ///
            /// # Panics
            ///
            /// If `failure` releases.
            #[inline]
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                let call = coming!(contract!($name), Update "compare_exchange", self).enter();
                self.before_exchange(current, success);
                let outcome = self.inner.compare_exchange(current, new, success, failure);
                self.after(if outcome.is_ok() { success } else { failure });
                match outcome {
                    Ok(_) => call.revalidated(new != current),
                    Err(_) => call.refused(),
                }
                outcome
            }

            /// As std's `compare_exchange_weak`.
            ///
            /// # Panics
            ///
            /// If `failure` releases.
            #[inline]
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                let call = coming!(contract!($name), Update "compare_exchange_weak", self).enter();
                self.before_exchange(current, success);
                let outcome = self.inner.compare_exchange_weak(current, new, success, failure);
                self.after(if outcome.is_ok() { success } else { failure });
                match outcome {
                    Ok(_) => call.revalidated(new != current),
                    Err(_) => call.refused(),
                }
                outcome
            }

            updates!(contract!($name), $type: fetch_update try_update);

            /// As std's `update`, with every compiler.
            ///
            /// # Panics
            ///
            /// If `fetch_order` releases.
            #[inline]
            #[track_caller]
            pub fn update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut update: impl FnMut($type) -> $type,
            ) -> $type {
                let call = coming!(contract!($name), Update "update", self).enter();
                let outcome = self.updated(set_order, fetch_order, |old| Some(update(old)));
                call.revalidated(true);
                outcome.unwrap_or_else(|old| old)
            }

            #[inline]
            fn updated(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut update: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                let mut old = self.inner.load(fetch_order);
                self.after(fetch_order);
                loop {
                    let Some(new) = update(old) else {
                        return Err(old);
                    };
                    self.before_exchange(old, set_order);
                    match self.inner.compare_exchange_weak(old, new, set_order, fetch_order) {
                        Ok(old) => {
                            self.after(set_order);
                            return Ok(old);
                        }
                        Err(actual) => {
                            self.after(fetch_order);
                            old = actual;
                        }
                    }
                }
            }

            #[inline]
            fn before(&self, order: Ordering) {
                if is_release(order) {
                    released(address(self));
                }
            }

            /// One that is going to fail lets nobody go on. If it fails after all, or does not, there is an order too many, or
            /// one is missed.
            #[inline]
            fn before_exchange(&self, current: $type, order: Ordering) {
                if is_release(order) && is_heard() && self.inner.load(Ordering::Relaxed) == current {
                    released(address(self));
                }
            }

            #[inline]
            fn after(&self, order: Ordering) {
                if is_acquire(order) {
                    acquired(address(self));
                }
            }
        }

        impl$(<$parameter>)? From<$type> for $name$(<$parameter>)? {
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

macro_rules! integers {
    ($($name:ident($type:ty))*) => {$(
        atomic!($name, $type,
            fetch_add(<$type>::wrapping_add) fetch_sub(<$type>::wrapping_sub)
            fetch_and(|a, b| a & b) fetch_nand(|a, b| !(a & b)) fetch_or(|a, b| a | b) fetch_xor(|a, b| a ^ b)
            fetch_max(Ord::max) fetch_min(Ord::min)
        );
    )*};
}

integers! { AtomicI8(i8) AtomicI16(i16) AtomicI32(i32) AtomicI64(i64) AtomicIsize(isize) }
integers! { AtomicU8(u8) AtomicU16(u16) AtomicU32(u32) AtomicU64(u64) AtomicUsize(usize) }
atomic!(AtomicBool, bool,
    fetch_and(|a, b| a & b) fetch_nand(|a, b| !(a & b)) fetch_or(|a, b| a | b) fetch_xor(|a, b| a ^ b)
);
atomic!(AtomicPtr<T>, *mut T,);

impl AtomicBool {
    /// As std's `fetch_not`.
    #[inline]
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

/// What std has of arithmetic since 1.91, as a loop of exchanges, which older ones have.
macro_rules! pointers {
    ($($name:ident: $change:expr;)*) => {
        impl<T> AtomicPtr<T> {$(
            #[doc = concat!("As std's `", stringify!($name), "`, with every compiler.")]
            #[inline]
            #[track_caller]
            pub fn $name(&self, value: usize, order: Ordering) -> *mut T {
                let call = coming!(contract!(AtomicPtr), Update stringify!($name), self).enter();
                self.before(order);
                let change: fn(*mut T, usize) -> *mut T = $change;
                let mut old = self.inner.load(Ordering::Relaxed);
                while let Err(actual) = self.inner.compare_exchange_weak(
                    old,
                    change(old, value),
                    order,
                    Ordering::Relaxed,
                ) {
                    old = actual;
                }
                self.after(order);
                call.updated();
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

impl<T> fmt::Pointer for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
