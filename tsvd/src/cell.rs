//! [`UnsafeCell`] whose accesses are seen: loom's under `--cfg loom`, a watched object under `detect`, std's otherwise.

use std::fmt;

#[cfg(loom)]
use ::loom::cell as inner;
#[cfg(not(loom))]
use std::cell as inner;

#[cfg(loom)]
use crate::backend::steps::{Act, Begun, Value, begin};
#[cfg(all(feature = "detect", not(loom)))]
use crate::contract::{Access, Object, Operation};

/// [`std::cell::UnsafeCell`] with the interface of loom's: every use of the pointer is visibly a read or a write.
///
/// - Normally it is std's cell and nothing more.
/// - With the feature `detect` each [`with`](Self::with) is a read operation and each [`with_mut`](Self::with_mut) a
///   write operation on the cell, in flight while its closure runs.
/// - Under `--cfg loom` it is loom's cell: an access that is not ordered with a conflicting one fails the model.
///
/// The pointer must not be used after the closure has returned.
///
/// ```
/// use tsvd::cell::UnsafeCell;
///
/// struct Slot(UnsafeCell<Option<u32>>);
///
/// // SAFETY: callers of `put` and `take` hold the lock that this example leaves out.
/// unsafe impl Sync for Slot {}
///
/// impl Slot {
///     fn put(&self, value: u32) {
///         // SAFETY: the lock makes this the only access.
///         self.0.with_mut(|slot| unsafe { *slot = Some(value) });
///     }
///
///     fn take(&self) -> Option<u32> {
///         // SAFETY: as in `put`.
///         self.0.with_mut(|slot| unsafe { (*slot).take() })
///     }
/// }
///
/// # if !cfg!(loom) {
/// let slot = Slot(UnsafeCell::new(None));
/// slot.put(7);
/// assert_eq!(slot.take(), Some(7));
/// # }
/// ```
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(inner::UnsafeCell<T>);

#[cfg(all(feature = "detect", not(loom)))]
static WITH: Operation = Operation::new(
    "tsvd::cell::UnsafeCell",
    "with",
    Access::Read,
    std::panic::Location::caller(),
);
#[cfg(all(feature = "detect", not(loom)))]
static WITH_MUT: Operation = Operation::new(
    "tsvd::cell::UnsafeCell",
    "with_mut",
    Access::Write,
    std::panic::Location::caller(),
);

impl<T> UnsafeCell<T> {
    /// A cell with `value`.
    #[cfg(not(loom))]
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(inner::UnsafeCell::new(value))
    }

    /// A cell with `value`; under loom not `const`, and a write by the creating thread.
    #[cfg(loom)]
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self(inner::UnsafeCell::new(value))
    }

    /// The value.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Reads: hands `read` a pointer to the value.
    #[inline(always)]
    #[cfg_attr(any(loom, feature = "detect"), track_caller)]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        #[cfg(loom)]
        {
            let step = self.begin("with");
            self.0.with(|value| {
                step.end(Value::Nothing);
                read(value)
            })
        }
        #[cfg(not(loom))]
        {
            #[cfg(feature = "detect")]
            let _operation = self.enter(&WITH);
            read(self.0.get())
        }
    }

    /// Writes: hands `write` a pointer to the value.
    #[inline(always)]
    #[cfg_attr(any(loom, feature = "detect"), track_caller)]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(loom)]
        {
            let step = self.begin("with_mut");
            self.0.with_mut(|value| {
                step.end(Value::Nothing);
                write(value)
            })
        }
        #[cfg(not(loom))]
        {
            #[cfg(feature = "detect")]
            let _operation = self.enter(&WITH_MUT);
            write(self.0.get())
        }
    }

    /// The value, to the only one who can reach the cell. Under loom a write, so that an access elsewhere which is not
    /// ordered before it is still found.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    pub fn get_mut(&mut self) -> &mut T {
        #[cfg(loom)]
        // SAFETY: the exclusive borrow of the cell lasts as long as the reference.
        return self.0.with_mut(|value| unsafe { &mut *value });
        #[cfg(not(loom))]
        self.0.get_mut()
    }

    #[cfg(loom)]
    #[track_caller]
    fn begin(&self, name: &'static str) -> Begun {
        begin(
            Act::new(name).on("UnsafeCell", self),
            std::panic::Location::caller(),
        )
    }

    #[cfg(all(feature = "detect", not(loom)))]
    #[inline]
    #[track_caller]
    fn enter(&self, operation: &'static Operation) -> crate::backend::Guard {
        if !crate::backend::enabled() {
            return crate::backend::Guard::inert();
        }
        crate::backend::enter(
            operation,
            std::panic::Location::caller(),
            Object::place(self),
            None,
        )
    }
}

impl<T: Default> Default for UnsafeCell<T> {
    #[cfg_attr(loom, track_caller)]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for UnsafeCell<T> {
    #[cfg_attr(loom, track_caller)]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsafeCell").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell;

    #[test]
    fn it_is_its_value_and_nothing_more() {
        assert_eq!(size_of::<UnsafeCell<u64>>(), size_of::<u64>());
        static CONST: UnsafeCellOf3 = UnsafeCellOf3(UnsafeCell::new(3));
        struct UnsafeCellOf3(UnsafeCell<u8>);
        // SAFETY: the test only reads it.
        unsafe impl Sync for UnsafeCellOf3 {}
        // SAFETY: nobody writes.
        assert_eq!(CONST.0.with(|value| unsafe { *value }), 3);
    }

    #[test]
    fn reads_and_writes_reach_the_value() {
        let mut cell = UnsafeCell::new(1);
        // SAFETY: no other thread, no other pointer.
        cell.with_mut(|value| unsafe { *value += 1 });
        *cell.get_mut() += 1;
        // SAFETY: as above.
        assert_eq!(cell.with(|value| unsafe { *value }), 3);
        assert_eq!(cell.into_inner(), 3);
    }

    /// Finds out by autoref specialisation whether a type has an auto trait.
    macro_rules! has {
        ($type:ty: $($bound:tt)+) => {{
            struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
            #[allow(dead_code)] // Or else the inherent method is: one of the two answers each time.
            trait No { fn answer(&self) -> bool { false } }
            impl<T: ?Sized> No for &Probe<T> {}
            #[allow(dead_code)]
            impl<T: ?Sized + $($bound)+> Probe<T> { fn answer(&self) -> bool { true } }
            (&Probe::<$type>(std::marker::PhantomData)).answer()
        }};
    }

    #[test]
    fn its_auto_traits_are_those_of_std() {
        use std::panic::{RefUnwindSafe, UnwindSafe};
        use std::rc::Rc;
        macro_rules! same {
            ($($bound:ident)*) => {$(
                assert_eq!(has!(UnsafeCell<u8>: $bound), has!(cell::UnsafeCell<u8>: $bound), stringify!($bound));
                assert_eq!(has!(UnsafeCell<Rc<u8>>: $bound), has!(cell::UnsafeCell<Rc<u8>>: $bound), stringify!($bound));
            )*};
        }
        assert!(
            has!(UnsafeCell<u8>: Send) && !has!(UnsafeCell<u8>: Sync),
            "the probe tells them apart"
        );
        same!(Send Sync Unpin UnwindSafe RefUnwindSafe);
    }
}
