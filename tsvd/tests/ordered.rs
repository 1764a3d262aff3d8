//! The strategy `tsvd-hb`: programs that `tsvd::sync` and `tsvd::thread` order are not suspected, all others are.
//!
//! Each scenario is a process of its own with real threads. Where an order is to come of one thing alone, the threads are
//! std's, of which nothing is told.

#![cfg(not(loom))]

mod process;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use process::{Ended, run_with};
use tsvd::sync::atomic::AtomicUsize;
use tsvd::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::mpsc::{Receiver, Sender, channel};
use tsvd::sync::{Condvar, Mutex, OnceLock, RwLock};

const ROUNDS: usize = 40;

/// Whose calls are harmless, so that only what is told of their order matters.
#[derive(Default)]
struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    #[tsvd::read]
    fn get(&self) {
        std::hint::black_box(self.0.load(Relaxed));
    }

    #[tsvd::write]
    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Not asleep, so that calls of other threads come close.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

fn by_clocks(body: impl FnOnce()) -> Option<Ended> {
    run_by("tsvd-hb", body)
}

/// It is about operations; what might be a region over the locks and atomics themselves is another matter.
fn run_by(strategy: &str, body: impl FnOnce()) -> Option<Ended> {
    run_with(
        &[("TSVD_STRATEGY", strategy), ("TSVD_SUSPICIONS", "off")],
        body,
    )
}

fn near_misses(ended: &Ended) -> u64 {
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.as_ref().expect("a report");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations as usize >= ROUNDS);
    report.summary.near_misses
}

/// A program that is seen to be ordered. It has near misses for whoever does not see that, or silence would mean nothing.
fn ordered(body: impl Fn()) {
    let Some(ended) = by_clocks(&body) else {
        return;
    };
    let blind = run_by("observe", &body).expect("this is the parent");
    assert_eq!(near_misses(&ended), 0, "{}", ended.stderr);
    let summary = ended.report.unwrap().summary;
    assert_eq!((summary.delays, summary.delay_ms), (0, 0));
    assert!(near_misses(&blind) > 0);
}

/// A program that is not: it is delayed, and the violation found.
fn unordered(body: impl Fn()) {
    let Some(ended) = by_clocks(body) else {
        return;
    };
    assert_eq!(ended.status, Some(66), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert_eq!(report.run.strategy, "tsvd-hb");
    assert!(report.summary.delays > 0);
    let violation = &report.violations[0];
    let mut operations = [&violation.first, &violation.second].map(|party| &*party.operation);
    operations.sort_unstable();
    assert_eq!(operations, ["get", "insert"]);
}

/// A program whose threads are ordered by what nobody tells of: near misses, each time.
fn suspected(round: impl Fn(&'static Store)) {
    let Some(ended) = by_clocks(|| {
        // Before the first call nothing is told.
        Store::default().get();
        (0..ROUNDS).for_each(|_| round(at_its_own_address()));
    }) else {
        return;
    };
    assert!(near_misses(&ended) > 0);
}

#[test]
fn a_thread_comes_after_what_began_it_and_before_what_joins_it() {
    ordered(|| {
        let store = Arc::new(Store::default());
        for _ in 0..ROUNDS {
            store.insert();
            let child = Arc::clone(&store);
            let body = move || {
                work();
                child.insert();
            };
            tsvd::thread::spawn(body).join().unwrap();
            let child = Arc::clone(&store);
            let builder = tsvd::thread::Builder::new();
            let handle = builder.spawn(move || child.insert()).unwrap();
            handle.join().unwrap();
        }
    });
}

#[test]
fn what_both_do_before_the_join_is_not_ordered() {
    unordered(|| {
        let store = Arc::new(Store::default());
        let child = Arc::clone(&store);
        let handle = tsvd::thread::spawn(move || {
            for _ in 0..20 * ROUNDS {
                child.insert();
                work();
            }
        });
        for _ in 0..20 * ROUNDS {
            store.get();
            work();
        }
        handle.join().unwrap();
    });
}

#[test]
fn a_scope_comes_after_its_threads_joined_or_not() {
    ordered(|| {
        let store = Store::default();
        for round in 0..ROUNDS {
            store.insert();
            tsvd::thread::scope(|scope| {
                let body = || {
                    work();
                    store.insert();
                };
                let builder = tsvd::thread::Builder::new();
                let handle = if round % 2 == 0 {
                    scope.spawn(body)
                } else {
                    builder.spawn_scoped(scope, body).unwrap()
                };
                if round % 4 < 2 {
                    handle.join().unwrap();
                    store.insert();
                }
            });
            store.insert();
        }
    });
}

#[test]
fn a_job_comes_after_where_it_inherits_from() {
    ordered(|| {
        let (jobs, work_of) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let pool = std::thread::spawn(move || work_of.into_iter().for_each(|job| job()));
        for _ in 0..ROUNDS {
            let store = at_its_own_address();
            store.insert();
            let job = tsvd::context::inherit(move || store.insert());
            jobs.send(Box::new(job)).unwrap();
            work();
        }
        drop(jobs);
        pool.join().unwrap();
    });
}

/// Runs `body` on two threads that nothing orders, with their numbers.
fn on_two(body: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..2 {
            let body = &body;
            scope.spawn(move || body(number));
        }
    });
}

