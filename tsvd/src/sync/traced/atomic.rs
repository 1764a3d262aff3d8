//! [`std::sync::atomic`], of which the strategy `tsvd-hb` is told: an acquiring access comes after the releasing ones of the
//! same atomic. `Relaxed` accesses and fences are taken for no order.

use std::fmt;
use std::sync::atomic::{self as std_atomic, Ordering};

use super::address;
use crate::backend::synchronised::{acquired, is_heard, released};

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

/// One read-modify-write each, from the value before and an argument.
macro_rules! rmw {
    ($type:ty: $($name:ident)*) => {$(
        #[doc = concat!("As std's `", stringify!($name), "`.")]
        #[inline]
        pub fn $name(&self, value: $type, order: Ordering) -> $type {
            self.before(order);
            let old = self.0.$name(value, order);
            self.after(order);
            old
        }
    )*};
}

macro_rules! atomic {
    ($name:ident $(<$parameter:ident>)?, $type:ty, $($rmw:ident)*) => {
        #[doc = concat!("[`std::sync::atomic::", stringify!($name), "`] that tells of its accesses.")]
        #[derive(Default)]
        #[repr(transparent)]
        pub struct $name$(<$parameter>)?(std_atomic::$name$(<$parameter>)?);

        impl$(<$parameter>)? $name$(<$parameter>)? {
            /// As std's `new`.
            #[inline]
            #[must_use]
            pub const fn new(value: $type) -> Self {
                Self(std_atomic::$name::new(value))
            }

            /// As std's `into_inner`.
            #[inline]
            pub const fn into_inner(self) -> $type {
                self.0.into_inner()
            }

            /// As std's `get_mut`.
            #[inline]
            pub fn get_mut(&mut self) -> &mut $type {
                self.0.get_mut()
            }

            /// As std's `as_ptr`; of accesses through it nothing is told.
            #[inline]
            pub const fn as_ptr(&self) -> *mut $type {
                self.0.as_ptr()
            }

            /// As std's `load`.
            ///
            /// # Panics
            ///
            /// If `order` releases.
            #[inline]
            pub fn load(&self, order: Ordering) -> $type {
                let value = self.0.load(order);
                self.after(order);
                value
            }

            /// As std's `store`.
            ///
            /// # Panics
            ///
            /// If `order` acquires.
            #[inline]
            pub fn store(&self, value: $type, order: Ordering) {
                self.before(order);
                self.0.store(value, order);
            }

            rmw!($type: swap $($rmw)*);

            /// As std's `compare_exchange`.
            ///
            /// # Panics
            ///
            /// If `failure` releases.
            #[inline]
            pub fn compare_exchange(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                self.before_exchange(current, success);
                let outcome = self.0.compare_exchange(current, new, success, failure);
                self.after(if outcome.is_ok() { success } else { failure });
                outcome
            }

            /// As std's `compare_exchange_weak`.
            ///
            /// # Panics
            ///
            /// If `failure` releases.
            #[inline]
            pub fn compare_exchange_weak(
                &self,
                current: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                self.before_exchange(current, success);
                let outcome = self.0.compare_exchange_weak(current, new, success, failure);
                self.after(if outcome.is_ok() { success } else { failure });
                outcome
            }

            /// As std's `fetch_update`.
            ///
            /// # Errors
            ///
            /// With the value for which `update` had none.
            ///
            /// # Panics
            ///
            /// If `fetch_order` releases.
            #[inline]
            pub fn fetch_update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut update: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                let mut old = self.load(fetch_order);
                while let Some(new) = update(old) {
                    match self.compare_exchange_weak(old, new, set_order, fetch_order) {
                        Ok(old) => return Ok(old),
                        Err(actual) => old = actual,
                    }
                }
                Err(old)
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
                if is_release(order) && is_heard() && self.0.load(Ordering::Relaxed) == current {
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
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! integers {
    ($($name:ident($type:ty))*) => {$(
        atomic!($name, $type, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
    )*};
}

integers! { AtomicI8(i8) AtomicI16(i16) AtomicI32(i32) AtomicI64(i64) AtomicIsize(isize) }
integers! { AtomicU8(u8) AtomicU16(u16) AtomicU32(u32) AtomicU64(u64) AtomicUsize(usize) }
atomic!(AtomicBool, bool, fetch_and fetch_nand fetch_or fetch_xor);
atomic!(AtomicPtr<T>, *mut T,);

impl AtomicBool {
    /// As std's `fetch_not`.
    #[inline]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

impl<T> fmt::Pointer for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
