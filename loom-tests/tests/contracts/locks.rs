//! Locks, and those that do not cover what they should.

use std::task::{Context, Waker};

use super::*;
use tsvd::sync::{MutexGuard, RwLock};

#[test]
fn a_lock_around_both() {
    holds("contracts: lock around both", || {
        beside(
            (Mutex::new(()), Dictionary::new()),
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                dictionary.insert(|| ());
            },
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                dictionary.get(|| ());
            },
        );
    });
}

/// Its operations get the guard of the lock that orders them, and give it back with their parameters.
struct Journal(#[expect(dead_code, reason = "a place needs a size")] u8);

#[tsvd::contract]
impl Journal {
    #[tsvd::write]
    fn append(&self, _turn: MutexGuard<'_, ()>) {}

    #[tsvd::write]
    async fn append_later(&self, _turn: MutexGuard<'_, ()>) {}
}

#[test]
fn a_lock_that_is_a_parameter() {
    holds("contracts: lock as a parameter", || {
        beside(
            (Mutex::new(()), Journal(0)),
            |(lock, journal)| journal.append(lock.lock().unwrap()),
            |(lock, journal)| {
                let later = std::pin::pin!(journal.append_later(lock.lock().unwrap()));
                let mut context = Context::from_waker(Waker::noop());
                assert!(later.poll(&mut context).is_ready());
            },
        );
    });
}

#[test]
fn a_read_lock_for_reads() {
    holds("contracts: readers and writer of an RwLock", || {
        beside(
            (RwLock::new(()), Dictionary::new()),
            |(lock, dictionary)| {
                {
                    let _held = lock.read().unwrap();
                    dictionary.get(|| ());
                }
                let _held = lock.write().unwrap();
                dictionary.insert(|| ());
            },
            |(lock, dictionary)| {
                let _held = lock.read().unwrap();
                dictionary.get(|| ());
            },
        );
    });
}

#[cfg(loom)]
#[test]
fn mutant_lock_on_one_side() {
    rejected(
        "locks::mutant_lock_on_one_side",
        "`Dictionary::insert` (write) at",
        || {
            beside(
                (Mutex::new(()), Dictionary::new()),
                |(lock, dictionary)| {
                    let _held = lock.lock().unwrap();
                    dictionary.insert(|| ());
                },
                |(_, dictionary)| dictionary.get(|| ()),
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_write_under_a_read_lock() {
    rejected(
        "locks::mutant_write_under_a_read_lock",
        "tsvd: contract violated: `Dictionary::",
        || {
            beside(
                (RwLock::new(()), Dictionary::new()),
                |(lock, dictionary)| {
                    let _held = lock.read().unwrap();
                    dictionary.insert(|| ());
                },
                |(lock, dictionary)| {
                    let _held = lock.read().unwrap();
                    dictionary.get(|| ());
                },
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_lock_for_the_entry_only() {
    rejected(
        "locks::mutant_lock_for_the_entry_only",
        "is not ordered with `Dictionary::insert` (write)",
        || {
            beside(
                (Mutex::new(()), Dictionary::new()),
                |(lock, dictionary)| {
                    let mut held = Some(lock.lock().unwrap());
                    dictionary.insert(|| held = None);
                },
                |(lock, dictionary)| {
                    let _held = lock.lock().unwrap();
                    dictionary.get(|| ());
                },
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_lock_inside_the_body() {
    rejected(
        "locks::mutant_lock_inside_the_body",
        "tsvd: contract violated: `Dictionary::",
        || {
            beside(
                (Mutex::new(()), Dictionary::new()),
                |(lock, dictionary)| dictionary.insert(|| drop(lock.lock().unwrap())),
                |(lock, dictionary)| dictionary.get(|| drop(lock.lock().unwrap())),
            );
        },
    );
}

/// Loom orders a reader after the readers before it, so only the overlap itself shows that nothing does.
#[cfg(loom)]
#[test]
fn mutant_exit_under_a_read_lock() {
    rejected(
        "locks::mutant_exit_under_a_read_lock",
        "tsvd: contract violated: `Dictionary::",
        || {
            beside(
                (Mutex::new(()), RwLock::new(()), Dictionary::new()),
                |(first, second, dictionary)| {
                    let mut held = Some(first.lock().unwrap());
                    let mut reading = None;
                    dictionary.insert(|| {
                        held = None;
                        reading = Some(second.read().unwrap());
                    });
                    drop(reading);
                },
                |(first, second, dictionary)| {
                    let _held = first.lock().unwrap();
                    let _reading = second.read().unwrap();
                    dictionary.get(|| ());
                },
            );
        },
    );
}
