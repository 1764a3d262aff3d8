//! The tool is a guest: what the host does with panics, threads, exits and forks is as it would be without it.

#![cfg(not(loom))]

mod process;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use process::{Ended, UNTIL_CAUGHT, run_with};

struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[tsvd::read]
    fn get(&self) {
        std::hint::black_box(self.0.load(Relaxed));
    }

    #[tsvd::write]
    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    #[tsvd::write]
    fn fails(&self) {
        panic!("the host's own");
    }

    #[tsvd::write(key = key)]
    fn keyed(&self, key: &Unshowable) {
        std::hint::black_box(key.0);
    }
}

fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

/// Both begin each turn together, until one is gone: on a busy machine one thread would else be through before the other has begun.
fn both(left: impl Fn() + Send, right: impl Fn()) {
    let ((to_right, from_left), (to_left, from_right)) = (mpsc::channel(), mpsc::channel());
    let turns = |body: &dyn Fn(), to: Sender<()>, from: Receiver<()>| {
        for _ in 0..200 {
            // Who has panicked has hung up.
            let _ = to.send(());
            let _ = from.recv();
            body();
            work();
        }
    };
    thread::scope(|scope| {
        scope.spawn(move || turns(&left, to_right, from_right));
        turns(&right, to_left, from_left);
    });
}

fn violate() {
    let store = Store::new();
    both(|| store.insert(), || store.get());
}

fn run_until_caught(environment: &[(&str, &str)], body: impl FnOnce()) -> Option<Ended> {
    run_with(&[&UNTIL_CAUGHT, environment].concat(), body)
}

fn violations(ended: &Ended) -> usize {
    ended
        .report
        .as_ref()
        .map_or(0, |report| report.violations.len())
}

#[test]
fn a_panic_inside_an_operation_ends_it_and_goes_on() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        for _ in 0..50 {
            let panic = catch_unwind(AssertUnwindSafe(|| store.fails())).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"the host's own"));
        }
        // The operation is over: another thread's is alone.
        both(|| (), || store.insert());
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(0), 0),
        "{}",
        ended.stderr
    );
    let line = include_str!("guest.rs")
        .lines()
        .position(|line| line.contains("panic!(\"the host's own\")"))
        .unwrap()
        + 1;
    assert!(
        ended.stderr.contains(&format!("guest.rs:{line}:9")),
        "the panic names the host's line: {}",
        ended.stderr
    );
}

#[test]
fn a_caught_operation_that_panics_is_reported_in_full() {
    let Some(ended) = run_until_caught(&[], || {
        let store = Store::new();
        both(
            || drop(catch_unwind(AssertUnwindSafe(|| store.fails()))),
            || store.get(),
        );
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}",
        ended.stderr
    );
}

