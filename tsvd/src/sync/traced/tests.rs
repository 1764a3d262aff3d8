//! What critical sections and accesses of atomics say of themselves.

use std::panic::catch_unwind;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::thread;
use std::time::Duration;

use super::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32};
use super::{Condvar, Mutex, RwLock};
use crate::contract::Object;
use crate::section::log::{did, note, object, said, said_locked};

const READ: &str = "read";
const WRITE: &str = "write";
const UPDATE: &str = "update";
const NOTHING: &str = "nothing";
const REWRITTEN: &str = "rewritten";
const LOOK: &str = "revalidated, wrote false";
const REFUSED: &str = "refused";
const UNCHANGED: &str = "unchanged";
const LOOK_AND_WRITE: &str = "revalidated, wrote true";

#[test]
fn a_critical_section_did_what_was_done_through_its_guard() {
    let mutex = Mutex::new(vec![1]);
    assert_eq!(
        said(|| mutex.lock().unwrap().len()),
        ["lock (update)", "enter", LOOK]
    );
    assert!(object() == Some(Object::of_identity(&mutex, &mutex.identity)));
    let lock = || mutex.lock().unwrap();
    assert_eq!(did(|| drop(lock())), NOTHING);
    assert_eq!(did(|| lock().push(1)), WRITE);
    assert_eq!(did(|| format!("{:?}", lock())), LOOK);
    assert_eq!(
        did(|| {
            let mut values = lock();
            if !values.is_empty() {
                values.push(2);
            }
        }),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| {
            let mut values = lock();
            values.push(2);
            values.len()
        }),
        WRITE
    );
    assert_eq!(did(|| mutex.try_lock().unwrap().push(1)), WRITE);
}

#[test]
fn readers_read_and_a_writer_does_what_it_does() {
    let lock = RwLock::new(vec![1]);
    assert_eq!(
        said(|| lock.read().unwrap().len()),
        ["read (read)", "enter", READ]
    );
    assert!(object() == Some(Object::of_identity(&lock, &lock.identity)));
    assert_eq!(did(|| drop(lock.read().unwrap())), NOTHING);
    assert_eq!(did(|| format!("{:?}", lock.try_read().unwrap())), READ);
    assert_eq!(
        said(|| lock.write().unwrap().len()),
        ["write (update)", "enter", LOOK]
    );
    assert_eq!(did(|| lock.write().unwrap().push(1)), WRITE);
    assert_eq!(
        did(|| {
            let mut values = lock.try_write().unwrap();
            let next = values.len();
            values.push(next);
        }),
        LOOK_AND_WRITE
    );
}

#[test]
fn what_is_not_locked_does_nothing() {
    let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
    let (_one, _two) = (mutex.lock().unwrap(), lock.read().unwrap());
    assert_eq!(
        said(|| drop(mutex.try_lock())),
        ["try_lock (update) at once", "enter", "nothing"]
    );
    assert_eq!(
        said(|| drop(lock.try_write())),
        ["try_write (update) at once", "enter", "nothing"]
    );
}

#[test]
fn a_poisoned_lock_is_accessed_all_the_same() {
    let mutex = Mutex::new(1);
    let poisoned = thread::scope(|scope| {
        let panics = || {
            let _guard = mutex.lock().unwrap();
            std::panic::panic_any("its own");
        };
        scope.spawn(panics).join().is_err()
    });
    assert!(poisoned && mutex.is_poisoned());
    let unpoisoned = || mutex.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(did(|| *unpoisoned() += 1), WRITE);
    assert_eq!(did(|| drop(mutex.try_lock())), NOTHING);
}

static MUTEX: Mutex<u32> = Mutex::new(0);
static LOCK: RwLock<u32> = RwLock::new(0);

#[test]
fn a_section_is_entered_and_left_while_the_lock_is_free() {
    let mutex_is_locked = || MUTEX.inner.try_lock().is_err();
    assert_eq!(
        said_locked(mutex_is_locked, || *MUTEX.lock().unwrap() += 1),
        ["lock (update)", "enter", "write"]
    );
    let lock_is_locked = || LOCK.inner.try_write().is_err();
    assert_eq!(
        said_locked(lock_is_locked, || *LOCK.write().unwrap() += 1),
        ["write (update)", "enter", "write"]
    );
    assert_eq!(
        said_locked(lock_is_locked, || *LOCK.read().unwrap()),
        ["read (read)", "enter", "read"]
    );
}

