//! Async operations on real executors, each scenario in a process of its own.

#![cfg(not(loom))]

mod process;

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::FutureExt;
use process::{Ended, found, run_with, silent};
use tokio::task::yield_now;
use tsvd::__private::{Access, Called, Object, Operating, Operation, begin, enabled};

static READ: Operation = Operation::new(
    "asynchronous::Cache",
    "read",
    Access::Read,
    Location::caller(),
);
static WRITE: Operation = Operation::new(
    "asynchronous::Cache",
    "write",
    Access::Write,
    Location::caller(),
);

/// What attributes make of `async fn`s whose bodies are their arguments.
#[derive(Default)]
struct Cache {
    _size: u8,
}

impl Cache {
    async fn run<F: Future>(
        &self,
        operation: &'static Operation,
        called: Called,
        body: F,
    ) -> F::Output {
        let operating = if enabled() {
            begin(operation, called, Object::place(self), None)
        } else {
            Operating::inert()
        };
        operating.run(body).await
    }

    #[track_caller]
    fn read<'a, F: Future + 'a>(&'a self, body: F) -> impl Future<Output = F::Output> + use<'a, F> {
        self.run(&READ, Called::now(), body)
    }

    #[track_caller]
    fn write<'a, F: Future + 'a>(
        &'a self,
        body: F,
    ) -> impl Future<Output = F::Output> + use<'a, F> {
        self.run(&WRITE, Called::now(), body)
    }
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
}

/// An operation that is ready at once, at a call site of its own.
async fn touch(cache: &Cache) {
    cache.write(async {}).await;
}

/// One that waits by itself.
async fn wait(cache: &Cache) {
    cache.write(yield_now()).await;
}

/// A near miss of two tasks with `operation`, so that its call site is delayed from now on; nothing overlaps.
async fn arm<F: Future + Send + 'static>(operation: impl Fn(Arc<Cache>) -> F) {
    let cache = Arc::new(Cache::default());
    for _ in 0..2 {
        let operation = operation(Arc::clone(&cache));
        let (done, ended) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            operation.await;
            done.send(()).unwrap();
            // Its place in memory is not the next one's.
            pending::<()>().await;
        });
        // One after the other, also where the site is delayed already.
        ended.await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

async fn arm_touch() {
    arm(|cache| async move { touch(&cache).await }).await;
}

async fn arm_wait() {
    arm(|cache| async move { wait(&cache).await }).await;
}

/// A correct program, delayed or not.
fn never_reported(body: impl FnOnce()) {
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_clean(&ended);
}

fn assert_clean(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.as_ref().expect("a report");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations > 0, "nothing was watched");
}

/// Two tasks that do the same with one cache.
async fn both<F: Future<Output = ()> + Send + 'static>(task: impl Fn(Arc<Cache>) -> F) {
    let cache = Arc::new(Cache::default());
    let (one, other) = (
        tokio::spawn(task(Arc::clone(&cache))),
        tokio::spawn(task(cache)),
    );
    one.await.unwrap();
    other.await.unwrap();
}

