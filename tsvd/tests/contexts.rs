//! What operations run on other threads: no more suspected than what they do themselves, where the threads inherit.
//!
//! Each scenario is a process of its own with real threads and real delays.

#![cfg(not(loom))]

mod process;

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use process::{found, silent};

const ROUNDS: usize = 60;

struct Cell(UnsafeCell<u64>);

// SAFETY: the tests order every access, or the bodies do not touch the value.
unsafe impl Sync for Cell {}

#[tsvd::contract]
impl Cell {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    #[tsvd::read]
    fn get(&self) -> u64 {
        // SAFETY: no test writes at the same time.
        unsafe { *self.0.get() }
    }

    #[tsvd::write]
    fn touch(&self) {}

    #[tsvd::write]
    fn during<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }
}

/// Not asleep, so that calls of other threads come close.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

/// A write whose two scoped threads read, many times over.
macro_rules! write_with_reading_threads {
    ($thread:path) => {{
        use $thread as thread;
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
            work();
        });
    }};
}

#[test]
fn a_write_whose_scoped_threads_read_is_not_even_suspected() {
    silent(false, || write_with_reading_threads!(tsvd::thread));
}

#[test]
fn where_the_threads_do_not_inherit_it_is_suspected_in_vain() {
    silent(true, || write_with_reading_threads!(std::thread));
}

#[test]
fn a_scope_whose_threads_write_in_turn_is_not_suspected_either() {
    silent(false, || {
        let cell = Cell::new();
        (0..ROUNDS).for_each(|_| {
            let _op = tsvd::scope(&cell).write();
            tsvd::thread::scope(|scope| {
                let builder = tsvd::thread::Builder::new().name("writer".to_owned());
                let writer = builder.spawn_scoped(scope, || cell.touch()).unwrap();
                writer.join().unwrap();
            });
            work();
        });
    });
}

/// One thread that runs jobs, told by nobody where they come from.
struct Pool {
    jobs: mpsc::Sender<Box<dyn FnOnce() + Send>>,
    done: mpsc::Receiver<()>,
}

impl Pool {
    fn new() -> Self {
        let (jobs, work) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (tell, done) = mpsc::channel();
        std::thread::spawn(move || {
            for job in work {
                let _ = catch_unwind(AssertUnwindSafe(job));
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { jobs, done }
    }

    fn start(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).unwrap();
    }

    fn wait(&self) {
        self.done.recv().unwrap();
    }
}

#[test]
fn jobs_of_a_pool_that_inherit_are_not_suspected() {
    silent(false, || {
        let (pool, cell) = (Pool::new(), Arc::new(Cell::new()));
        (0..ROUNDS).for_each(|_| {
            cell.during(|| {
                let cell = Arc::clone(&cell);
                pool.start(tsvd::context::inherit(move || cell.touch()));
                pool.wait();
            });
            work();
        });
    });
}

#[test]
fn jobs_of_a_pool_that_do_not_are() {
    silent(true, || {
        let (pool, cell) = (Pool::new(), Arc::new(Cell::new()));
        (0..ROUNDS).for_each(|_| {
            cell.during(|| {
                let cell = Arc::clone(&cell);
                pool.start(move || cell.touch());
                pool.wait();
            });
            work();
        });
    });
}

#[test]
fn what_a_pools_thread_does_after_an_inherited_job_is_its_own_again() {
    let Some(violation) = found(|| {
        let (pool, cell) = (Pool::new(), Arc::new(Cell::new()));
        let writes = |cell: &Cell| {
            (0..ROUNDS).for_each(|_| {
                cell.touch();
                work();
            })
        };
        cell.during(|| {
            // Ends by a panic, which must not leave the inheritance behind.
            let inherited = Arc::clone(&cell);
            pool.start(tsvd::context::inherit(move || {
                inherited.touch();
                std::panic::panic_any("the job's own");
            }));
            pool.wait();
            let own = Arc::clone(&cell);
            pool.start(move || writes(&own));
            writes(&cell);
            pool.wait();
        });
    }) else {
        return;
    };
    for party in [&violation.first, &violation.second] {
        assert_eq!(party.operation, "touch");
        assert_eq!(party.context.spawned_at, None, "{party:#?}");
    }
}

/// The first line of this file that has `text`.
fn line_of(text: &str) -> u32 {
    let mut lines = include_str!("contexts.rs").lines();
    lines.position(|line| line.contains(text)).unwrap() as u32 + 1
}

#[test]
fn a_parent_and_its_child_that_race_are_found_and_the_child_says_where_it_began() {
    let Some(violation) = found(|| {
        let (cell, start) = (Arc::new(Cell::new()), Arc::new(Barrier::new(2)));
        let writes = |cell: &Cell| {
            (0..ROUNDS).for_each(|_| {
                cell.touch();
                work();
            })
        };
        let child = {
            let (cell, start) = (Arc::clone(&cell), Arc::clone(&start));
            let child = move || {
                start.wait();
                writes(&cell);
            };
            tsvd::thread::spawn(child) // begins here
        };
        start.wait();
        writes(&cell);
        child.join().unwrap();
    }) else {
        return;
    };
    let spawned: Vec<_> = [&violation.first, &violation.second]
        .into_iter()
        .filter_map(|party| party.context.spawned_at.as_ref())
        .collect();
    let [site] = spawned[..] else {
        panic!("one of the two was spawned: {violation:#?}");
    };
    assert_eq!(site.file, "tsvd/tests/contexts.rs");
    assert_eq!(
        site.line,
        line_of("tsvd::thread::spawn(child) // begins here")
    );
    for party in [&violation.first, &violation.second] {
        let ours =
            |function: &str| function.starts_with("tsvd::") || function.starts_with("<tsvd::");
        assert!(
            !party.stack.iter().any(|frame| ours(&frame.function)),
            "{:#?}",
            party.stack
        );
        assert!(
            party
                .stack
                .last()
                .is_some_and(|frame| !frame.function.contains("call_once")),
            "{:#?}",
            party.stack
        );
    }
}

#[test]
fn threads_of_one_operation_that_race_are_found() {
    let Some(violation) = found(|| {
        let cell = Cell::new();
        cell.during(|| {
            let start = Barrier::new(2);
            let writes = || {
                start.wait();
                (0..ROUNDS).for_each(|_| {
                    cell.touch();
                    work();
                })
            };
            tsvd::thread::scope(|scope| {
                scope.spawn(writes);
                scope.spawn(writes);
            });
        });
    }) else {
        return;
    };
    for party in [&violation.first, &violation.second] {
        assert_eq!(party.operation, "touch");
        assert!(party.context.spawned_at.is_some());
    }
}