/// For scenarios one after the other: of an address that is used again nobody tells.
fn at_its_own_address() -> &'static Store {
    Box::leak(Box::default())
}

/// Takes turns by `wait`, which returns at the thread's own number, and `pass`, which tells the other's.
fn in_turn(wait: impl Fn(usize) + Sync, pass: impl Fn(usize) + Sync) {
    let store = at_its_own_address();
    on_two(|number| {
        for _ in 0..ROUNDS {
            wait(number);
            store.insert();
            work();
            pass(1 - number);
        }
    });
}

#[test]
fn owners_of_a_mutex_are_ordered() {
    ordered(|| {
        let store = Mutex::new(Store::default());
        on_two(|_| {
            for round in 0..ROUNDS {
                let guard = if round % 2 == 0 {
                    store.lock().ok()
                } else {
                    store.try_lock().ok()
                };
                if let Some(store) = guard {
                    store.insert();
                }
                work();
            }
        });
    });
}

#[test]
fn owners_of_two_mutexes_are_not() {
    unordered(|| {
        let store = Store::default();
        let locks = [const { Mutex::new(()) }; 2];
        on_two(|number| {
            for _ in 0..20 * ROUNDS {
                let lock = locks[number].lock().unwrap();
                if number == 0 {
                    store.insert();
                } else {
                    store.get();
                }
                drop(lock);
                work();
            }
        });
    });
}

#[test]
fn who_waits_for_a_condition_gives_the_mutex_away() {
    type Wait = fn(&Condvar, &Mutex<usize>, usize);
    let waits: [Wait; 3] = [
        |turns, turn, own| {
            let mut guard = turn.lock().unwrap();
            while *guard != own {
                guard = turns.wait(guard).unwrap();
            }
        },
        |turns, turn, own| {
            let mut guard = turn.lock().unwrap();
            while *guard != own {
                guard = turns
                    .wait_timeout(guard, Duration::from_secs(60))
                    .unwrap()
                    .0;
            }
        },
        |turns, turn, own| {
            let guard = turn.lock().unwrap();
            drop(turns.wait_while(guard, |turn| *turn != own).unwrap());
        },
    ];
    ordered(|| {
        for wait in waits {
            let (turns, turn) = (Condvar::new(), Mutex::new(0));
            in_turn(
                |own| wait(&turns, &turn, own),
                |next| {
                    *turn.lock().unwrap() = next;
                    turns.notify_one();
                },
            );
        }
    });
}

