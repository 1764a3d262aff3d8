//! Correct programs: nothing is reported, and mostly nothing delayed for long.

use std::panic::{RefUnwindSafe, UnwindSafe};

use super::*;

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

/// What comes after the lock is given back takes its time.
struct Lingering;

impl Drop for Lingering {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
    }
}

/// Its operations are ordered by a lock that is handed to them, and given back when their parameters are dropped, last first.
#[derive(Default)]
struct Journal {
    _size: u8,
}

#[tsvd::contract]
impl Journal {
    #[tsvd::write]
    async fn append(
        &self,
        body: impl Future<Output = ()>,
        _lingering: Lingering,
        _turn: tokio::sync::OwnedMutexGuard<()>,
    ) {
        body.await;
    }
}

#[async_trait::async_trait]
trait Appends {
    async fn append_yielding(&self, lingering: Lingering, turn: tokio::sync::OwnedMutexGuard<()>);
}

#[async_trait::async_trait]
#[tsvd::contract]
impl Appends for Journal {
    #[tsvd::write]
    async fn append_yielding(
        &self,
        _lingering: Lingering,
        _turn: tokio::sync::OwnedMutexGuard<()>,
    ) {
        yield_now().await;
    }
}

/// Each task on a thread of its own, so that one goes on as soon as the other has given the lock back.
fn in_turn(append: impl AsyncFn(&Journal, tokio::sync::OwnedMutexGuard<()>) + Sync) {
    silent(true, || {
        let (lock, journal) = (Arc::new(tokio::sync::Mutex::new(())), Journal::default());
        let task = async || {
            for _ in 0..100 {
                let turn = Arc::clone(&lock).lock_owned().await;
                append(&journal, turn).await;
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| current_thread().block_on(task()));
            }
        });
    });
}

#[test]
fn operations_that_are_ready_at_once_and_get_the_lock_that_orders_them_are_left_alone() {
    in_turn(async |journal, turn| journal.append(async {}, Lingering, turn).await);
}

#[test]
fn operations_that_wait_and_get_the_lock_that_orders_them_are_left_alone() {
    in_turn(async |journal, turn| journal.append(yield_now(), Lingering, turn).await);
}

#[test]
fn operations_of_an_async_trait_that_get_the_lock_that_orders_them_are_left_alone() {
    in_turn(async |journal, turn| journal.append_yielding(Lingering, turn).await);
}

/// A writer that waits for its reader, which is delayed, is given up meanwhile: aborted, timed out, gone with its runtime.
/// Nobody else has its cache.
fn given_up<F: Future<Output = ()> + Send + 'static>(writer: impl Fn(Arc<Cache>) -> F) {
    const WAIT: Duration = Duration::from_millis(4);
    let writer = || writer(Arc::default());
    never_reported(|| {
        for runtime in [current_thread, multi_thread] {
            let kept = runtime();
            for _ in 0..20 {
                kept.block_on(async {
                    let aborted = tokio::spawn(writer());
                    tokio::time::sleep(WAIT).await;
                    aborted.abort();
                    let _ = aborted.await;
                    let _ = tokio::time::timeout(WAIT, writer()).await;
                });
                let gone = runtime();
                gone.block_on(async {
                    tokio::spawn(writer());
                    tokio::time::sleep(WAIT).await;
                });
                gone.shutdown_background();
            }
        }
    });
}

#[test]
fn a_write_that_is_given_up_while_it_waits_for_a_task_that_reads_is_no_violation() {
    given_up(async |cache| {
        let reader = Arc::clone(&cache);
        let reads = async move { reader.read(async {}).await };
        cache.write(async { drop(tokio::spawn(reads).await) }).await;
    });
}

#[test]
fn a_write_that_is_given_up_while_it_waits_for_a_thread_that_reads_is_no_violation() {
    given_up(async |cache| {
        let reader = Arc::clone(&cache);
        let reads = move || drop(tsvd::scope(&*reader).read());
        let body = async { drop(tokio::task::spawn_blocking(reads).await) };
        cache.write(body).await;
    });
}

