//! Planted violations of async operations.

use futures::future::BoxFuture;

use super::*;

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

/// Its operations return their futures in boxes.
struct Store;

/// What all of them do.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tsvd::contract(resource = "store")]
impl Store {
    #[tsvd::write]
    fn boxed(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move { a_while().await })
    }

    #[tsvd::write]
    fn hidden(&self) -> impl Future<Output = ()> {
        async { a_while().await }
    }

    #[tsvd::write]
    fn begun(&self) -> BoxFuture<'_, ()> {
        let begun = a_while();
        Box::pin(begun)
    }
}

#[async_trait::async_trait]
trait Service {
    async fn call(&self, by: u8, turn: Option<tokio::sync::OwnedMutexGuard<()>>) -> u8;
}

#[async_trait::async_trait]
#[tsvd::contract(resource = "store")]
impl Service for Store {
    #[tsvd::write]
    async fn call(&self, by: u8, _turn: Option<tokio::sync::OwnedMutexGuard<()>>) -> u8 {
        a_while().await;
        by
    }
}

/// Two tasks that do this by turns.
fn two_tasks<F: Future<Output = ()> + Send + 'static>(turn: fn(&'static Store) -> F) {
    multi_thread().block_on(both(move |_| async move {
        for _ in 0..50 {
            turn(&Store).await;
        }
    }));
}

#[test]
fn two_tasks_whose_futures_are_made_in_boxes_are_found() {
    found(|| two_tasks(Store::boxed));
}

#[test]
fn two_tasks_whose_futures_are_hidden_are_found() {
    found(|| two_tasks(|store| async { store.hidden().await }));
}

#[test]
fn two_tasks_that_call_an_async_trait_are_found() {
    found(|| two_tasks(|store| async { assert_eq!(store.call(1, None).await, 1) }));
}

/// Whoever has begun something before the first poll is not held, or that might wait in vain.
#[test]
fn two_tasks_whose_futures_were_begun_before_are_not_delayed() {
    silent(false, || two_tasks(Store::begun));
}

/// Two tasks of smol's that do this by turns.
fn two_tasks_on_smol<F>(turn: fn(Arc<Cache>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    smol::block_on(async {
        let cache = Arc::new(Cache::default());
        let task = || {
            let cache = Arc::clone(&cache);
            smol::spawn(async move {
                for _ in 0..50 {
                    turn(Arc::clone(&cache)).await;
                }
            })
        };
        let (one, other) = (task(), task());
        one.await;
        other.await;
    });
}

fn a_millisecond() -> smol::Timer {
    smol::Timer::after(Duration::from_millis(1))
}

#[test]
fn two_tasks_on_smol_are_found() {
    found(|| {
        two_tasks_on_smol(|cache| async move {
            cache.write(a_millisecond()).await;
        });
    });
}

/// Nothing overlaps unless one is held.
#[test]
fn two_tasks_on_smol_that_never_wait_in_an_operation_are_found() {
    found(|| {
        two_tasks_on_smol(|cache| async move {
            touch(&cache).await;
            a_millisecond().await;
        });
    });
}

#[test]
fn a_writer_that_is_cancelled_while_another_has_begun_is_found() {
    found_with(&UNTIL_CAUGHT, || {
        current_thread().block_on(async {
            // Known to wait by itself.
            wait(&Cache::default()).await;
            // That it is dropped proves nothing: it might have waited for the other. So it has to be held itself, when the other
            // comes.
            for _ in 0..20 {
                cancelled_writer(true).await;
            }
        });
    });
}

/// In a race only what always waits is held: that the writer does is known to the next run.
#[test]
fn a_writer_that_waits_and_a_reader_that_does_not_in_one_join_are_found_in_the_second_run() {
    let once = || {
        current_thread().block_on(async {
            let cache = Cache::default();
            let writes = cache.write(tokio::time::sleep(Duration::from_millis(3)));
            tokio::join!(writes, cache.read(async {}));
        });
    };
    let Some(first) = run_with(&[], once) else {
        return;
    };
    assert_clean(&first);
    let second = run_again(first, once).expect("the parent");
    assert_eq!(second.status, Some(66), "{}", second.stderr);
    assert_eq!(second.report.expect("a report").violations.len(), 1);
}

#[test]
fn a_stream_whose_items_are_written_at_the_same_time_is_found() {
    let found = found(|| {
        current_thread().block_on(async {
            let cache = Cache::default();
            let items = futures::stream::iter(0..50);
            items.for_each_concurrent(2, |_| wait(&cache)).await;
        });
    });
    if let Some(violation) = found {
        assert_eq!(violation.first.operation, "write");
        assert_eq!(violation.second.operation, "write");
    }
}
