//! What critical sections that last over awaits say of themselves.

use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::task::yield_now;

use super::{
    Mutex, MutexGuard, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};
use crate::contract::Object;
use crate::section::log::{did, object, said, said_locked};

const READ: &str = "read";
const WRITE: &str = "write";
const NOTHING: &str = "nothing";
const LOOK: &str = "revalidated, wrote false";
const LOOK_AND_WRITE: &str = "revalidated, wrote true";

/// With names, for guards have a private field `0`.
struct Both {
    one: i32,
    two: i32,
}

const BOTH: Both = Both { one: 1, two: 2 };

/// On this very thread.
fn run<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_guard_over_an_await_is_one_access() {
    let mutex = Mutex::new(1);
    assert_eq!(
        said(|| run(async {
            let mut value = mutex.lock().await;
            yield_now().await;
            if *value == 1 {
                yield_now().await;
                *value += 1;
            }
        })),
        ["lock (update) at once", "enter", LOOK_AND_WRITE]
    );
    assert!(object() == Some(Object::of_identity(&mutex, &mutex.identity)));
    assert_eq!(did(|| run(async { *mutex.lock().await += 1 })), WRITE);
    assert_eq!(did(|| run(async { *mutex.lock().await })), LOOK);
    assert_eq!(did(|| run(async { drop(mutex.lock().await) })), NOTHING);
    assert_eq!(did(|| *mutex.blocking_lock() += 1), WRITE);
    assert_eq!(did(|| *mutex.try_lock().unwrap() += 1), WRITE);
    // Who gives up waiting has accessed nothing.
    let _held = mutex.try_lock().unwrap();
    assert_eq!(
        said(|| run(async {
            tokio::select! {
                biased;
                _ = mutex.lock() => unreachable!("it is locked"),
                () = yield_now() => {}
            }
        })),
        ["lock (update) at once"]
    );
    assert_eq!(
        said(|| assert!(mutex.try_lock().is_err())),
        ["try_lock (update) at once"]
    );
}

#[test]
fn owned_and_mapped_guards_go_on() {
    let mutex = Arc::new(Mutex::new(BOTH));
    let lock = || Arc::clone(&mutex).try_lock_owned().unwrap();
    assert_eq!(
        said(|| run(async { Arc::clone(&mutex).lock_owned().await.one += 1 })),
        ["lock_owned (update) at once", "enter", WRITE]
    );
    assert!(object() == Some(Object::of_identity(&*mutex, &mutex.identity)));
    assert_eq!(did(|| Arc::clone(&mutex).blocking_lock_owned().one), LOOK);
    assert_eq!(
        did(|| OwnedMutexGuard::map(lock(), |both| &mut both.one)),
        LOOK
    );
    assert_eq!(
        did(|| *OwnedMutexGuard::map(lock(), |both| &mut both.one) += 1),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| OwnedMutexGuard::try_map(lock(), |_| None::<&mut i32>)
            .err()
            .map(|both| both.one)),
        LOOK
    );
    let lock = || mutex.try_lock().unwrap();
    assert_eq!(did(|| *MutexGuard::map(lock(), |both| &mut both.one)), LOOK);
    assert_eq!(
        did(|| {
            let part = MutexGuard::try_map(lock(), |both| Some(&mut both.two));
            *part.ok().unwrap() += 1;
        }),
        LOOK_AND_WRITE
    );
}

#[test]
fn readers_read_and_a_writer_does_what_it_does() {
    let lock = Arc::new(RwLock::new(BOTH));
    assert_eq!(
        said(|| run(async { lock.read().await.one })),
        ["read (read) at once", "enter", READ]
    );
    assert!(object() == Some(Object::of_identity(&*lock, &lock.identity)));
    assert_eq!(did(|| drop(lock.blocking_read())), NOTHING);
    let read = || lock.try_read().unwrap();
    assert_eq!(
        did(|| *RwLockReadGuard::map(read(), |both| &both.one)),
        READ
    );
    assert_eq!(
        said(|| run(async { lock.write().await.one += 1 })),
        ["write (update) at once", "enter", WRITE]
    );
    assert_eq!(did(|| lock.blocking_write().one), LOOK);
    let write = || lock.try_write().unwrap();
    assert_eq!(
        did(|| *RwLockWriteGuard::map(write(), |both| &mut both.one) += 1),
        LOOK_AND_WRITE
    );
    // The access goes on, although it cannot write any more.
    assert_eq!(
        said(|| {
            let mut both = write();
            both.one += 1;
            both.downgrade().one
        }),
        ["try_write (update) at once", "enter", WRITE]
    );
    assert_eq!(
        did(|| *RwLockWriteGuard::downgrade_map(write(), |both| &both.one)),
        LOOK
    );
    assert_eq!(did(|| RwLockWriteGuard::into_mapped(write()).one), LOOK);

    let read = || Arc::clone(&lock).try_read_owned().unwrap();
    assert_eq!(did(|| read().one), READ);
    assert_eq!(
        did(|| *OwnedRwLockReadGuard::map(read(), |both| &both.one)),
        READ
    );
    assert_eq!(
        did(|| run(async { Arc::clone(&lock).read_owned().await.one })),
        READ
    );
    let write = || Arc::clone(&lock).try_write_owned().unwrap();
    assert_eq!(did(|| write().one += 1), WRITE);
    assert_eq!(
        did(|| *OwnedRwLockWriteGuard::map(write(), |both| &mut both.one) += 1),
        LOOK_AND_WRITE
    );
    assert_eq!(did(|| OwnedRwLockWriteGuard::downgrade(write()).one), LOOK);
    assert_eq!(
        did(|| run(async { Arc::clone(&lock).write_owned().await.one += 1 })),
        WRITE
    );
    let _held = lock.try_read().unwrap();
    assert_eq!(
        said(|| assert!(lock.try_write().is_err())),
        ["try_write (update) at once"]
    );
}

static MUTEX: Mutex<u32> = Mutex::const_new(0);

#[test]
fn a_section_is_entered_with_the_lock_and_left_without_it() {
    let is_locked = || MUTEX.inner.try_lock().is_err();
    assert_eq!(
        said_locked(is_locked, || run(async { *MUTEX.lock().await += 1 })),
        ["lock (update) at once", "enter locked", "write"]
    );
    assert_eq!(
        said_locked(is_locked, || {
            *MutexGuard::map(MUTEX.blocking_lock(), |value| value) += 1;
        }),
        ["blocking_lock (update)", "enter locked", LOOK_AND_WRITE]
    );
}