#[test]
fn who_waits_leaves_and_comes_back() {
    let turns = Condvar::new();
    let mutex = Mutex::new(0);
    let short = Duration::from_millis(1);
    // Nobody notifies: what is waited for are timeouts.
    assert_eq!(
        said(|| {
            let mut value = mutex.lock().unwrap();
            *value += 1;
            let (value, _) = turns.wait_timeout(value, short).unwrap();
            note("waited".to_owned());
            *value
        }),
        [
            "lock (update)",
            "enter",
            WRITE,
            "wait_timeout (update) at once",
            "enter",
            "waited",
            LOOK
        ]
    );
    assert!(object() == Some(Object::of_identity(&mutex, &mutex.identity)));
    // The condition looks, although it could write.
    assert_eq!(
        said(|| {
            let value = mutex.lock().unwrap();
            let (mut value, _) = turns
                .wait_timeout_while(value, short, |value| *value == 0)
                .unwrap();
            *value += 1;
        }),
        ["lock (update)", "enter", LOOK_AND_WRITE]
    );
    assert_eq!(
        said(|| {
            let value = mutex.lock().unwrap();
            drop(turns.wait_timeout_while(value, short, |value| {
                note("asked".to_owned());
                *value != 0
            }));
        })[..6],
        [
            "lock (update)",
            "enter",
            "asked",
            LOOK,
            "wait_timeout_while (update) at once",
            "enter",
        ]
    );
    assert_eq!(
        said(|| drop(turns.wait_while(mutex.lock().unwrap(), |value| *value == 0))),
        ["lock (update)", "enter", LOOK]
    );
}

#[test]
fn who_is_notified_comes_back() {
    let (turns, mutex) = (Condvar::new(), Mutex::new(false));
    let said = thread::scope(|scope| {
        let waits = scope.spawn(|| {
            said(|| {
                let mut guard = mutex.lock().unwrap();
                while !*guard {
                    guard = turns.wait(guard).unwrap();
                }
            })
        });
        *mutex.lock().unwrap() = true;
        while !waits.is_finished() {
            turns.notify_all();
            thread::yield_now();
        }
        waits.join().unwrap()
    });
    let (first, rest) = said.split_at(3);
    assert_eq!(first, ["lock (update)", "enter", LOOK]);
    assert!(
        rest.chunks(3)
            .all(|waited| waited == ["wait (update) at once", "enter", LOOK]),
        "{rest:?}"
    );
}

type Modifies = fn(&AtomicU8) -> u8;

/// Of 0b0110: each once so that it changes, and once so that it does not.
fn read_modify_writes() -> [(Modifies, Modifies); 7] {
    [
        (|a| a.fetch_add(1, SeqCst), |a| a.fetch_add(0, SeqCst)),
        (|a| a.fetch_sub(1, SeqCst), |a| a.fetch_sub(0, SeqCst)),
        (|a| a.fetch_and(2, SeqCst), |a| a.fetch_and(7, SeqCst)),
        (|a| a.fetch_or(1, SeqCst), |a| a.fetch_or(2, SeqCst)),
        (|a| a.fetch_xor(1, SeqCst), |a| a.fetch_xor(0, SeqCst)),
        (|a| a.fetch_max(7, SeqCst), |a| a.fetch_max(5, SeqCst)),
        (|a| a.fetch_min(5, SeqCst), |a| a.fetch_min(7, SeqCst)),
    ]
}

