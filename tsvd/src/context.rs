//! Which contexts are begun by which operations, where that is not to be seen.
//!
//! An operation that runs others of its object on other threads, and waits for them, is correct: a write whose scoped threads
//! read, a parallel sort. `tsvd` knows such a thread for the operation's own, which it does not conflict with, if the
//! thread *inherits* the operations that were in flight where it was begun. Threads of
//! [`tsvd::thread`](crate::thread) do; for the jobs of a pool say so with [`inherit`]. An operation that was not in flight
//! at that moment is excused by nothing, nor are two threads begun by one operation: these conflict as any others.
//!
//! Without it nothing false is reported, for an operation that waits is never proved to overlap; but its threads are
//! suspected, and delayed in vain.

/// Makes `closure` run, wherever it is run, as part of the operations that are in flight here and now.
///
/// For pools and executors of blocking jobs. The running thread has for the time of `closure` what this call inherits, then
/// again what it had before, also if `closure` panics. It costs nothing without the feature `detect`, and under loom.
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
    closure
}
