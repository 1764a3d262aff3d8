//! Async operations on real executors, each scenario in a process of its own.

#![cfg(not(loom))]

#[path = "asynchronous/abuse.rs"]
mod abuse;
#[path = "asynchronous/found.rs"]
mod found;
#[path = "asynchronous/guests.rs"]
mod guests;
#[path = "asynchronous/left_alone.rs"]
mod left_alone;
mod process;

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use process::{Ended, UNTIL_CAUGHT, found, found_with, run_again, run_with, silent};
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

/// At one call site: it waits for what is not there, and is ready where it is.
async fn look_up(cache: &Cache, is_there: bool) {
    let load = async {
        if !is_there {
            yield_now().await;
        }
    };
    cache.write(load).await;
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

/// All that waited; none has been ready yet.
async fn arm_look_up() {
    arm(|cache| async move { look_up(&cache, false).await }).await;
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

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Delays whatever may be delayed, and goes on after a report.
const EAGER: [(&str, &str); 5] = [
    ("TSVD_STRATEGY", "random"),
    ("TSVD_RANDOM_PROBABILITY", "1"),
    ("TSVD_BUDGET_PROCESS_MS", "60000"),
    ("TSVD_BUDGET_THREAD_MS", "60000"),
    ("TSVD_ON_VIOLATION", "record"),
];

/// What must not hang with delays everywhere: it ends in time, and somebody was delayed.
fn ends_in_time(body: impl FnOnce() + Send + 'static) -> Option<Ended> {
    let ended = run_with(&EAGER, || {
        let (done, ended) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            body();
            done.send(()).unwrap();
        });
        if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
            ended.recv_timeout(Duration::from_secs(10))
        {
            println!("it hangs");
            // Whoever hangs cannot be joined.
            std::process::exit(3);
        }
        thread.join().unwrap();
    })?;
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.report.as_ref().unwrap().summary.delays > 0);
    Some(ended)
}

/// Waits once, and has woken itself already.
fn yield_once() -> impl Future<Output = ()> {
    let mut has_waited = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
