//! Correct programs, and addresses that mean something else than they seem: never reported.
//!
//! Each runs in a process of its own with real threads and real delays. Where delays can be provoked the test insists on
//! them: silence of an engine that suspected nothing proves nothing.

#![cfg(not(loom))]

mod process;

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use process::silent;

/// Enough rounds for near misses, arming, and delays until they have worn out.
const ROUNDS: usize = 60;

struct Cell<T = u64>(UnsafeCell<T>);

// SAFETY: the tests order every access, or the bodies do not touch the value.
unsafe impl<T: Send> Sync for Cell<T> {}

#[tsvd::contract]
impl Cell<u64> {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    #[tsvd::read]
    fn get(&self) -> u64 {
        // SAFETY: no test writes at the same time.
        unsafe { *self.0.get() }
    }

    #[tsvd::write]
    fn add(&self, n: u64) {
        // SAFETY: no test accesses it at the same time.
        unsafe { *self.0.get() += n }
    }

    #[tsvd::write]
    fn add_once_positive(&self, n: u64) {
        if self.get() == 0 {
            self.add(n);
        }
    }

    #[tsvd::write]
    fn during(&self, body: impl FnOnce()) {
        body();
    }

    #[tsvd::write]
    fn release(self: Box<Self>) -> u64 {
        self.0.into_inner()
    }
}

/// Half a millisecond that is not asleep, so that calls of other threads come close.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

/// Both bodies, on threads that begin together.
fn both(left: impl FnOnce() + Send, right: impl FnOnce()) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let start = &start;
        scope.spawn(move || {
            start.wait();
            left();
        });
        start.wait();
        right();
    });
}

struct Empty;

#[tsvd::contract]
impl Empty {
    #[tsvd::write]
    fn write(&self) {
        work();
    }
}

#[test]
fn two_objects_of_size_zero() {
    // Nothing with an identity ran, so nothing was watched; the one operation that is shows that detection was on.
    silent(false, || {
        Cell::new().add(1);
        let pair = (Empty, Empty);
        assert!(std::ptr::eq(&pair.0, &pair.1), "they do have one address");
        both(
            || (0..ROUNDS).for_each(|_| pair.0.write()),
            || (0..ROUNDS).for_each(|_| pair.1.write()),
        );
    });
}

#[repr(C)]
struct Owner {
    first: First,
}

struct First(u8);

#[tsvd::contract]
impl Owner {
    #[tsvd::write]
    fn write(&self) {
        work();
    }
}

#[tsvd::contract]
impl First {
    #[tsvd::write]
    fn write(&self) {
        std::hint::black_box(self.0);
        work();
    }
}

#[test]
fn a_first_field_at_its_owners_address() {
    silent(false, || {
        let owner = Owner { first: First(1) };
        assert_eq!((&raw const owner).addr(), (&raw const owner.first).addr());
        both(
            || (0..ROUNDS).for_each(|_| owner.write()),
            || (0..ROUNDS).for_each(|_| owner.first.write()),
        );
    });
}

struct Foo<T>(T);

#[tsvd::contract]
impl<T> Foo<T> {
    #[tsvd::write]
    fn write(&self) {
        work();
    }
}

#[test]
fn a_generic_type_inside_itself() {
    silent(false, || {
        let nested = Foo(Foo(1_u8));
        assert_eq!((&raw const nested).addr(), (&raw const nested.0).addr());
        both(
            || (0..ROUNDS).for_each(|_| nested.write()),
            || (0..ROUNDS).for_each(|_| nested.0.write()),
        );
    });
}

#[test]
fn a_write_that_calls_a_read_and_a_write_of_itself() {
    // Under a lock, so that there are near misses and delays, also inside the nested calls.
    silent(true, || {
        let cell = Mutex::new(Cell::new());
        let body = || {
            (0..ROUNDS).for_each(|_| {
                cell.lock().unwrap().add_once_positive(1);
                work();
            })
        };
        both(body, body);
        assert_eq!(cell.into_inner().unwrap().get(), 1);
    });
}

#[test]
fn one_threads_own_calls_are_not_even_suspected() {
    silent(false, || {
        let cell = Cell::new();
        for _ in 0..ROUNDS {
            cell.during(|| cell.add_once_positive(1));
        }
        assert_eq!(cell.get(), 1);
    });
}

