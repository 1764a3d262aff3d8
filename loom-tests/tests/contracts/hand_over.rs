//! Channels and condition variables.

use super::*;
use tsvd::sync::{Condvar, mpsc};

#[test]
fn a_channel() {
    holds("contracts: channel", || {
        let (sender, receiver) = mpsc::channel();
        beside(
            Dictionary::new(),
            |dictionary| {
                receiver.recv().unwrap();
                dictionary.get(|| ());
            },
            move |dictionary| {
                dictionary.insert(|| ());
                sender.send(()).unwrap();
            },
        );
    });
}

#[test]
fn a_condition_variable() {
    holds("contracts: condition variable", || {
        beside(
            (Mutex::new(false), Condvar::new(), Dictionary::new()),
            |(ready, changed, dictionary)| {
                let mut is_ready = ready.lock().unwrap();
                while !*is_ready {
                    is_ready = changed.wait(is_ready).unwrap();
                }
                dictionary.get(|| ());
            },
            |(ready, changed, dictionary)| {
                dictionary.insert(|| ());
                *ready.lock().unwrap() = true;
                changed.notify_one();
            },
        );
    });
}

#[cfg(loom)]
#[test]
fn mutant_sent_too_early() {
    rejected(
        "hand_over::mutant_sent_too_early",
        "tsvd: contract violated: `Dictionary::",
        || {
            let (sender, receiver) = mpsc::channel();
            beside(
                Dictionary::new(),
                |dictionary| {
                    receiver.recv().unwrap();
                    dictionary.get(|| ());
                },
                move |dictionary| {
                    sender.send(()).unwrap();
                    dictionary.insert(|| ());
                },
            );
        },
    );
}
