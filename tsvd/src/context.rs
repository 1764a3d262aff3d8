//! Which contexts are begun by which operations, where that is not to be seen.
//!
//! An operation that runs others of its object on other threads, and waits for them, is correct: a write whose scoped threads
//! read, a parallel sort. `tsvd` knows such a thread for the operation's own, which it does not conflict with, if the
//! thread *inherits* the operations that were in flight where it was begun. Threads of
//! [`tsvd::thread`](crate::thread) do; for the jobs of a pool say so with [`inherit`]. An operation that was not in flight
//! at that moment is excused by nothing, nor are two threads begun by one operation: these conflict as any others.
//!
//! An async operation inherits by itself what it is first polled in. A task that is spawned does not: [`inherit_future`].
//!
//! | children | know that they are a part by |
//! |---|---|
//! | [`tsvd::thread`](crate::thread), threads and scopes | themselves |
//! | `std::thread`, crossbeam's scopes, `rayon::join`, a pool's `execute`, tokio's `spawn_blocking` | [`inherit`] around the closure |
//! | `scope.spawn(|_| …)` of rayon or crossbeam | a job made before: `let job = inherit(|| …); scope.spawn(move |_| job())` |
//! | parallel iterators | nothing: they are suspected, and not reported |
//! | tokio's `spawn`, `spawn_local`, any executor's | [`inherit_future`] around the future |
//! | `join!`, `select!`, futures that are polled below one another | themselves |
//!
//! What an async operation begins on other threads inherits it only if the operation is an `async fn`. A function that returns a
//! future runs its body before that is polled, so jobs begun there inherit nothing of it; since it may wait for them, it is never
//! delayed, and whoever is being delayed when it is first polled is not said to collide with it. An `async fn` finds more.
//!
//! A region expected to be atomic does not know its helpers by itself either: what a thread or task that it waits for does to the
//! region's object is another's interference, and may be reported, unless it inherits.
//!
//! A thread of a pool may take over another job while it waits within an operation. That job counts as its thread's, so what it
//! does to the operation's object is missed.
//!
//! But for these two nothing false is reported without it, for an operation that waits is never proved to overlap; but its threads are
//! suspected, and delayed in vain.

/// Makes `closure` run, wherever it is run, as part of the operations that are in flight here and now.
///
/// For pools and executors of blocking jobs. The running thread has for the time of `closure` what this call inherits, then
/// again what it had before, also if `closure` panics. It costs nothing without the feature `detect`; under loom
/// it inherits the [regions](crate::scope::Region) that are open here.
///
/// ```
/// # struct Pool;
/// # impl Pool {
/// #     fn run(&self, job: impl FnOnce() + Send + 'static) { std::thread::spawn(job).join().unwrap() }
/// # }
/// # let pool = Pool;
/// pool.run(tsvd::context::inherit(|| println!("a part of the job")));
/// ```
#[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
pub fn inherit<F, R>(closure: F) -> impl FnOnce() -> R
where
    F: FnOnce() -> R,
{
    #[cfg(all(feature = "detect", not(loom)))]
    let closure = {
        let inheritance = crate::backend::bequeath(std::panic::Location::caller());
        move || inheritance.run(closure)
    };
    #[cfg(loom)]
    let closure = {
        let regions = crate::backend::bequeath();
        move || regions.run(closure)
    };
    closure
}

/// Makes `future` a context of its own, and a part of the operations that are in flight here and now: for tasks that are spawned.
///
/// What a task does between its async operations counts as the thread's that polls it, and so as one with what other
/// tasks do there. As a context of its own it conflicts with those tasks, but for the operations that were in flight at this
/// call. It belongs to the test that this call is made in. (An async operation is always a context of its own, a part of those it is polled
/// in.) Under loom it inherits the [regions](crate::scope::Region) that are open here.
///
/// ```
/// # struct Executor;
/// # impl Executor { fn spawn(&self, task: impl Future) { drop(task) } }
/// # let executor = Executor;
/// executor.spawn(tsvd::context::inherit_future(async { println!("a part of the job") }));
/// ```
#[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
pub fn inherit_future<F: Future>(future: F) -> impl Future<Output = F::Output> {
    #[cfg(all(feature = "detect", not(loom)))]
    let inheritance = crate::backend::bequeath(std::panic::Location::caller());
    #[cfg(loom)]
    let inheritance = crate::backend::bequeath();
    #[cfg(any(feature = "detect", loom))]
    let future = Inheriting {
        inherited: inheritance.into_future(),
        future: Box::pin(future),
    };
    future
}

#[cfg(any(feature = "detect", loom))]
struct Inheriting<F> {
    inherited: crate::backend::Inherited,
    future: std::pin::Pin<Box<F>>,
}

#[cfg(any(feature = "detect", loom))]
impl<F: Future> Future for Inheriting<F> {
    type Output = F::Output;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<F::Output> {
        let Self { inherited, future } = self.get_mut();
        inherited.poll(cx, |cx| future.as_mut().poll(cx))
    }
}
