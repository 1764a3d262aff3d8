//! The four patterns, and what keeps each from being one: another part of the object, a look anew, another region.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use tsvd::model::Model;
use tsvd::sync::{Condvar, Mutex};
use tsvd_loom_tests::shows;

use super::beside;
use super::declared::Names;

/// Two ends that have nothing to do with each other.
#[derive(Default)]
struct Ends(AtomicU8, AtomicU8);

#[tsvd::contract(thread_safe)]
impl Ends {
    #[tsvd::read(role = "front")]
    fn front(&self) -> u8 {
        self.0.load(Relaxed)
    }

    #[tsvd::write(role = "front")]
    fn set_front(&self) {
        self.0.store(1, Relaxed);
    }

    #[tsvd::write(role = "back")]
    fn set_back(&self) {
        self.1.store(1, Relaxed);
    }
}

#[tsvd::expect_atomic]
fn look_at_the_front(ends: &Ends) {
    ends.front();
    ends.front();
}

#[test]
fn different_roles() {
    let model = Model::new()
        .name("regions: different roles")
        .property("an access of another role does not meet the region's");
    shows(model, || {
        beside(
            Ends::default(),
            |ends| {
                look_at_the_front(ends);
                ends.set_back();
            },
            Ends::set_back,
        );
    });
}

/// Two reads, of which the second begins anew.
#[test]
fn restarted() {
    let model = Model::new()
        .name("regions: restarted")
        .property("a restarted region begins anew");
    shows(model, || {
        beside(
            Names::default(),
            |names| {
                let region = tsvd::scope(names).key(&1_u8).expect_atomic();
                names.contains(1);
                region.restart();
                names.contains(1);
            },
            |names| names.insert(1, 2),
        );
    });
}

/// Another's write between two of the region's: one after the other has the same effect.
#[test]
fn writes_alone() {
    #[tsvd::expect_atomic]
    fn insert_twice(names: &Names) {
        names.insert(1, 1);
        names.insert(1, 2);
    }
    let model = Model::new()
        .name("regions: writes alone")
        .property("W-W-W is as if one after the other");
    shows(model, || {
        beside(Names::default(), insert_twice, |names| names.insert(1, 3));
    });
}

/// The inner region is over before the other's write can come between; the outer one is about another name.
#[test]
fn nested() {
    let model = Model::new()
        .name("regions: nested")
        .property("an inner region ends with its scope");
    shows(model, || {
        beside(
            Names::default(),
            |names| {
                let _outer = tsvd::scope(names).key(&2_u8).expect_atomic();
                names.contains(2);
                {
                    let _inner = tsvd::scope(names).key(&1_u8).expect_atomic();
                    names.contains(1);
                }
                names.contains(1);
                names.contains(2);
            },
            |names| names.insert(1, 2),
        );
    });
}

/// Waiting gives the lock back: what the region saw before counts no more, for it looks again in the section that goes on.
#[test]
fn a_wait_in_a_region() {
    #[tsvd::expect_atomic]
    fn take(shared: &(Mutex<u32>, Condvar)) {
        let mut jobs = shared.0.lock().unwrap();
        while *jobs == 0 {
            tsvd::reachable!("waited");
            jobs = shared.1.wait(jobs).unwrap();
        }
        *jobs -= 1;
    }
    let model = Model::new()
        .name("regions: wait")
        .property("a wait in a critical section is silent")
        .goals(["waited"]);
    shows(model, || {
        beside((Mutex::new(0), Condvar::new()), take, |shared| {
            *shared.0.lock().unwrap() += 1;
            shared.1.notify_one();
        });
    });
}

/// What it wrote before it waits is for others to see: here, that somebody waits.
#[test]
fn a_write_before_a_wait() {
    #[tsvd::expect_atomic]
    fn take(shared: &(Mutex<(u32, u32)>, Condvar)) {
        let mut jobs = shared.0.lock().unwrap();
        while jobs.0 == 0 {
            tsvd::reachable!("waited");
            jobs.1 += 1;
            jobs = shared.1.wait(jobs).unwrap();
            jobs.1 -= 1;
        }
        jobs.0 -= 1;
    }
    let model = Model::new()
        .name("regions: count of who waits")
        .property("a write before a wait, and one after it, are silent")
        .goals(["waited"]);
    shows(model, || {
        beside((Mutex::new((0, 0)), Condvar::new()), take, |shared| {
            let mut jobs = shared.0.lock().unwrap();
            jobs.0 += 1;
            if jobs.1 > 0 {
                shared.1.notify_one();
            }
        });
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    macro_rules! mutants {
        ($($name:ident: $message:expr, $this:expr, $other:expr;)*) => {$(
            #[test]
            fn $name() {
                let test = concat!("patterns::mutants::", stringify!($name));
                rejected(test, $message, || beside(Names::default(), $this, $other));
            }
        )*};
    }

    /// A type whose calls may not overlap, under a lock of its own.
    #[derive(Default)]
    struct Purse(u32);

    #[tsvd::contract]
    impl Purse {
        #[tsvd::read]
        fn amount(&self) -> u32 {
            self.0
        }

        #[tsvd::write]
        fn put(&mut self, amount: u32) {
            self.0 = amount;
        }
    }

    #[tsvd::expect_atomic]
    fn insert_then_look(names: &Names) {
        names.insert(1, 1);
        names.contains(1);
    }

    #[tsvd::expect_atomic]
    fn insert_twice(names: &Names) {
        names.insert(1, 1);
        names.insert(1, 2);
    }

    #[tsvd::expect_atomic]
    fn look_then_insert(names: &Names) {
        names.contains(1);
        names.insert(1, 1);
    }

    #[tsvd::expect_atomic]
    fn look_twice(names: &Names) {
        names.contains(1);
        names.contains(1);
    }

    #[tsvd::expect_atomic]
    fn look_around_a_region(names: &Names) {
        names.contains(1);
        {
            let inner = tsvd::scope(names).key(&1_u8).expect_atomic();
            inner.restart();
        }
        names.contains(1);
    }

    fn insert(names: &Names) {
        names.insert(1, 9);
    }

    mutants! {
        read_write_read: "(R-W-R)", look_twice, insert;
        write_write_read: "(W-W-R)", insert_then_look, insert;
        read_write_write: "(R-W-W)", look_then_insert, insert;
        write_read_write: "(W-R-W)", insert_twice, |names| {
            names.contains(1);
        };
        restarted_within: "the region `look_around_a_region`", look_around_a_region, insert;
    }

    #[test]
    fn one_role() {
        rejected(
            "patterns::mutants::one_role",
            "but `Ends::set_front`",
            || {
                beside(Ends::default(), look_at_the_front, Ends::set_front);
            },
        );
    }

    #[test]
    fn over_calls_that_may_not_overlap() {
        rejected(
            "patterns::mutants::over_calls_that_may_not_overlap",
            "but `Purse::put` (write) at",
            || {
                let purse = std::sync::Arc::new(::loom::sync::Mutex::new(Purse::default()));
                let other = {
                    let purse = std::sync::Arc::clone(&purse);
                    tsvd::thread::spawn(move || purse.lock().unwrap().put(5))
                };
                let _region = {
                    let owned = purse.lock().unwrap();
                    let region = tsvd::scope(&*owned).expect_atomic();
                    owned.amount();
                    region
                };
                purse.lock().unwrap().put(1);
                other.join().unwrap();
            },
        );
    }
}
