//! Writes that run their children on pools and wait for them: silent, whether the children inherit or not, and two that nothing
//! orders are found there as anywhere.

#![cfg(not(loom))]

mod process;

use std::time::{Duration, Instant};

use process::{found, run_with};

const REPETITIONS: usize = 100;

/// Not of size zero, which would have no identity.
struct Cell {
    _value: u64,
}

#[tsvd::contract]
impl Cell {
    fn new() -> Self {
        Self { _value: 0 }
    }

    #[tsvd::read]
    fn get(&self) {
        work();
    }

    #[tsvd::write]
    fn touch(&self) {
        work();
    }

    #[tsvd::write]
    fn during<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }
}

/// Not asleep, so that calls of other threads come close.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(50) {
        std::hint::spin_loop();
    }
}

fn pool() -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(4);
    builder.build().expect("a pool")
}

/// Joins two jobs until they were on workers of their own often enough: on a busy machine one worker mostly runs both.
fn joined_apart(join: impl Fn() -> (Option<usize>, Option<usize>)) {
    let begun = Instant::now();
    let mut apart = 0;
    while apart < REPETITIONS && begun.elapsed() < Duration::from_secs(10) {
        let (left, right) = join();
        apart += usize::from(left != right);
        work();
    }
}

/// The worker that made the call.
fn touched(cell: &Cell) -> Option<usize> {
    cell.touch();
    rayon::current_thread_index()
}

/// No report, whatever was delayed.
fn unreported(body: impl FnOnce()) {
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations as usize > 2 * REPETITIONS);
}

#[test]
fn a_write_whose_joined_jobs_read() {
    unreported(|| {
        let cell = Cell::new();
        pool().install(|| {
            for _ in 0..REPETITIONS {
                cell.during(|| rayon::join(|| cell.get(), || cell.get()));
            }
        });
    });
}

#[test]
fn a_write_whose_joined_jobs_inherit_and_read() {
    unreported(|| {
        let cell = Cell::new();
        pool().install(|| {
            for _ in 0..REPETITIONS {
                cell.during(|| {
                    let left = tsvd::context::inherit(|| cell.get());
                    let right = tsvd::context::inherit(|| cell.get());
                    rayon::join(left, right)
                });
            }
        });
    });
}

#[test]
fn a_write_whose_parallel_loop_reads() {
    use rayon::prelude::*;
    unreported(|| {
        let cell = Cell::new();
        pool().install(|| {
            for _ in 0..REPETITIONS {
                cell.during(|| (0..8).into_par_iter().for_each(|_| cell.get()));
            }
        });
    });
}

#[test]
fn a_write_whose_scoped_jobs_read() {
    unreported(|| {
        let cell = Cell::new();
        let pool = pool();
        for _ in 0..REPETITIONS {
            cell.during(|| {
                pool.scope(|scope| {
                    for _ in 0..4 {
                        let job = tsvd::context::inherit(|| cell.get());
                        scope.spawn(move |_| job());
                    }
                });
            });
        }
    });
}

#[test]
fn a_write_whose_crossbeam_threads_read() {
    unreported(|| {
        let cell = Cell::new();
        for _ in 0..REPETITIONS {
            cell.during(|| {
                crossbeam_utils::thread::scope(|scope| {
                    scope.spawn(|_| cell.get());
                    scope.spawn(|_| cell.get());
                })
                .expect("no thread panics");
            });
        }
    });
}

#[test]
fn jobs_that_nothing_orders_are_found() {
    let Some(violation) = found(|| {
        let cell = Cell::new();
        pool().install(|| {
            joined_apart(|| rayon::join(|| touched(&cell), || touched(&cell)));
        });
    }) else {
        return;
    };
    assert_eq!(violation.first.operation, "touch");
    assert_eq!(violation.second.operation, "touch");
}

/// They inherit the same write, and are as guilty of each other as any two.
#[test]
fn jobs_of_one_write_are_found() {
    let Some(violation) = found(|| {
        let cell = Cell::new();
        pool().install(|| {
            joined_apart(|| {
                cell.during(|| {
                    let left = tsvd::context::inherit(|| touched(&cell));
                    let right = tsvd::context::inherit(|| touched(&cell));
                    rayon::join(left, right)
                })
            });
        });
    }) else {
        return;
    };
    assert_eq!(violation.first.operation, "touch");
    assert_eq!(violation.second.operation, "touch");
}