#[test]
fn operations_in_destructors_of_thread_locals_run() {
    static STORE: Store = Store::new();
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            STORE.insert();
            STORE.get();
        }
    }
    thread_local! {
        static EARLY: Last = const { Last };
        static LATE: Last = const { Last };
    }
    let Some(ended) = run_until_caught(&[], || {
        for _ in 0..100 {
            // One destructor is registered before the first operation of the thread and one after it, so one of them runs
            // when this thread's part of the detector is gone.
            thread::spawn(|| {
                EARLY.with(|_| ());
                STORE.insert();
                LATE.with(|_| ());
            })
            .join()
            .unwrap();
        }
        violate();
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_exit_while_a_trap_is_set_is_an_exit() {
    let Some(ended) = run_until_caught(&[], || {
        violate();
        let store = Store::new();
        // Their calls are ordered, so that their delays are in vain. The process ends when a call that should take no time
        // has not come back for a while: it is held.
        let turn = std::sync::Mutex::new(());
        let calls = [AtomicU64::new(0), AtomicU64::new(0)];
        thread::scope(|scope| {
            let (store, turn, calls) = (&store, &turn, &calls);
            for _ in 0..2 {
                scope.spawn(move || {
                    loop {
                        let turn = turn.lock().unwrap();
                        calls[0].fetch_add(1, Relaxed);
                        store.insert();
                        calls[1].fetch_add(1, Relaxed);
                        drop(turn);
                        work();
                    }
                });
            }
            let mut since = Instant::now();
            let mut last = 0;
            loop {
                let begun = calls[0].load(Relaxed);
                if begun == calls[1].load(Relaxed) || begun != last {
                    (since, last) = (Instant::now(), begun);
                } else if since.elapsed() > Duration::from_millis(2) {
                    std::process::exit(0);
                }
                thread::yield_now();
            }
        });
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}",
        ended.stderr
    );
    let pairs = ended.report.unwrap().pairs;
    assert_eq!(
        pairs.len(),
        2,
        "the second pair was being delayed: {pairs:?}"
    );
}

#[test]
fn two_violations_at_one_time_are_both_reported() {
    let Some(ended) = run_with(&[], || {
        let (one, two) = (Store::new(), Store::new());
        thread::scope(|scope| {
            // While one report is being made, which takes long the first time, the other is proved.
            scope.spawn(|| both(|| one.insert(), || one.get()));
            both(|| two.insert(), || two.get());
        });
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 2),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_status_of_the_hosts_own_stays() {
    let Some(ended) = run_until_caught(&[], || {
        violate();
        std::process::exit(3);
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(3), 1),
        "{}",
        ended.stderr
    );
}

#[test]
fn record_only_records() {
    let Some(ended) = run_until_caught(&[("TSVD_ON_VIOLATION", "record")], violate) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(0), 1),
        "{}",
        ended.stderr
    );
}

#[test]
fn panic_panics_at_the_second_party() {
    let Some(ended) = run_until_caught(&[("TSVD_ON_VIOLATION", "panic")], violate) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(101), 1),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("tsvd: thread-safety violation at `guest::Store::"),
        "{}",
        ended.stderr
    );
}

#[test]
fn abort_aborts_with_the_report_on_disk() {
    let Some(ended) = run_until_caught(&[("TSVD_ON_VIOLATION", "abort")], violate) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (None, 1),
        "{}",
        ended.stderr
    );
}

#[test]
fn off_is_off() {
    let Some(ended) = run_with(&[("TSVD", "off")], violate) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.report.is_none());
}

#[test]
fn a_wrong_value_stops_before_anything_runs() {
    for (variable, value) in [
        ("TSVD", "maybe"),
        ("TSVD_ON_VIOLATION", "explode"),
        ("TSVD_SEED", "x"),
    ] {
        // Only the child of the first value runs a body, and it does not get beyond its first operation.
        let Some(ended) = run_with(&[(variable, value)], || {
            Store::new().insert();
            println!("an operation ran");
        }) else {
            return;
        };
        assert_eq!(ended.status, Some(2), "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains(&format!("tsvd: {variable}={value:?} is not allowed")),
            "{}",
            ended.stderr
        );
        assert!(!ended.stdout.contains("an operation ran"));
    }
}

#[test]
fn the_seed_is_in_the_report() {
    let Some(ended) = run_until_caught(&[("TSVD_SEED", "42")], violate) else {
        return;
    };
    assert_eq!(ended.report.unwrap().run.seed, 42);
    assert!(ended.stderr.contains("TSVD_SEED=42"), "{}", ended.stderr);
}

struct Unshowable(u8);

impl std::hash::Hash for Unshowable {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::fmt::Debug for Unshowable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Also an operation within the detector's own work.
        Store::new().insert();
        panic!("a key that does not want to be shown")
    }
}

#[test]
fn a_key_whose_debug_panics_is_not_shown() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        both(
            || store.keyed(&Unshowable(1)),
            || store.keyed(&Unshowable(1)),
        );
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.report.unwrap().violations[0].object.key, None);
}

