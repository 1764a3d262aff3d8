//! `tsvd::thread` and `tsvd::context` have std's names and behaviour, whether or not anything is watched.

#![cfg(not(loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tsvd::thread::{self, Builder, JoinHandle, Scope, ScopedJoinHandle};

#[test]
fn a_thread_returns_its_value_or_its_panic() {
    let handle: JoinHandle<_> = thread::spawn(|| 7);
    assert_eq!(handle.join().unwrap(), 7);
    let panic = thread::spawn(|| std::panic::panic_any("its own")).join();
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"its own"));
}

#[test]
fn a_builder_names_and_sizes_its_thread() {
    let name = || std::thread::current().name().map(str::to_owned);
    let builder = || Builder::new().name("worker".to_owned()).stack_size(1 << 16);
    assert!(format!("{:?}", builder()).contains("worker"));
    let handle: JoinHandle<_> = builder().spawn(name).unwrap();
    assert_eq!(handle.join().unwrap().as_deref(), Some("worker"));
    // SAFETY: the thread borrows nothing.
    let handle = unsafe { builder().spawn_unchecked(name) }.unwrap();
    assert_eq!(handle.join().unwrap().as_deref(), Some("worker"));
}

#[test]
fn scoped_threads_borrow_and_are_joined() {
    fn two<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        value: &'env u32,
    ) -> [ScopedJoinHandle<'scope, u32>; 2] {
        let named = Builder::new().name("second".to_owned());
        [
            scope.spawn(|| *value),
            named.spawn_scoped(scope, || *value + 1).unwrap(),
        ]
    }
    let value = 7;
    let sum: u32 = thread::scope(|scope| {
        let handles = two(scope, &value);
        handles.map(|handle| handle.join().unwrap()).iter().sum()
    });
    assert_eq!(sum, 15);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|scope| {
            scope.spawn(|| std::panic::panic_any("its own"));
        });
    }));
    let panic = panic.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"a scoped thread panicked"));
}

#[test]
fn a_closure_that_inherits_is_the_closure() {
    let begun = Cell::new(0);
    // Neither `Send` nor `'static`.
    let closure = tsvd::context::inherit(|| {
        begun.set(begun.get() + 1);
        begun.get()
    });
    assert_eq!(begun.get(), 0, "nothing runs before it is called");
    assert_eq!(closure(), 1);
    drop(tsvd::context::inherit(|| begun.set(7)));
    assert_eq!(begun.get(), 1);
    let moved = String::from("moved");
    let handle = std::thread::spawn(tsvd::context::inherit(move || moved));
    assert_eq!(handle.join().unwrap(), "moved");
}
