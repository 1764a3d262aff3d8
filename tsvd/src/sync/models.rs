//! What std has and loom lacks, in every interleaving, and mutants of each.

use super::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Relaxed};
use super::defect::{Defect, plant};
use super::{Arc, Condvar, LazyLock, Mutex, OnceLock};
use crate::cell::UnsafeCell;
use crate::model::Model;
use crate::model::checked::{self, fails, holds, shows};
use crate::thread;

/// Two threads want the value and count who makes it; a third looks whether it is there.
fn initialised_once() {
    let shared = Arc::new((OnceLock::new(), AtomicUsize::new(0)));
    let init = |shared: &(OnceLock<usize>, AtomicUsize), value: usize| {
        let seen = *shared.0.get_or_init(|| {
            shared.1.fetch_add(1, Relaxed);
            value
        });
        assert_eq!(shared.0.get(), Some(&seen), "the value changed");
        seen
    };
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || init(&shared, 1))
    };
    let looks = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || match shared.0.get() {
            Some(_) => crate::reachable!("there"),
            None => crate::reachable!("not there"),
        })
    };
    let mine = init(&shared, 2);
    let others = other.join().unwrap();
    looks.join().unwrap();
    assert_eq!(mine, others, "the threads have different values");
    match mine {
        1 => crate::reachable!("first"),
        _ => crate::reachable!("second"),
    }
    assert_eq!(shared.1.load(Relaxed), 1, "the value was made twice");
    assert_eq!(shared.0.set(3), Err(3), "the value was put in twice");
}

fn once() -> Model {
    let model = Model::new().property("made once, and seen whole by all");
    model.goals(["there", "not there", "first", "second"])
}

#[test]
fn a_once_lock_is_initialised_once() {
    shows(once().name("sync: OnceLock"), initialised_once);
}

#[test]
fn what_is_a_loop_of_exchanges_loses_nothing() {
    holds("sync: loops of exchanges", || {
        let shared = Arc::new((AtomicUsize::new(0), AtomicPtr::<u8>::default()));
        let add = |shared: &(AtomicUsize, AtomicPtr<u8>)| {
            shared.0.update(Relaxed, Relaxed, |count| count + 1);
            shared.1.fetch_byte_add(1, Relaxed);
        };
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || add(&shared))
        };
        add(&shared);
        other.join().unwrap();
        let limited = |count: usize| (count < 2).then_some(count + 1);
        assert_eq!(shared.0.try_update(Relaxed, Relaxed, limited), Err(2));
        assert_eq!(shared.1.fetch_ptr_sub(2, Relaxed).addr(), 2);
        assert_eq!(shared.1.fetch_or(3, Relaxed).addr(), 0);
        assert_eq!(shared.1.fetch_and(1, Relaxed).addr(), 3);
        assert_eq!(shared.1.fetch_xor(1, Relaxed).addr(), 1);
        let flag = AtomicBool::new(true);
        assert!(flag.fetch_not(Relaxed) && !flag.load(Relaxed));
    });
}

#[test]
fn a_lazy_lock_is_made_once() {
    holds("sync: LazyLock", || {
        let made = std::sync::Arc::new(AtomicUsize::new(0));
        let lazy = {
            let made = std::sync::Arc::clone(&made);
            Arc::new(LazyLock::new(move || made.fetch_add(1, Relaxed) + 7))
        };
        let other = {
            let lazy = Arc::clone(&lazy);
            thread::spawn(move || **lazy)
        };
        assert_eq!((**lazy, other.join().unwrap()), (7, 7));
        assert_eq!(made.load(Relaxed), 1);
    });
}

/// The value is announced in two steps, each with a notification.
fn waits_for_two() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            for _ in 0..2 {
                *shared.0.lock().unwrap() += 1;
                shared.1.notify_one();
            }
        })
    };
    let guard = shared.0.lock().unwrap();
    let guard = shared.1.wait_while(guard, |count| *count < 2).unwrap();
    assert_eq!(*guard, 2, "woken before the condition was true");
    drop(guard);
    other.join().unwrap();
}

#[test]
fn wait_while_waits_as_long_as_its_condition_holds() {
    holds("sync: wait_while", waits_for_two);
}

/// Two threads borrow from the stack of the third; the race is that of `early`, which does not wait for them.
fn borrowed(early: bool) {
    struct Cell(UnsafeCell<u32>);
    // SAFETY: loom watches it.
    unsafe impl Sync for Cell {}
    impl Cell {
        fn add(&self, more: u32) -> u32 {
            // SAFETY: loom watches it.
            self.0.with_mut(|value| unsafe {
                *value += more;
                *value
            })
        }
    }
    let (first, second) = (Cell(UnsafeCell::new(1)), Cell(UnsafeCell::new(2)));
    let count = AtomicUsize::new(0);
    let sum = thread::scope(|scope| {
        let one = scope.spawn(|| {
            first.add(10);
            count.fetch_add(1, Relaxed)
        });
        scope.spawn(|| {
            second.add(10);
            count.fetch_add(1, Relaxed);
        });
        if early {
            second.add(0);
        }
        one.join().unwrap()
    });
    assert!(sum < 2);
    assert_eq!(count.load(Relaxed), 2, "a thread outlives its scope");
    assert_eq!((first.add(0), second.add(0)), (11, 12));
}

#[test]
fn a_scope_ends_after_its_threads() {
    holds("thread: scope", || borrowed(false));
}

mod mutants {
    use super::*;

    fn rejected(mutant: &str, defect: Defect, message: &str, model: Model, body: fn()) {
        let test = format!("sync::models::mutants::{mutant}");
        fails(&test, &[], message, || {
            plant(defect);
            model.check(body)
        });
    }

    #[test]
    fn relaxed_publication() {
        let defect = Defect::RelaxedPublication;
        rejected(
            "relaxed_publication",
            defect,
            "Causality violation",
            once(),
            initialised_once,
        );
    }

    #[test]
    fn relaxed_get() {
        let defect = Defect::RelaxedGet;
        rejected(
            "relaxed_get",
            defect,
            "Causality violation",
            once(),
            initialised_once,
        );
    }

    #[test]
    fn initialised_twice() {
        let defect = Defect::InitialisedTwice;
        rejected(
            "initialised_twice",
            defect,
            "Causality violation",
            once(),
            initialised_once,
        );
    }

    #[test]
    fn waits_once() {
        let message = "woken before the condition was true";
        rejected(
            "waits_once",
            Defect::WaitsOnce,
            message,
            Model::new(),
            waits_for_two,
        );
    }

    /// Not of the shim but of the program.
    #[test]
    fn read_before_the_scope_ends() {
        let test = "sync::models::mutants::read_before_the_scope_ends";
        checked::rejected(test, "Causality violation", || borrowed(true));
    }

    #[test]
    fn deadlock_in_a_scope() {
        let test = "sync::models::mutants::deadlock_in_a_scope";
        checked::rejected(test, "deadlock; threads", || {
            let locks = (Mutex::new(()), Mutex::new(()));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _first = locks.0.lock().unwrap();
                    drop(locks.1.lock().unwrap());
                });
                let _second = locks.1.lock().unwrap();
                drop(locks.0.lock().unwrap());
            });
        });
    }

    #[test]
    fn wait_with_a_timeout() {
        let test = "sync::models::mutants::wait_with_a_timeout";
        checked::rejected(test, "time does not pass in a model", || {
            let (lock, changed) = (Mutex::new(()), Condvar::new());
            let guard = lock.lock().unwrap();
            drop(changed.wait_timeout(guard, std::time::Duration::from_millis(1)));
        });
    }
}
