//! What tokio's types are sent, shared and unwound through with, ours are.

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::rc::Rc;
use std::sync::Arc;

use tsvd::tokio::sync::{Mutex, RwLock};

trait Not {
    fn has(&self) -> bool {
        false
    }
}

/// For each trait a type whose own method `has` there is only where the trait is; else it is that of [`Not`].
macro_rules! asks {
    ($($module:ident: $bound:path;)+) => {
        $(mod $module {
            pub(super) struct Of<T: ?Sized>(pub(super) std::marker::PhantomData<T>);

            impl<T: ?Sized> super::Not for &Of<T> {}

            impl<T: ?Sized + $bound> Of<T> {
                pub(super) fn has(&self) -> bool {
                    true
                }
            }
        })+
    };
}

asks! {
    send: Send;
    sync: Sync;
    unpin: Unpin;
    unwind: std::panic::UnwindSafe;
    unwind_ref: std::panic::RefUnwindSafe;
}

macro_rules! traits {
    ($type:ty) => {
        [
            (&send::Of::<$type>(PhantomData)).has(),
            (&sync::Of::<$type>(PhantomData)).has(),
            (&unpin::Of::<$type>(PhantomData)).has(),
            (&unwind::Of::<$type>(PhantomData)).has(),
            (&unwind_ref::Of::<$type>(PhantomData)).has(),
        ]
    };
}

macro_rules! same {
    ($($name:ident[$($arguments:tt)*])+) => {
        $(assert_eq!(
            traits!(tsvd::tokio::sync::$name<$($arguments)*>),
            traits!(tokio::sync::$name<$($arguments)*>),
            "{}",
            stringify!($name<$($arguments)*>)
        );)+
    };
}

macro_rules! all_same {
    ($($value:ty)+) => {
        $(same! {
            Mutex[$value]
            MutexGuard['static, $value]
            MappedMutexGuard['static, $value]
            OwnedMutexGuard[$value]
            OwnedMappedMutexGuard[$value, u8]
            OwnedMappedMutexGuard[u8, $value]
            RwLock[$value]
            RwLockReadGuard['static, $value]
            RwLockWriteGuard['static, $value]
            RwLockMappedWriteGuard['static, $value]
            OwnedRwLockReadGuard[$value]
            OwnedRwLockReadGuard[$value, u8]
            OwnedRwLockReadGuard[u8, $value]
            OwnedRwLockWriteGuard[$value]
            OwnedRwLockMappedWriteGuard[$value, u8]
            OwnedRwLockMappedWriteGuard[u8, $value]
        })+
    };
}

/// To be shared, but not sent.
type Shared = std::sync::MutexGuard<'static, u8>;

#[test]
fn types_have_the_auto_traits_of_tokio_s() {
    assert_eq!(traits!(u8), [true; 5]);
    assert_eq!(traits!(Shared)[..2], [false, true]);
    all_same! {
        u8
        [u8]
        Cell<u8>
        Rc<u8>
        Shared
        PhantomPinned
        &'static mut u8
        dyn Send
        dyn Sync
        dyn Send + Sync
    }
}

#[test]
fn futures_are_sent_as_tokio_s() {
    fn sent<T: Send>(_: T) {}
    let mutex = Arc::new(Mutex::new(Cell::new(1)));
    sent(mutex.lock());
    sent(mutex.lock_owned());
    let lock = Arc::new(RwLock::new(1));
    sent((lock.read(), lock.write()));
    sent((Arc::clone(&lock).read_owned(), lock.write_owned()));
}

#[test]
fn a_value_may_borrow_what_outlives_its_lock() {
    let text = String::from("text");
    let mutex = Arc::new(Mutex::new(text.as_str()));
    let guard = mutex.try_lock_owned().expect("free");
    assert_eq!(*guard, "text");
}
