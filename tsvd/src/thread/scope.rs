//! `thread::scope`, which loom lacks.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{JoinHandle, Thread, spawn};

/// [`std::thread::scope`] under loom: threads that may borrow, all of which have ended when it returns.
///
/// # Panics
///
/// If `body` does, once all threads have ended. If they cannot, because of a panic other than loom's "deadlock", the process
/// aborts: they could still use what is being unwound.
#[track_caller]
pub fn scope<'env, F, T>(body: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        threads: Mutex::default(),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| body(&scope)));
    let joined = catch_unwind(AssertUnwindSafe(|| scope.join_all()));
    if let Err(panic) = joined {
        if !is_deadlock(&*panic) {
            eprintln!(
                "tsvd: threads of a scope cannot end, and what they borrow is being unwound: aborting"
            );
            std::process::abort();
        }
        // No thread of the execution runs any more, whatever destructors do.
        resume_unwind(panic);
    }
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

fn is_deadlock(panic: &(dyn std::any::Any + Send)) -> bool {
    let text = panic.downcast_ref::<String>();
    text.is_some_and(|text| text.starts_with("deadlock; threads"))
}

/// A thread of a scope, until somebody joins it.
type Slot = Arc<Mutex<Option<JoinHandle<()>>>>;

/// [`std::thread::Scope`] under loom.
pub struct Scope<'scope, 'env: 'scope> {
    threads: Mutex<Vec<Slot>>,
    // Both invariant, as in std.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> Scope<'scope, '_> {
    /// As std's.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, body: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let result = Arc::new(Mutex::new(None));
        let body: Box<dyn FnOnce() + 'scope> = {
            let result = Arc::clone(&result);
            Box::new(move || {
                let value = body();
                *plainly(&result) = Some(value);
            })
        };
        // SAFETY: only the lifetime differs. The box is called and dropped by a thread that `scope` waits for before it returns or
        // unwinds; it aborts if it cannot wait and the thread could still run. Handles of other threads can only
        // join it earlier.
        let body =
            unsafe { std::mem::transmute::<Box<dyn FnOnce() + 'scope>, Box<dyn FnOnce()>>(body) };
        let handle = spawn(body);
        let thread = handle.thread().clone();
        let slot = Slot::new(Mutex::new(Some(handle)));
        plainly(&self.threads).push(Arc::clone(&slot));
        ScopedJoinHandle {
            slot,
            thread,
            result,
            scope: PhantomData,
        }
    }

    /// Threads may spawn others meanwhile.
    #[track_caller]
    fn join_all(&self) {
        loop {
            let Some(slot) = plainly(&self.threads).pop() else {
                return;
            };
            join(&slot);
        }
    }
}

/// Waits for the thread, unless somebody else does, who then is a thread of the scope himself.
#[track_caller]
fn join(slot: &Slot) {
    let handle = plainly(slot).take();
    if let Some(handle) = handle
        && let Err(panic) = handle.join()
    {
        resume_unwind(panic);
    }
}

/// Not loom's: held for no step.
fn plainly<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// [`std::thread::ScopedJoinHandle`] under loom.
pub struct ScopedJoinHandle<'scope, T> {
    slot: Slot,
    thread: Thread,
    result: Arc<Mutex<Option<T>>>,
    scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits for the thread.
    ///
    /// # Errors
    ///
    /// None: a panic of a thread fails the model.
    #[track_caller]
    pub fn join(self) -> std::thread::Result<T> {
        join(&self.slot);
        let value = plainly(&self.result).take();
        Ok(value.expect("the thread has ended, and only this handle takes its value"))
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}
