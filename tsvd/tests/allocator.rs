//! An allocator whose calls are watched: everything that is allocated for them comes back to it.

#![cfg(not(loom))]

mod process;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use process::run_with;
use tsvd::sync::Mutex;

struct Watched;

/// Whether the allocator is watched yet, and how often it was called since.
static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Whether the allocator takes its lock.
static LOCKS: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<()> = Mutex::new(());

#[tsvd::read(resource = "heap")]
fn count() {
    CALLS.fetch_add(1, Relaxed);
}

// SAFETY: `System` does all the work.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let on = ON.load(Relaxed);
        let _op = on.then(|| tsvd::scope(&CALLS).role("allocator").read());
        if on {
            count();
        }
        let _lock = LOCKS.load(Relaxed).then(|| LOCK.lock());
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _op = ON.load(Relaxed).then(|| tsvd::scope(&CALLS).read());
        let _lock = LOCKS.load(Relaxed).then(|| LOCK.lock());
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn allocates() {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..200 {
                    tsvd::reading(&n, || drop(std::hint::black_box(vec![n; 10])));
                }
            });
        }
    });
}

/// Frees what the engine knows of an open scope.
struct Owner {
    scope: Option<tsvd::Scope>,
    ended: u64,
}

#[tsvd::contract]
impl Drop for Owner {
    #[tsvd::write]
    fn drop(&mut self) {
        self.ended += 1;
    }
}

#[test]
fn whose_scopes_end_with_their_objects() {
    ends_in_peace(|| {
        // All alive at once, so that their addresses differ.
        let owners: Vec<_> = (0..1_000)
            .map(|ended| Box::new(Owner { scope: None, ended }))
            .collect();
        for mut owner in owners {
            owner.scope = Some(tsvd::scope(&*owner).read());
        }
    });
}

fn ends_in_peace(begin: impl FnOnce()) {
    let Some(ended) = run_with(&[], || {
        ON.store(true, Relaxed);
        begin();
        allocates();
        ON.store(false, Relaxed);
        assert!(CALLS.load(Relaxed) > 800);
    }) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations > 800, "{:?}", report.summary);
}

#[test]
fn whose_first_operation_begins_everything() {
    ends_in_peace(|| ());
}

#[test]
fn while_detection_is_enabled() {
    ends_in_peace(tsvd::enable);
}

#[test]
fn whose_lock_tells_of_itself() {
    let strategy = [("TSVD_STRATEGY", "tsvd-hb")];
    let Some(ended) = run_with(&strategy, || {
        LOCKS.store(true, Relaxed);
        let shared = 0;
        for _ in 0..20 {
            // Threads whose first call is this, while others allocate.
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for n in 0..50 {
                            drop(std::hint::black_box(vec![n; 10]));
                            tsvd::writing(&shared, || drop(std::hint::black_box(vec![n; 10])));
                        }
                    });
                }
            });
        }
        LOCKS.store(false, Relaxed);
    }) else {
        return;
    };
    let report = ended.report.expect("a report");
    // And the accesses of the lock.
    assert!(report.summary.operations > 2 * 20 * 8 * 50);
}
