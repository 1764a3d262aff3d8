//! What is one object.

use super::*;
use dictionary::{End, Handle};

/// An object that lives briefly on each of two threads, probably at the same address.
#[test]
fn an_address_used_twice_is_two_objects() {
    holds("contracts: address used twice", || {
        fn brief(turn: &AtomicBool) {
            let dictionary = Box::new(Dictionary::new());
            dictionary.insert(|| turn.store(true, Relaxed));
        }
        beside(AtomicBool::new(false), brief, brief);
    });
}

#[test]
fn two_objects_are_two() {
    holds("contracts: two objects", || {
        beside(
            (
                AtomicBool::new(false),
                [Dictionary::new(), Dictionary::new()],
            ),
            |(turn, two)| two[0].insert(|| turn.store(true, Relaxed)),
            |(turn, two)| two[1].insert(|| turn.store(true, Relaxed)),
        );
    });
}

/// What two objects do to one resource under one lock.
#[test]
fn a_resource_under_a_lock() {
    holds("contracts: resource", || {
        let locked = |lock: &Mutex<()>, dictionary: &Dictionary| {
            let _held = lock.lock().unwrap();
            dictionary.use_library(|| ());
        };
        beside(
            (Mutex::new(()), [Dictionary::new(), Dictionary::new()]),
            move |(lock, two)| locked(lock, &two[0]),
            move |(lock, two)| locked(lock, &two[1]),
        );
    });
}

/// A value that is used by whoever has taken it out of its place.
#[test]
fn an_id_that_moves() {
    holds("contracts: id that moves", || {
        let take_and_use = |place: &Mutex<Option<Handle>>| {
            let taken = place.lock().unwrap().take();
            if let Some(handle) = taken {
                handle.refresh(|| ());
                *place.lock().unwrap() = Some(handle);
            }
        };
        beside(Mutex::new(Some(Handle::new())), take_and_use, take_and_use);
    });
}

#[cfg(loom)]
#[test]
fn mutant_one_resource_behind_two_objects() {
    rejected(
        "identity::mutant_one_resource_behind_two_objects",
        "on resource `the C library's state`",
        || {
            beside(
                [Dictionary::new(), Dictionary::new()],
                |two| two[0].use_library(|| ()),
                |two| two[1].use_library(|| ()),
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_one_id() {
    rejected(
        "identity::mutant_one_id",
        "on one contracts::dictionary::Handle (by its id)",
        || {
            beside(
                Handle::new(),
                |handle| handle.refresh(|| ()),
                |handle| handle.refresh(|| ()),
            );
        },
    );
}

/// Each thread has an end of its own, and both ends are one object.
fn two_ends(lock_both: bool) {
    let end = End::new();
    let other = end.clone();
    let send = |lock: &Mutex<()>, mut end: End, locked: bool| {
        let _held = locked.then(|| lock.lock().unwrap());
        end.send(|| ());
    };
    beside(
        Mutex::new(()),
        move |lock| send(lock, end, true),
        move |lock| send(lock, other, lock_both),
    );
}

#[test]
fn what_two_handles_share() {
    holds("contracts: shared object", || two_ends(true));
}

#[cfg(loom)]
#[test]
fn mutant_two_handles_of_one_object() {
    let message = "`End::send` (write) at";
    rejected(
        "identity::mutant_two_handles_of_one_object",
        message,
        || two_ends(false),
    );
}
