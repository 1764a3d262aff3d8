//! Very many threads: verdicts stay exact, and nothing grows with the number of threads that ever ran.
//!
//! Each scenario is a process of its own. The object knows whether two bodies really met, and the allocator counts what is
//! alive, so that a leak of a few bytes a thread shows.

#![cfg(not(loom))]

mod process;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};

use process::{found, silent};
use tsvd::thread::Builder;

/// What may be alive more after thousands of threads than after the first hundreds, in bytes: pairs and sites met late, and
/// the report. A leak of one word for each of 4,000 threads is twice as much.
const SLACK: isize = 16 * 1024;

struct Counting;

static ALIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: `System` does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALIVE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALIVE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An object that sees its own bodies meet.
#[derive(Default)]
struct Cell {
    inside: AtomicU32,
    met: AtomicU32,
    calls: AtomicU32,
}

#[tsvd::contract]
impl Cell {
    #[tsvd::write]
    fn touch(&self) {
        if self.inside.fetch_add(1, Relaxed) > 0 {
            self.met.fetch_add(1, Relaxed);
        }
        self.calls.fetch_add(1, Relaxed);
        self.inside.fetch_sub(1, Relaxed);
    }
}

/// What the threads call: one cell under its lock, and one without, if a violation is planted.
struct Program {
    locked: Mutex<Cell>,
    bare: Cell,
    planted: bool,
}

impl Program {
    fn new(planted: bool) -> Self {
        Self {
            locked: Mutex::default(),
            bare: Cell::default(),
            planted,
        }
    }

    fn step(&self) {
        // Straight from the barrier; behind the lock they would come one by one.
        if self.planted {
            self.bare.touch();
        }
        self.locked.lock().unwrap().touch();
    }

    /// So many threads, all alive at once. Each is joined: a scope ends before the thread-local values of its threads do,
    /// and what those have allocated would still be counted.
    fn wave(&self, threads: usize) {
        let (all, done) = (Barrier::new(threads), Barrier::new(threads));
        tsvd::thread::scope(|scope| {
            let threads = (0..threads).map(|_| {
                let thread = Builder::new().stack_size(256 * 1024);
                let body = || {
                    all.wait();
                    self.step();
                    done.wait();
                };
                thread.spawn_scoped(scope, body).expect("a thread")
            });
            for thread in threads.collect::<Vec<_>>() {
                thread.join().expect("no panic");
            }
        });
    }

    /// `waves` of threads, of which the first tenth may take memory and the rest none.
    fn run(&self, waves: usize, threads: usize) {
        let warm = waves.div_ceil(10);
        (0..warm).for_each(|_| self.wave(threads));
        let before = ALIVE.load(Relaxed);
        (warm..waves).for_each(|_| self.wave(threads));
        let grown = ALIVE.load(Relaxed) - before;
        // A report reads the debug information of the whole program, and keeps it.
        assert!(
            self.planted || grown < SLACK,
            "{grown} bytes more are alive"
        );
        let locked = self.locked.lock().unwrap();
        assert_eq!(locked.calls.load(Relaxed) as usize, waves * threads);
        assert_eq!(locked.met.load(Relaxed), 0, "the lock is the host's own");
    }
}

/// The planted violation and nothing else.
fn only_the_planted(violation: Option<tsvd::report::Violation>) {
    let Some(violation) = violation else { return };
    let mut lines = include_str!("stress.rs").lines();
    let planted = lines.position(|line| line.contains("self.bare.touch()"));
    for party in [&violation.first, &violation.second] {
        assert_eq!(party.site.line as usize, planted.unwrap() + 1);
    }
}

#[test]
fn ten_thousand_short_lived_threads() {
    silent(true, || Program::new(false).run(1_250, 8));
}

#[test]
fn ten_thousand_short_lived_threads_with_a_violation() {
    only_the_planted(found(|| Program::new(true).run(1_250, 8)));
}

#[test]
fn a_thousand_threads_at_once() {
    silent(true, || Program::new(false).run(5, 1_000));
}

#[test]
fn a_thousand_threads_at_once_with_a_violation() {
    only_the_planted(found(|| Program::new(true).run(5, 1_000)));
}