#[test]
fn two_tasks_of_one_thread_that_interleave_at_an_await_are_found() {
    let violation = found(|| {
        current_thread().block_on(both(async |cache: Arc<Cache>| {
            for _ in 0..3 {
                wait(&cache).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }));
    });
    let Some(violation) = violation else { return };
    for party in [&violation.first, &violation.second] {
        assert!(
            party
                .stack
                .first()
                .is_some_and(|frame| frame.function.contains("asynchronous::")),
            "{:#?}",
            party.stack
        );
        let is_ours = |function: &str| function.contains("tsvd::");
        assert!(
            !party.stack.iter().any(|frame| is_ours(&frame.function)),
            "{:#?}",
            party.stack
        );
    }
    assert_ne!(
        violation.first.context.thread_id,
        violation.second.context.thread_id
    );
}

#[test]
fn a_memo_cache_with_an_await_between_look_up_and_insert_is_found() {
    let ended = run_with(&[], || {
        multi_thread().block_on(both(async |cache: Arc<Cache>| {
            for _ in 0..20 {
                cache.read(async {}).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
                touch(&cache).await;
            }
        }));
    });
    let Some(ended) = ended else { return };
    assert_eq!(ended.status, Some(66), "{}", ended.stderr);
    // Read against write, write against write, or both.
    let violations = ended.report.unwrap().violations;
    assert!(matches!(violations.len(), 1 | 2), "{}", ended.stderr);
    for violation in violations {
        let tasks = [violation.first.context.task, violation.second.context.task];
        assert!(
            tasks[0] != tasks[1] || !cfg!(feature = "tokio"),
            "{tasks:?}"
        );
    }
}

#[test]
fn two_joined_writers_are_found() {
    found(|| {
        let cache = Cache::default();
        futures::executor::block_on(async { futures::join!(wait(&cache), wait(&cache)) });
    });
}

#[test]
fn two_tasks_on_smol_are_found() {
    found(|| {
        smol::block_on(async {
            let cache = Arc::new(Cache::default());
            let task = || {
                let cache = Arc::clone(&cache);
                smol::spawn(async move {
                    for _ in 0..5 {
                        cache
                            .write(smol::Timer::after(Duration::from_millis(1)))
                            .await;
                    }
                })
            };
            let (one, other) = (task(), task());
            one.await;
            other.await;
        });
    });
}

/// A writer that is dropped in its body; another writes after that, or begins before.
async fn cancelled_writer(overlaps: bool) {
    let cache = Cache::default();
    let cancelled = async {
        let write = cache.write(pending::<()>());
        let write = tokio::time::timeout(Duration::from_millis(5), write);
        assert!(write.await.is_err());
    };
    if overlaps {
        let other = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            wait(&cache).await;
        };
        tokio::join!(cancelled, other);
    } else {
        cancelled.await;
        wait(&cache).await;
    }
}

#[test]
fn a_writer_that_is_cancelled_while_another_has_begun_is_found() {
    found(|| {
        current_thread().block_on(async {
            // Known to wait by itself.
            wait(&Cache::default()).await;
            cancelled_writer(true).await;
        });
    });
}

#[test]
fn a_writer_that_was_cancelled_before_is_no_violation() {
    silent(false, || {
        current_thread().block_on(async {
            for _ in 0..100 {
                cancelled_writer(false).await;
            }
        });
    });
}