/// Calls made in the condition, and by whoever holds the mutex while the other waits.
#[test]
fn a_condition_is_asked_with_the_mutex_locked() {
    ordered(|| {
        for timed in [false, true] {
            let store = at_its_own_address();
            let (turns, turn) = (Condvar::new(), Mutex::new(0));
            on_two(|own| {
                let mut guard = turn.lock().unwrap();
                for _ in 0..ROUNDS {
                    store.insert();
                    let condition = |turn: &mut usize| {
                        store.insert();
                        *turn != own
                    };
                    guard = if timed {
                        let limit = Duration::from_secs(60);
                        let waited = turns.wait_timeout_while(guard, limit, condition);
                        waited.unwrap().0
                    } else {
                        turns.wait_while(guard, condition).unwrap()
                    };
                    store.insert();
                    work();
                    *guard = 1 - own;
                    turns.notify_one();
                }
            });
        }
    });
}

#[test]
fn writers_of_a_lock_come_after_readers_and_these_after_writers() {
    ordered(|| {
        let store = RwLock::new(Store::default());
        on_two(|number| {
            for _ in 0..ROUNDS {
                if number == 0 {
                    store.write().unwrap().insert();
                } else {
                    store.read().unwrap().get();
                }
                work();
            }
        });
        on_two(|number| {
            for _ in 0..ROUNDS {
                if number == 0 {
                    if let Ok(store) = store.try_write() {
                        store.insert();
                    }
                } else if let Ok(store) = store.try_read() {
                    store.get();
                }
                work();
            }
        });
    });
}

#[test]
fn readers_of_a_lock_are_not_ordered_among_themselves() {
    suspected(|store| {
        let lock = RwLock::new(());
        std::thread::scope(|scope| {
            let insert = || {
                let _guard = lock.read().unwrap();
                store.insert();
            };
            scope.spawn(insert).join().unwrap();
        });
        let _guard = lock.read().unwrap();
        store.get();
    });
}

#[test]
fn who_finds_a_value_comes_after_who_set_it() {
    ordered(|| {
        let stores: Vec<_> = (0..ROUNDS)
            .map(|_| (Store::default(), OnceLock::new()))
            .collect();
        on_two(|number| {
            for (round, (store, once)) in stores.iter().enumerate() {
                if number == 0 {
                    store.insert();
                    if round % 2 == 0 {
                        once.set(round).unwrap();
                    } else {
                        once.get_or_init(|| {
                            store.insert();
                            round
                        });
                    }
                } else if round % 3 == 0 {
                    once.wait();
                    store.insert();
                } else {
                    while once.get().is_none() {
                        std::thread::yield_now();
                    }
                    store.insert();
                }
            }
        });
    });
}

#[test]
fn who_receives_a_message_comes_after_who_sent_it() {
    type Receive = fn(&Receiver<()>);
    let ways: [Receive; 5] = [
        |receiver| receiver.recv().unwrap(),
        |receiver| receiver.recv_timeout(Duration::from_secs(60)).unwrap(),
        |receiver| {
            while receiver.try_recv().is_err() {
                std::thread::yield_now();
            }
        },
        |receiver| receiver.iter().next().unwrap(),
        |receiver| {
            while receiver.try_iter().next().is_none() {
                std::thread::yield_now();
            }
        },
    ];
    ordered(|| {
        let store = Store::default();
        let (there, thence) = channel();
        let (back, hence) = channel();
        let body = |sender: Sender<()>, receiver: Receiver<()>| {
            for round in 0..ROUNDS {
                ways[round % ways.len()](&receiver);
                store.insert();
                work();
                // Nobody is there to get the last one.
                let _ = sender.send(());
            }
        };
        there.send(()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| body(back, thence));
            body(there, hence);
        });
    });
}

#[test]
fn an_earlier_message_orders_nothing_that_comes_after_it() {
    suspected(|store| {
        let (sender, receiver) = channel();
        let insert = move || {
            sender.send(()).unwrap();
            store.insert();
            sender.send(()).unwrap();
        };
        std::thread::spawn(insert).join().unwrap();
        receiver.recv().unwrap();
        store.get();
    });
}

/// Waits until `turn` is this, by loads.
fn load(turn: &AtomicUsize, own: usize) {
    while turn.load(Acquire) != own {
        std::thread::yield_now();
    }
}

