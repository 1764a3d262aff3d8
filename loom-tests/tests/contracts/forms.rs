//! Operations that are no plain methods: scopes, drops, traits, functions.

use super::*;

/// Reads the dictionary as long as it lives, wherever it is dropped.
struct Iteration(#[expect(dead_code, reason = "held for its drop")] tsvd::Scope);

/// An iterator begins on one thread and ends on another, which then sets a flag.
fn iterate(publish: Ordering) {
    let shared = Arc::new((AtomicBool::new(false), Dictionary::new()));
    let iteration = Iteration(tsvd::scope(&shared.1).read());
    let thread = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            drop(iteration);
            shared.0.store(true, publish);
        })
    };
    if shared.0.load(Acquire) {
        shared.1.insert(|| ());
    }
    thread.join().unwrap();
    shared.1.insert(|| ());
}

#[test]
fn a_scope_that_ends_elsewhere() {
    holds("contracts: scope that moves", || iterate(Release));
}

#[cfg(loom)]
#[test]
fn mutant_scope_that_ended_unseen() {
    rejected(
        "forms::mutant_scope_that_ended_unseen",
        "`Dictionary::insert` (write) at",
        || iterate(Relaxed),
    );
}

#[cfg(loom)]
#[test]
fn mutant_closures() {
    rejected("forms::mutant_closures", "`Dictionary::scope` (", || {
        beside(
            Dictionary::new(),
            |dictionary| tsvd::writing(dictionary, || ()),
            |dictionary| tsvd::reading(dictionary, || ()),
        );
    });
}

/// A file that writes itself when it is dropped.
struct Buffer(u8);

#[tsvd::contract]
impl Buffer {
    #[tsvd::update]
    fn fill(&mut self) {
        self.0 += 1;
    }
}

#[tsvd::contract(write(drop))]
impl Drop for Buffer {
    fn drop(&mut self) {
        self.0 = 0;
    }
}

/// The last owner drops it, whichever that is: the count of owners orders the drop after every use.
#[test]
fn a_drop_by_the_last_owner() {
    holds("contracts: drop by the last owner", || {
        let owner = Arc::new(Mutex::new(Buffer(0)));
        let other = Arc::clone(&owner);
        let thread = thread::spawn(move || other.lock().unwrap().fill());
        owner.lock().unwrap().fill();
        drop(owner);
        thread.join().unwrap();
    });
}

trait Device {
    fn state(&self) -> u8;

    fn poll(&self) -> u8 {
        0
    }
}

struct Sensor(u8);

#[tsvd::contract]
impl Device for Sensor {
    #[tsvd::read]
    fn state(&self) -> u8 {
        self.0
    }

    #[tsvd::write]
    fn poll(&self) -> u8 {
        self.0
    }
}

/// C functions with one state behind them.
#[tsvd::write(resource = "the clock")]
fn set_clock() {}

#[test]
fn a_trait_and_a_function_under_a_lock() {
    holds("contracts: trait and function", || {
        fn both((lock, sensor): &(Mutex<()>, Sensor)) {
            let _held = lock.lock().unwrap();
            assert_eq!(sensor.state(), sensor.poll());
            set_clock();
        }
        beside((Mutex::new(()), Sensor(7)), both, both);
    });
}

#[cfg(loom)]
#[test]
fn mutant_trait_methods() {
    rejected(
        "forms::mutant_trait_methods",
        "`Sensor::poll` (write) at",
        || {
            beside(
                Sensor(7),
                |sensor| assert_eq!(sensor.poll(), 7),
                |sensor| assert_eq!(sensor.state(), 7),
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_functions() {
    rejected("forms::mutant_functions", "set_clock` (write) at", || {
        beside((), |()| set_clock(), |()| set_clock());
    });
}