#[test]
fn addresses_freed_and_taken_by_others_while_traps_are_live() {
    silent(true, || {
        // One thread's free is the other's next allocation: the boxes are passed on to be freed there.
        let (give, take) = mpsc::sync_channel::<Box<Cell<u64>>>(4);
        let locked = Mutex::new(Cell::new());
        let churn = |n: u64| {
            let cell = Box::new(Cell::new());
            cell.add(n);
            cell.get();
            cell
        };
        both(
            move || {
                (0..2_000).for_each(|n| {
                    let cell = churn(n);
                    locked.lock().unwrap().add(1);
                    give.send(cell).unwrap();
                })
            },
            || {
                for (n, cell) in take.into_iter().enumerate() {
                    assert_eq!(cell.release(), n as u64);
                    drop(churn(1));
                }
            },
        );
    });
}

#[test]
fn a_leaked_scope_whose_object_is_gone() {
    silent(true, || {
        let slot = Cell::new();
        // A scope on an object that used to be in this slot.
        std::mem::forget(thread::scope(|scope| {
            scope.spawn(|| tsvd::scope(&slot).read()).join().unwrap()
        }));
        (0..ROUNDS).for_each(|_| {
            slot.add(1);
            work();
        });
    });
}

#[test]
fn a_write_whose_scoped_threads_read_the_same_object() {
    silent(true, || {
        let cell = Cell::new();
        (0..ROUNDS).for_each(|_| {
            cell.during(|| {
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| {
                            work();
                            cell.get()
                        });
                    }
                });
            });
        });
    });
}

#[test]
fn calls_ordered_by_a_mutex() {
    silent(true, || {
        let cell = Mutex::new(Cell::new());
        both(
            || {
                (0..ROUNDS).for_each(|_| {
                    cell.lock().unwrap().add(1);
                    work();
                })
            },
            || {
                (0..ROUNDS).for_each(|_| {
                    cell.lock().unwrap().get();
                    work();
                })
            },
        );
        assert_eq!(cell.into_inner().unwrap().get(), ROUNDS as u64);
    });
}

#[test]
fn calls_ordered_by_a_read_write_lock() {
    silent(true, || {
        let cell = RwLock::new(Cell::new());
        both(
            || {
                (0..ROUNDS).for_each(|_| {
                    cell.write().unwrap().add(1);
                    work();
                })
            },
            || {
                (0..ROUNDS).for_each(|_| {
                    cell.read().unwrap().get();
                    work();
                })
            },
        );
    });
}

#[test]
fn calls_ordered_by_fork_and_join() {
    silent(true, || {
        let cell = Cell::new();
        for _ in 0..ROUNDS {
            cell.add(1);
            thread::scope(|scope| scope.spawn(|| cell.add(1)).join().unwrap());
            cell.get();
        }
        assert_eq!(cell.get(), 2 * ROUNDS as u64);
    });
}

#[test]
fn calls_ordered_by_a_channel() {
    silent(true, || {
        let cell = &Cell::new();
        let (there, arrived) = mpsc::channel();
        let (back, returned) = mpsc::channel();
        both(
            move || {
                for _ in 0..ROUNDS {
                    cell.add(1);
                    there.send(()).unwrap();
                    returned.recv().unwrap();
                }
            },
            move || {
                for _ in 0..ROUNDS {
                    arrived.recv().unwrap();
                    cell.add(1);
                    back.send(()).unwrap();
                }
            },
        );
    });
}

#[test]
fn calls_ordered_by_a_barrier() {
    silent(true, || {
        let cell = Cell::new();
        let barrier = Barrier::new(2);
        let step = |turn: usize| {
            for round in 0..ROUNDS {
                if round % 2 == turn {
                    cell.add(1);
                }
                barrier.wait();
            }
        };
        both(|| step(0), || step(1));
    });
}