#[test]
fn one_task_that_calls_one_after_another_across_workers_is_left_alone() {
    silent(false, || {
        multi_thread().block_on(async {
            let task = || {
                tokio::spawn(async {
                    let cache = Cache::default();
                    for _ in 0..100 {
                        wait(&cache).await;
                        yield_now().await;
                        cache.read(async {}).await;
                    }
                })
            };
            for task in (0..8).map(|_| task()).collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn operations_in_one_another_across_awaits_are_left_alone() {
    silent(false, || {
        multi_thread().block_on(both(async |_| {
            let cache = Cache::default();
            for _ in 0..100 {
                let inner = async {
                    cache.read(yield_now()).await;
                    yield_now().await;
                    cache.write(async { wait(&cache).await }).await;
                };
                cache.write(inner).await;
            }
        }));
    });
}

#[test]
fn what_an_async_mutex_orders_is_never_reported() {
    never_reported(|| {
        for runtime in [current_thread(), multi_thread()] {
            runtime.block_on(async {
                let lock = Arc::new(tokio::sync::Mutex::new(()));
                both(move |cache: Arc<Cache>| {
                    let lock = Arc::clone(&lock);
                    async move {
                        for _ in 0..100 {
                            let guard = lock.lock().await;
                            wait(&cache).await;
                            touch(&cache).await;
                            drop(guard);
                            yield_now().await;
                        }
                    }
                })
                .await;
            });
        }
    });
}

#[test]
fn what_a_channel_hands_on_is_never_reported_and_soon_left_alone() {
    let ended = run_with(&[], || {
        multi_thread().block_on(async {
            let (to_one, mut one) = tokio::sync::mpsc::channel(1);
            let (to_other, mut other) = tokio::sync::mpsc::channel(1);
            to_one.send(Cache::default()).await.unwrap();
            let echo = tokio::spawn(async move {
                while let Some(cache) = other.recv().await {
                    wait(&cache).await;
                    if to_one.send(cache).await.is_err() {
                        return;
                    }
                }
            });
            for _ in 0..200 {
                let cache = one.recv().await.unwrap();
                cache.write(yield_now()).await;
                // It is boxed, so that its address stays.
                to_other.send(cache).await.unwrap();
            }
            drop((one, to_other));
            echo.await.unwrap();
        });
    });
    if let Some(ended) = ended {
        assert_clean(&ended);
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_future_that_moves_between_threads_is_left_alone() {
    silent(false, || {
        for _ in 0..100 {
            let cache = Arc::new(Cache::default());
            let mut future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                for _ in 0..4 {
                    wait(&cache).await;
                }
            });
            let waker = Waker::from(Arc::new(Woken::default()));
            while !std::thread::scope(|scope| {
                let polled = scope.spawn(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
                polled.join().unwrap().is_ready()
            }) {}
        }
    });
}

#[test]
fn a_blocking_task_within_a_write_is_a_part_of_it() {
    silent(false, || {
        multi_thread().block_on(both(async |_| {
            let cache = Arc::new(Cache::default());
            for _ in 0..50 {
                let child = Arc::clone(&cache);
                let body = async move {
                    let read = move || futures::executor::block_on(child.read(async {}));
                    tokio::task::spawn_blocking(tsvd::context::inherit(read))
                        .await
                        .unwrap();
                };
                cache.write(body).await;
            }
        }));
    });
}

#[test]
fn a_spawned_task_within_a_write_that_waits_for_it_is_never_reported() {
    for inherits in [true, false] {
        never_reported(|| {
            multi_thread().block_on(both(move |_| async move {
                let cache = Arc::new(Cache::default());
                for _ in 0..20 {
                    let child = Arc::clone(&cache);
                    let body = async move {
                        let read = async move { wait(&child).await };
                        let task = match inherits {
                            true => tokio::spawn(tsvd::context::inherit_future(read)),
                            false => tokio::spawn(read),
                        };
                        task.await.unwrap();
                    };
                    cache.write(body).await;
                }
            }));
        });
    }
}

/// What the guest sees of an operation that is ready at once, where delays are due.
fn outcomes() {
    let say = |what: &str, outcome: String| println!("outcome of {what}: {outcome}");
    for (name, runtime) in [("one", current_thread()), ("many", multi_thread())] {
        runtime.block_on(async {
            for _ in 0..5 {
                arm_touch().await;
                let cache = Cache::default();
                say(name, format!("{:?}", touch(&cache).now_or_never()));
                let chosen = tokio::select! {
                    biased;
                    () = touch(&cache) => "the operation",
                    () = async {} => "the other",
                };
                say(name, chosen.to_owned());
                let mut raced = std::pin::pin!(touch(&cache));
                let raced = futures::future::select(raced.as_mut(), std::future::ready(()));
                let first = matches!(raced.await, futures::future::Either::Left(_));
                say(name, format!("{first}"));
                let within = tokio::time::timeout(Duration::ZERO, touch(&cache)).await;
                say(name, format!("{within:?}"));
            }
        });
    }
    let paused = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    paused.block_on(async {
        for _ in 0..5 {
            arm_wait().await;
            let begun = tokio::time::Instant::now();
            let cache = Cache::default();
            tokio::join!(wait(&cache), tokio::time::sleep(Duration::from_millis(7)));
            say("paused", format!("{:?}", begun.elapsed()));
        }
    });
}

#[test]
fn what_is_ready_at_once_stays_so_for_whoever_races_it() {
    let Some(watched) = run_with(&[], outcomes) else {
        return;
    };
    let outcome = |ended: &Ended| {
        let lines = ended.stdout.lines();
        let outcomes = lines.filter_map(|line| Some(line[line.find("outcome of")?..].to_owned()));
        outcomes.collect::<Vec<_>>()
    };
    assert_clean(&watched);
    let report = watched.report.as_ref().unwrap();
    assert!(
        report.summary.pairs_armed > 0 && report.summary.delays > 0,
        "{:?}",
        report.summary
    );
    assert!(!report.run.disturbed);
    let expected = [
        "outcome of one: Some(())",
        "outcome of one: the operation",
        "outcome of one: true",
        "outcome of one: Ok(())",
    ];
    let seen = outcome(&watched);
    assert_eq!(seen.len(), 45, "{}", watched.stdout);
    assert_eq!(seen[..4], expected);
    #[cfg(feature = "tokio")]
    assert_eq!(seen.last().unwrap(), "outcome of paused: 7ms");
}

#[test]
fn other_tasks_go_on_while_one_is_delayed() {
    let ended = run_with(&[], || {
        current_thread().block_on(async {
            arm_wait().await;
            let count = Arc::new(AtomicU64::new(0));
            let counter = {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    loop {
                        count.fetch_add(1, SeqCst);
                        yield_now().await;
                    }
                })
            };
            let (before, begun) = (count.load(SeqCst), Instant::now());
            wait(&Cache::default()).await;
            let delayed = begun.elapsed();
            let counted = count.load(SeqCst) - before;
            counter.abort();
            assert!(
                delayed >= Duration::from_millis(3),
                "{delayed:?}: not delayed"
            );
            assert!(counted > 20, "{counted} in {delayed:?}");
        });
    });
    if let Some(ended) = ended {
        assert_clean(&ended);
        assert_eq!(ended.report.unwrap().summary.delays, 1);
    }
}

#[test]
fn with_block_the_thread_sleeps_and_with_off_nobody() {
    for (setting, delayed) in [("suspend", true), ("block", true), ("off", false)] {
        let body = || {
            current_thread().block_on(arm_wait());
            // Not on a thread of a runtime.
            let other = Arc::new(AtomicBool::new(false));
            let until = Arc::clone(&other);
            let thread = std::thread::spawn(move || {
                while !until.load(SeqCst) {
                    std::thread::yield_now()
                }
            });
            let mut polls = 0;
            let cache = Cache::default();
            let mut future = std::pin::pin!(wait(&cache));
            futures::executor::block_on(std::future::poll_fn(|cx| {
                polls += 1;
                future.as_mut().poll(cx)
            }));
            println!("polls: {polls}");
            other.store(true, SeqCst);
            thread.join().unwrap();
        };
        let Some(ended) = run_with(&[("TSVD_ASYNC", setting)], body) else {
            return;
        };
        assert_clean(&ended);
        assert_eq!(
            ended.report.as_ref().unwrap().summary.delays > 0,
            delayed,
            "{setting}"
        );
        let polls = if setting == "suspend" {
            "polls: 3"
        } else {
            "polls: 2"
        };
        assert!(ended.stdout.contains(polls), "{setting}: {}", ended.stdout);
    }
}

#[test]
fn an_operation_that_is_never_polled_is_never_in_flight() {
    silent(false, || {
        current_thread().block_on(async {
            let cache = Cache::default();
            for _ in 0..100 {
                let unpolled = wait(&cache);
                touch(&cache).await;
                drop(unpolled);
            }
        });
    });
}

#[test]
fn one_that_is_polled_after_its_end_panics_as_without_us() {
    silent(false, || {
        let cache = Cache::default();
        let mut future = std::pin::pin!(touch(&cache));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_ready());
        let again = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
        let panic = again.unwrap_err();
        assert_eq!(
            panic.downcast_ref(),
            Some(&"`async fn` resumed after completion")
        );
    });
}

#[test]
fn one_that_is_leaked_while_it_is_held_is_never_reported() {
    let body = || {
        current_thread().block_on(arm_wait());
        let reused = Cell::new(0);
        let mut held = 0;
        for _ in 0..100 {
            let cache = Box::into_raw(Box::new(Cache::default()));
            let waker = Waker::from(Arc::new(Woken::default()));
            // SAFETY: it is freed below, when nobody polls the future any more.
            let operation = wait(unsafe { &*cache });
            let mut future = Box::pin(operation);
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            held += u64::from(polled.is_pending());
            std::mem::forget(future);
            // SAFETY: it came from a box.
            drop(unsafe { Box::from_raw(cache) });
            let next = Box::new(Cache::default());
            reused.set(reused.get() + usize::from(std::ptr::eq(&*next, cache)));
            std::thread::scope(|scope| {
                scope.spawn(|| futures::executor::block_on(touch(&next)));
            });
        }
        assert_eq!(held, 100);
        assert!(
            reused.get() > 90,
            "the address is used again {} times",
            reused.get()
        );
    };
    let settings = [
        ("TSVD_BUDGET_PROCESS_MS", "10000"),
        ("TSVD_BUDGET_THREAD_MS", "10000"),
        ("TSVD_DECAY", "0"),
    ];
    if let Some(ended) = run_with(&settings, body) {
        assert_clean(&ended);
    }
}

#[test]
fn one_that_is_dropped_by_a_panic_or_with_its_runtime_leaves_nothing_behind() {
    never_reported(|| {
        let cache = Arc::new(Cache::default());
        for _ in 0..20 {
            let mine = Arc::clone(&cache);
            let panic = catch_unwind(AssertUnwindSafe(|| {
                current_thread().block_on(async {
                    mine.write(async { std::panic::panic_any("the guest's own") })
                        .await
                })
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the guest's own"));
            for runtime in [current_thread(), multi_thread()] {
                runtime.block_on(arm_wait());
                for _ in 0..4 {
                    // Each with a cache of its own.
                    runtime.spawn(async { Cache::default().write(pending::<()>()).await });
                    runtime.spawn(async { wait(&Cache::default()).await });
                }
                runtime.block_on(yield_now());
                drop(runtime);
            }
            futures::executor::block_on(touch(&cache));
        }
    });
}

#[test]
fn a_future_dropped_while_it_is_held_is_told_of_and_spared_from_then_on() {
    let body = || {
        current_thread().block_on(async {
            arm_wait().await;
            let cache = Cache::default();
            let dropped =
                |within| tokio::time::timeout(Duration::from_millis(within), wait(&cache));
            // Held for longer than that.
            assert!(dropped(1).await.is_err());
            let begun = Instant::now();
            assert!(dropped(1000).await.is_ok());
            assert!(begun.elapsed() < Duration::from_millis(3));
        });
    };
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_clean(&ended);
    assert!(ended.report.as_ref().unwrap().run.disturbed);
    let traps = std::fs::read_to_string(ended.dir.path().join("traps.json")).unwrap();
    assert!(traps.contains("\"disturbed\":true"), "{traps}");
}

#[test]
fn with_panic_the_task_that_proves_it_panics_and_the_report_is_there() {
    let body = || {
        let outcome = current_thread().block_on(async {
            let cache = Arc::new(Cache::default());
            let task = || {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { wait(&cache).await })
            };
            let (one, other) = (task(), task());
            [one.await.is_err(), other.await.is_err()]
        });
        assert_eq!(
            outcome.iter().filter(|panicked| **panicked).count(),
            1,
            "{outcome:?}"
        );
    };
    let Some(ended) = run_with(&[("TSVD_ON_VIOLATION", "panic")], body) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("thread-safety violation at `asynchronous::Cache::write`"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.report.unwrap().violations.len(), 1);
}

/// Polls once and no more, by a waker that nobody waits for.
#[test]
fn a_hand_made_executor_is_served_too() {
    found(|| {
        let cache = Cache::default();
        let mut futures = [Box::pin(wait(&cache)), Box::pin(wait(&cache))];
        let wakers = [(); 2].map(|()| Arc::new(Woken::default()));
        let mut ready = [false; 2];
        while ready != [true; 2] {
            for ((future, woken), ready) in futures.iter_mut().zip(&wakers).zip(&mut ready) {
                let waker = Waker::from(Arc::clone(woken));
                if !*ready
                    && let Poll::Ready(()) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    *ready = true;
                }
            }
        }
    });
}