#[test]
fn a_flag_orders() {
    ordered(|| {
        let turn = AtomicUsize::new(0);
        in_turn(|own| load(&turn, own), |next| turn.store(next, Release));
    });
}

#[test]
fn read_modify_writes_order() {
    type Pass = fn(&AtomicUsize, usize);
    let passes: [Pass; 6] = [
        |turn, next| _ = turn.swap(next, AcqRel),
        |turn, _| _ = turn.fetch_xor(1, Release),
        |turn, next| _ = turn.compare_exchange(1 - next, next, Release, Relaxed),
        |turn, next| {
            while turn
                .compare_exchange_weak(1 - next, next, SeqCst, Relaxed)
                .is_err()
            {}
        },
        |turn, next| _ = turn.fetch_update(Release, Relaxed, |_| Some(next)),
        |turn, next| turn.store(next, SeqCst),
    ];
    type Wait = fn(&AtomicUsize, usize);
    let waits: [Wait; 4] = [
        |turn, own| while turn.fetch_add(0, Acquire) != own {},
        |turn, own| while turn.compare_exchange(own, own, Acquire, Relaxed).is_err() {},
        // It never succeeds.
        |turn, own| while turn.compare_exchange(7, 7, Relaxed, SeqCst) != Err(own) {},
        |turn, own| while turn.fetch_update(Relaxed, Acquire, |_| None) != Err(own) {},
    ];
    ordered(|| {
        for pass in passes {
            let turn = AtomicUsize::new(0);
            in_turn(|own| load(&turn, own), |next| pass(&turn, next));
        }
        for wait in waits {
            let turn = AtomicUsize::new(0);
            in_turn(|own| wait(&turn, own), |next| turn.store(next, Release));
        }
    });
}

/// A flag whose two accesses are these.
fn not_by(release: fn(&AtomicUsize), acquire: fn(&AtomicUsize)) {
    suspected(|store| {
        let flag = Arc::new(AtomicUsize::new(0));
        let other = Arc::clone(&flag);
        let insert = move || {
            store.insert();
            release(&other);
        };
        std::thread::spawn(insert).join().unwrap();
        acquire(&flag);
        store.get();
    });
}

#[test]
fn a_relaxed_store_orders_nothing() {
    not_by(
        |flag| flag.store(1, Relaxed),
        |flag| _ = flag.swap(2, SeqCst),
    );
}

#[test]
fn a_relaxed_load_orders_nothing() {
    not_by(|flag| flag.store(1, Release), |flag| _ = flag.load(Relaxed));
}

#[test]
fn an_exchange_that_fails_orders_nothing_by_what_it_would_have_stored() {
    not_by(
        |flag| _ = flag.compare_exchange(7, 1, SeqCst, SeqCst),
        |flag| _ = flag.load(Acquire),
    );
}

#[test]
fn an_exchange_that_fails_reads_as_it_says_for_that() {
    not_by(
        |flag| flag.store(1, Release),
        |flag| _ = flag.compare_exchange(7, 1, Acquire, Relaxed),
    );
}

#[cfg(unix)]
#[test]
fn a_forked_child_locks_as_ever() {
    let Some(ended) = by_clocks(|| {
        let store = Mutex::new(Store::default());
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            // Somebody who is always about to tell of something, for whom the child has no thread.
            scope.spawn(|| {
                while done.load(Acquire) == 0 {
                    store.lock().unwrap().insert();
                }
            });
            let own = Mutex::new(());
            store.lock().unwrap().insert();
            for _ in 0..200 {
                // SAFETY: the child locks and ends.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    (0..4_096).for_each(|_| drop(own.lock().unwrap()));
                    (0..4_096).for_each(|n| done.store(n, Release));
                    // SAFETY: runs nothing of the parent's.
                    unsafe { libc::_exit(0) };
                }
                let mut status = 0;
                // SAFETY: waits for the child that was just begun.
                let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
                assert_eq!((waited, status), (child, 0));
            }
            done.store(1, Release);
        });
    }) else {
        return;
    };
    assert_eq!(near_misses(&ended), 0);
}