#[test]
fn calls_ordered_by_a_release_acquire_flag() {
    silent(true, || {
        let cell = Cell::new();
        let turn = AtomicUsize::new(0);
        let step = |me: usize| {
            for round in 0..ROUNDS {
                while turn.load(Ordering::Acquire) != 2 * round + me {
                    thread::yield_now();
                }
                cell.add(1);
                turn.store(2 * round + me + 1, Ordering::Release);
            }
        };
        both(|| step(0), || step(1));
    });
}

/// What comes after the lock is given back takes its time.
struct Lingering;

impl Drop for Lingering {
    fn drop(&mut self) {
        work();
    }
}

type Turn<'a> = std::sync::MutexGuard<'a, ()>;

/// Its operations are ordered by a lock that is handed to them, and given back when their parameters are dropped, last first.
#[derive(Default)]
struct Journal(AtomicUsize);

#[tsvd::contract]
impl Journal {
    #[tsvd::write]
    fn append(&self, _lingering: Lingering, _turn: Turn<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    #[tsvd::update(when = Option::is_some)]
    fn append_if(&self, may: bool, _lingering: Lingering, _turn: Turn<'_>) -> Option<usize> {
        if !may {
            return None;
        }
        Some(self.0.fetch_add(1, Ordering::Relaxed))
    }

    #[tsvd::write]
    fn append_by(&self, _lingering: Lingering, _turn: Turn<'_>) -> impl Fn(usize) + '_ {
        |n| self.0.store(n, Ordering::Relaxed)
    }

    #[tsvd::write]
    #[track_caller]
    fn append_tracked(&self, _lingering: Lingering, _turn: Turn<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn calls_ordered_by_a_lock_that_they_get() {
    silent(true, || {
        let (lock, journal) = (Mutex::new(()), Journal::default());
        let body = || {
            for round in 0..ROUNDS {
                journal.append(Lingering, lock.lock().unwrap());
                journal.append_if(round % 2 == 0, Lingering, lock.lock().unwrap());
                journal.append_by(Lingering, lock.lock().unwrap())(round);
                journal.append_tracked(Lingering, lock.lock().unwrap());
            }
        };
        both(body, body);
    });
}

/// Locks itself, so its calls may overlap.
#[derive(Default)]
struct Counts(Mutex<u64>);

#[tsvd::contract(thread_safe)]
impl Counts {
    #[tsvd::read]
    fn count(&self) -> u64 {
        *self.0.lock().unwrap()
    }

    #[tsvd::write]
    fn set(&self, n: u64) {
        *self.0.lock().unwrap() = n;
    }

    #[tsvd::expect_atomic(strict)]
    fn raise(&self, _lingering: Lingering, _turn: Turn<'_>) {
        self.set(self.count() + 1);
    }

    #[tsvd::expect_atomic(strict)]
    async fn raise_later(&self, _lingering: Lingering, _turn: Turn<'_>) {
        self.set(self.count() + 1);
    }
}

#[test]
fn strict_regions_ordered_by_a_lock_that_they_get() {
    silent(true, || {
        let (lock, counts) = (Mutex::new(()), Counts::default());
        let turn = || lock.lock().unwrap();
        let body = || {
            for _ in 0..ROUNDS {
                counts.raise(Lingering, turn());
                futures::executor::block_on(counts.raise_later(Lingering, turn()));
            }
        };
        both(body, body);
        assert_eq!(counts.0.into_inner().unwrap(), 4 * ROUNDS as u64);
    });
}

#[test]
fn one_object_a_thread() {
    silent(false, || {
        let cells = (Cell::new(), Cell::new());
        both(
            || {
                (0..ROUNDS).for_each(|_| {
                    cells.0.add(1);
                    work();
                })
            },
            || {
                (0..ROUNDS).for_each(|_| {
                    cells.1.add(1);
                    work();
                })
            },
        );
    });
}

#[test]
fn a_value_moved_between_calls() {
    silent(false, || {
        let stop = AtomicBool::new(false);
        both(
            || {
                let mut cells = vec![Cell::new()];
                for _ in 0..ROUNDS {
                    let cell = cells.remove(0);
                    cell.add(1);
                    cells.push(cell);
                    work();
                }
                stop.store(true, Ordering::Relaxed);
            },
            || {
                while !stop.load(Ordering::Relaxed) {
                    Cell::new().add(1);
                    work();
                }
            },
        );
    });
}