#[test]
fn a_report_folder_that_cannot_be_made_is_said_once_and_the_violation_shown() {
    let Some(ended) = run_until_caught(&[("TSVD_DIR", "/dev/null/nowhere")], violate) else {
        return;
    };
    assert_eq!(ended.status, Some(66), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("tsvd: thread-safety violation"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        ended.stderr.matches("cannot write report").count(),
        1,
        "{}",
        ended.stderr
    );
}

#[test]
fn a_thread_that_keeps_stderr_to_itself_keeps_nobody_waiting() {
    let Some(ended) = run_until_caught(&[], || {
        let start = std::sync::Arc::new(Barrier::new(2));
        let kept = std::sync::Arc::clone(&start);
        thread::spawn(move || {
            let _stderr = std::io::stderr().lock();
            kept.wait();
            loop {
                thread::park();
            }
        });
        start.wait();
        violate();
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
    assert!(ended.stderr.contains("tsvd: thread-safety violation"));
}

/// Refuses membarrier(2) to this thread and those it begins, as a container's seccomp(2) filter may.
#[cfg(target_os = "linux")]
fn refuse_membarrier() {
    let instruction = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    // linux/filter.h and linux/seccomp.h: load the number; if it is that one, fail with EPERM, else allow.
    let mut filter = [
        instruction(0x20, 0, 0),
        instruction(0x15, 1, libc::SYS_membarrier as u32),
        instruction(0x06, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        instruction(0x06, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program lives during the calls, which take integers and its address.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
        assert_eq!(libc::syscall(libc::SYS_membarrier, 0, 0, 0), -1, "refused");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_membarrier_is_refused_violations_are_found_and_ordered_calls_are_not() {
    let Some(ended) = run_until_caught(&[], || {
        refuse_membarrier();
        let store = std::sync::Mutex::new(Store::new());
        both(
            || store.lock().unwrap().insert(),
            || store.lock().unwrap().get(),
        );
        violate();
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

#[cfg(unix)]
#[test]
fn a_forked_child_watches_nothing_and_ends_as_it_would() {
    let Some(ended) = run_until_caught(&[], || {
        violate();
        // SAFETY: the child only calls operations, which may not touch a lock after the fork, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let store = Store::new();
            for _ in 0..100 {
                store.insert();
            }
            std::process::exit(0);
        }
        let mut status = 0;
        // SAFETY: `status` is valid for the call.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, libc::WEXITSTATUS(status)), (child, 0));
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(66), 1),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

/// The signals that a thread of this process blocks, by its name.
#[cfg(target_os = "linux")]
fn blocked_signals(thread: &str) -> Option<u64> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let statuses =
        threads.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok());
    let named = |status: &String| status.lines().next() == Some(&format!("Name:\t{thread}"));
    let status = statuses.into_iter().find(named)?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigBlk:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(target_os = "linux")]
#[test]
fn our_own_thread_takes_no_signal_and_the_hosts_threads_do() {
    let Some(ended) = run_with(&[], || {
        let name = "the host's";
        let own = thread::Builder::new().name(name.to_owned());
        let own = own.spawn(move || {
            let before = blocked_signals(name).unwrap();
            Store::new().insert();
            assert_eq!(blocked_signals(name), Some(before));
            before
        });
        let own = own.unwrap().join().unwrap();
        let begun = Instant::now();
        let ticker = loop {
            // It has its name a moment after it began.
            if let Some(mask) = blocked_signals("tsvd ticker") {
                break mask;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "there is none");
            thread::yield_now();
        };
        for signal in [
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGALRM,
            libc::SIGPROF,
            libc::SIGUSR1,
        ] {
            let bit = 1 << (signal - 1);
            assert_eq!((own & bit, ticker & bit), (0, bit), "signal {signal}");
        }
    }) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn ten_thousand_threads_leave_nothing_behind() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        for _ in 0..10_000 {
            thread::scope(|scope| scope.spawn(|| store.get()).join().unwrap());
        }
    }) else {
        return;
    };
    assert_eq!(
        (ended.status, violations(&ended)),
        (Some(0), 0),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.report.unwrap().summary.operations, 10_000);
}
