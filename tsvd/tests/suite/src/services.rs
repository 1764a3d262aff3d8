//! Each service keeps its calls apart in its own way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, RwLock, mpsc};
use std::thread;

use crate::things::{Gauge, Ledger, Table};
use crate::work;

const ROUNDS: u64 = 60;

/// Two threads, a lock around each call.
pub fn locked(seed: u64) {
    let ledger = Mutex::new(Ledger::default());
    let amount = 1 + seed % 7;
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                work(round);
                ledger.lock().unwrap().post(seed, amount);
            }
        });
        for round in 0..ROUNDS {
            work(round);
            assert!(ledger.lock().unwrap().balance(seed) <= ROUNDS * amount);
        }
    });
    assert_eq!(ledger.into_inner().unwrap().balance(seed), ROUNDS * amount);
}

/// Readers and a writer.
pub fn read_mostly(seed: u64) {
    let ledger = RwLock::new(Ledger::default());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    work(round);
                    let ledger = ledger.read().unwrap();
                    assert!(ledger.balance(seed) <= ROUNDS);
                }
            });
        }
        for round in 0..ROUNDS {
            work(round);
            ledger.write().unwrap().post(seed, 1);
        }
    });
}

/// Handed from thread to thread.
pub fn handed_over(seed: u64) {
    let (there, arrives) = mpsc::channel::<Box<Ledger>>();
    let (back, returns) = mpsc::channel();
    let other = thread::spawn(move || {
        for ledger in arrives {
            work(seed);
            ledger.post(seed, 1);
            back.send(ledger).unwrap();
        }
    });
    let mut ledger = Box::new(Ledger::default());
    for round in 0..ROUNDS {
        work(round);
        ledger.post(seed, 1);
        there.send(ledger).unwrap();
        ledger = returns.recv().unwrap();
    }
    drop(there);
    other.join().unwrap();
    assert_eq!(ledger.balance(seed), 2 * ROUNDS);
}

/// One for each thread.
pub fn owned(seed: u64) {
    thread::scope(|scope| {
        for number in 0..2 {
            scope.spawn(move || {
                let ledger = Ledger::default();
                for round in 0..ROUNDS {
                    work(round);
                    ledger.post(number, seed % 7);
                }
                assert_eq!(ledger.balance(number), ROUNDS * (seed % 7));
            });
        }
    });
}

/// Filled before the threads that read it begin, and after they have ended.
pub fn forked_and_joined(seed: u64) {
    let ledger = Ledger::default();
    for phase in 0..4 {
        ledger.post(seed, 1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..ROUNDS / 4 {
                        work(round);
                        assert_eq!(ledger.balance(seed), phase + 1);
                    }
                });
            }
        });
    }
}

/// Said to be ready by a flag.
pub fn published(seed: u64) {
    let gauge = Gauge::default();
    let ready = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                work(round);
                gauge.set(seed);
            }
            ready.store(true, Ordering::Release);
        });
        while !ready.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert_eq!(gauge.get(), seed);
    });
}

/// In turns, by a barrier.
pub fn in_turns(seed: u64) {
    let gauge = Gauge::default();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for number in 0..2 {
            let (gauge, barrier) = (&gauge, &barrier);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    work(round);
                    if round % 2 == number {
                        gauge.add(seed);
                    }
                    barrier.wait();
                }
            });
        }
    });
    assert_eq!(gauge.get(), ROUNDS * seed);
}

/// A row for each thread.
pub fn in_rows(seed: u64) {
    thread::scope(|scope| {
        for number in 0..2 {
            scope.spawn(move || {
                // Rows of this test alone.
                let row = seed * 2 + number;
                for round in 0..ROUNDS {
                    work(round);
                    Table.store(row);
                    assert_eq!(Table.load(row), row);
                }
            });
        }
    });
}

/// A write that runs threads which read.
pub fn in_parallel(seed: u64) {
    let gauge = Gauge::default();
    for round in 0..ROUNDS / 4 {
        tsvd::writing(&gauge, || {
            tsvd::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| work(round + gauge.get()));
                }
            });
        });
    }
    gauge.set(seed);
}

/// One thread alone.
pub fn alone(seed: u64) {
    let ledger = Ledger::default();
    for round in 0..2 * ROUNDS {
        work(round);
        ledger.post(seed, 1);
        assert_eq!(ledger.balance(seed), round + 1);
    }
}

/// Nothing to watch.
pub fn unannotated(seed: u64) {
    let sums: Vec<_> = (0..2)
        .map(|number| thread::spawn(move || (0..ROUNDS).fold(seed + number, |sum, _| work(sum))))
        .collect();
    for sum in sums {
        sum.join().unwrap();
    }
}

/// Jobs that come to one owner.
pub fn by_one_owner(seed: u64) {
    let ledger = Arc::new(Ledger::default());
    let (jobs, queue) = mpsc::channel::<Box<dyn FnOnce(&Ledger) + Send>>();
    let owner = thread::spawn(move || queue.into_iter().for_each(|job| job(&ledger)));
    thread::scope(|scope| {
        for _ in 0..2 {
            let jobs = jobs.clone();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    work(round);
                    jobs.send(Box::new(move |ledger| ledger.post(seed, 1)))
                        .unwrap();
                }
            });
        }
    });
    let (answer, answered) = mpsc::channel();
    jobs.send(Box::new(move |ledger| {
        answer.send(ledger.balance(seed)).unwrap()
    }))
    .unwrap();
    drop(jobs);
    assert_eq!(answered.recv().unwrap(), 2 * ROUNDS);
    owner.join().unwrap();
}

#[cfg(test)]
mod tests {
    macro_rules! tests {
        ($($service:ident: $($case:ident = $seed:expr),*;)*) => {$(
            mod $service {
                $(
                    #[test]
                    fn $case() {
                        super::super::$service($seed);
                    }
                )*
            }
        )*};
    }

    // 13 each, 65 in all.
    tests! {
        alone: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13;
        owned: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13;
        unannotated: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13;
        in_rows: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13;
        published: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13;
    }
}
