//! Async operations on real executors, each scenario in a process of its own.

#![cfg(not(loom))]

mod process;

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use process::{found, silent};
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

#[test]
fn two_tasks_of_one_thread_that_interleave_at_an_await_are_found() {
    found(|| {
        current_thread().block_on(async {
            let cache = Arc::new(Cache::default());
            let task = || {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move {
                    for _ in 0..3 {
                        cache.write(tokio::task::yield_now()).await;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                })
            };
            let (one, other) = (task(), task());
            one.await.unwrap();
            other.await.unwrap();
        });
    });
}

#[test]
fn a_memo_cache_with_an_await_between_look_up_and_insert_is_found() {
    found(|| {
        multi_thread().block_on(async {
            let cache = Arc::new(Cache::default());
            let task = || {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move {
                    for _ in 0..4 {
                        cache.read(async {}).await;
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        cache.write(async {}).await;
                    }
                })
            };
            let (one, other) = (task(), task());
            one.await.unwrap();
            other.await.unwrap();
        });
    });
}

#[test]
fn two_joined_writers_are_found() {
    found(|| {
        futures::executor::block_on(async {
            let cache = Cache::default();
            futures::join!(
                cache.write(tokio::task::yield_now()),
                cache.write(tokio::task::yield_now())
            );
        });
    });
}

#[test]
fn one_task_that_calls_one_after_another_across_workers_is_left_alone() {
    silent(false, || {
        multi_thread().block_on(async {
            let tasks = (0..8).map(|_| {
                tokio::spawn(async {
                    let cache = Cache::default();
                    for _ in 0..50 {
                        cache.write(tokio::task::yield_now()).await;
                        tokio::task::yield_now().await;
                        cache.read(async {}).await;
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
    });
}