#[test]
fn a_scope_that_is_given_up_while_it_waits_for_a_thread_that_reads_is_no_violation() {
    given_up(async |cache| {
        let reader = Arc::clone(&cache);
        let _writes = tsvd::scope(&*cache).write();
        let reads = move || drop(tsvd::scope(&*reader).read());
        drop(tokio::task::spawn_blocking(reads).await);
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
            for _ in 0..100 {
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
                for _ in 0..100 {
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

#[test]
fn a_stream_whose_items_are_written_one_after_the_other_is_left_alone() {
    silent(false, || {
        multi_thread().block_on(async {
            let cache = Cache::default();
            let mut items = futures::stream::iter(0..100)
                .then(|_| wait(&cache))
                .boxed_local();
            while items.next().await.is_some() {
                wait(&cache).await;
            }
        });
    });
}

/// Calls four at once, sixty times.
async fn four_at_once<F: Future<Output = ()> + Send + 'static>(call: impl Fn() -> F) {
    for _ in 0..60 {
        let all = [(); 4].map(|()| tokio::spawn(call()));
        for one in all {
            one.await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

struct Connection {
    _number: u64,
}

#[tsvd::contract]
impl Connection {
    /// The object is gone when the future is there.
    #[tsvd::write]
    fn close(self: Box<Self>) -> impl Future<Output = ()> + Send + 'static {
        drop(self);
        yield_now()
    }
}

#[test]
fn what_consumes_its_object_is_not_in_flight_when_another_has_its_address() {
    never_reported(|| {
        multi_thread().block_on(four_at_once(|| Box::new(Connection { _number: 1 }).close()));
    });
}

struct Client {
    _number: u64,
}

#[tsvd::contract]
impl Client {
    /// What is returned knows nothing of the object.
    #[tsvd::write]
    fn ping(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(yield_now())
    }
}

#[test]
fn a_future_that_outlives_its_object_is_not_in_flight_when_another_has_its_address() {
    never_reported(|| {
        // A client of its own for each, as tower's services are cloned.
        multi_thread().block_on(four_at_once(|| {
            // In the heap, so that it has an address of its own.
            let mut client = Box::new(Client { _number: 1 });
            client.ping()
        }));
    });
}

#[derive(Default)]
struct Store {
    _size: u8,
}

#[tsvd::contract]
impl Store {
    #[tsvd::write]
    async fn chunk(&self) {
        yield_now().await;
    }

    #[tsvd::write]
    fn part(&self) {}

    /// Begins at once, as many a client's methods do; its future only waits for the end.
    #[tsvd::write]
    fn flush(self: &Arc<Self>) -> impl Future<Output = ()> + use<> {
        let own = Arc::clone(self);
        let job = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            own.chunk().await;
        });
        async { job.await.unwrap() }
    }

    #[tsvd::write]
    fn flush_blocking(self: &Arc<Self>) -> impl Future<Output = ()> + use<> {
        let own = Arc::clone(self);
        let job = tokio::task::spawn_blocking(move || {
            tokio::runtime::Handle::current()
                .block_on(tokio::time::sleep(Duration::from_millis(1)));
            own.part();
        });
        async { job.await.unwrap() }
    }
}

/// The future is not held: its body has begun long since.
#[test]
fn jobs_begun_by_the_call_that_returns_a_future_are_no_violation() {
    never_reported(|| {
        multi_thread().block_on(async {
            for _ in 0..60 {
                // One after the other: nobody else is there.
                Arc::new(Store::default()).flush().await;
                Arc::new(Store::default()).flush_blocking().await;
            }
        });
    });
}

struct Plain;

#[tsvd::contract]
impl Plain {
    #[tsvd::write]
    async fn write(&self) {}
}

impl Plain {
    #[tsvd::expect_atomic]
    async fn twice(&self) {
        self.write().await;
        self.write().await;
    }
}

/// A program that asks for one of them still builds.
#[test]
fn futures_keep_their_auto_traits() {
    fn keeps<T: Send + Sync + UnwindSafe + RefUnwindSafe>(_: T) {}
    keeps(Plain.write());
    keeps(Plain.twice());
}