#[test]
fn atomics_say_what_became_of_each_access() {
    let atomic = AtomicU32::new(1);
    assert_eq!(
        said(|| atomic.load(Acquire)),
        ["load (read)", "enter", READ]
    );
    assert!(object() == Some(Object::of_identity(&atomic, &atomic.identity)));
    assert_eq!(
        said(|| atomic.store(2, Release)),
        ["store (write)", "enter", WRITE]
    );
    for order in [Relaxed, Release, SeqCst] {
        assert_eq!(did(|| atomic.store(2, order)), REWRITTEN);
    }
    assert_eq!(
        said(|| atomic.fetch_add(1, SeqCst)),
        ["fetch_add (update)", "enter", UPDATE]
    );
    assert_eq!(did(|| atomic.swap(4, AcqRel)), UPDATE);
    let exchange = |current| atomic.compare_exchange(current, 3, AcqRel, Relaxed).is_ok();
    assert_eq!(did(|| exchange(4)), LOOK_AND_WRITE);
    assert_eq!(did(|| exchange(3)), LOOK, "it was 3 before");
    assert_eq!(did(|| exchange(4)), REFUSED);
    assert_eq!(
        did(|| atomic.compare_exchange_weak(4, 3, AcqRel, Relaxed)),
        REFUSED
    );
    assert_eq!(did(|| atomic.swap(3, AcqRel)), UNCHANGED);
    assert_eq!(
        said(|| atomic.fetch_update(AcqRel, Acquire, |value| Some(value + 1))),
        ["fetch_update (update)", "enter", LOOK_AND_WRITE]
    );
    assert_eq!(
        said(|| atomic.fetch_update(AcqRel, Acquire, |_| None)),
        ["fetch_update (update)", "enter", LOOK]
    );
    for (changes, vain) in read_modify_writes() {
        let changing = AtomicU8::new(0b0110);
        assert_eq!(did(|| changes(&changing)), UPDATE);
        let same = AtomicU8::new(0b0110);
        assert_eq!(did(|| vain(&same)), UNCHANGED);
        assert_eq!(same.into_inner(), 0b0110);
        assert_ne!(changing.into_inner(), 0b0110);
    }
    let nand = |bits| AtomicU8::new(bits).fetch_nand(0, SeqCst);
    assert_eq!(did(|| nand(1)), UPDATE);
    assert_eq!(did(|| nand(u8::MAX)), UNCHANGED);
    assert_eq!(
        said(|| atomic.update(AcqRel, Acquire, |value| value + 1)),
        ["update (update)", "enter", LOOK_AND_WRITE]
    );
    assert_eq!(
        said(|| atomic.try_update(AcqRel, Acquire, |value| Some(value + 1))),
        ["try_update (update)", "enter", LOOK_AND_WRITE]
    );
    assert_eq!(
        said(|| atomic.try_update(AcqRel, Acquire, |_| None)),
        ["try_update (update)", "enter", LOOK]
    );
    let flag = AtomicBool::new(false);
    assert_eq!(
        said(|| flag.fetch_not(AcqRel)),
        ["fetch_xor (update)", "enter", UPDATE]
    );
    let mut value = 1;
    assert_eq!(
        did(|| AtomicPtr::default().swap(&raw mut value, AcqRel)),
        UPDATE
    );
    let pointer = AtomicPtr::new(&raw mut value);
    assert_eq!(did(|| pointer.store(&raw mut value, Release)), REWRITTEN);
    let mut other = value;
    assert_eq!(did(|| pointer.store(&raw mut other, Release)), WRITE);
    assert_eq!(
        said(|| pointer.fetch_ptr_add(1, AcqRel)),
        ["fetch_ptr_add (update)", "enter", UPDATE]
    );
    assert_eq!(
        said(|| pointer.fetch_or(1, Release)),
        ["fetch_or (update)", "enter", UPDATE]
    );
}

#[test]
fn who_has_it_alone_is_not_watched() {
    let none: [&str; 0] = [];
    assert_eq!(
        said(|| {
            let mut mutex = Mutex::new(1);
            *mutex.get_mut().unwrap() += 1;
            let mut lock = RwLock::new(mutex.into_inner().unwrap());
            *lock.get_mut().unwrap() += 1;
            let mut atomic = AtomicU32::new(lock.into_inner().unwrap());
            *atomic.get_mut() += 1;
            assert_eq!(
                (format!("{atomic:?}"), atomic.into_inner()),
                ("4".to_owned(), 4)
            );
        }),
        none
    );
}

#[test]
fn an_order_that_is_none_for_a_store_panics_as_std_s() {
    for order in [Acquire, AcqRel] {
        let outcome = catch_unwind(|| AtomicU8::new(1).store(1, order));
        assert!(outcome.is_err(), "{order:?}");
    }
}
