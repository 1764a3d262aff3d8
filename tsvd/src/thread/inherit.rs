//! std's functions that begin a thread, with what the thread inherits handed on to it.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::Location;
use std::ptr;

use super::joined::{JoinHandle, ScopedJoinHandle};
use crate::backend::bequeath;
use crate::backend::synchronised::{HandOver, Maker, acquired, released};

/// [`std::thread::spawn`]; the thread inherits the operations that are in flight here, see [`context`](crate::context).
///
/// # Panics
///
/// Where [`std::thread::spawn`] does.
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let inheritance = bequeath(Location::caller());
    let (end, body) = ending(None, move || inheritance.run(f));
    JoinHandle::new(std::thread::spawn(body), end)
}

/// [`std::thread::scope`], for threads that inherit, see [`context`](crate::context).
///
/// # Panics
///
/// Where [`std::thread::scope`] does.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let end = Cell::new(0);
    let result = std::thread::scope(|scope| {
        let scope = Scope::of(scope);
        end.set(scope.end());
        f(scope)
    });
    acquired(end.get());
    result
}

/// [`std::thread::Scope`], whose threads inherit.
#[derive(Debug)]
#[repr(transparent)]
pub struct Scope<'scope, 'env: 'scope>(std::thread::Scope<'scope, 'env>);

impl<'scope, 'env> Scope<'scope, 'env> {
    fn of(scope: &'scope std::thread::Scope<'scope, 'env>) -> &'scope Self {
        // SAFETY: `Self` is a transparent newtype of what is pointed to.
        unsafe { &*(ptr::from_ref(scope) as *const Self) }
    }

    /// Where its threads say that they end: its own address.
    fn end(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// [`std::thread::Scope::spawn`]; the thread inherits the operations that are in flight here.
    ///
    /// # Panics
    ///
    /// Where [`std::thread::Scope::spawn`] does.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let inheritance = bequeath(Location::caller());
        let (end, body) = ending(Some(self.end()), move || inheritance.run(f));
        ScopedJoinHandle::new(self.0.spawn(body), end)
    }
}

/// [`std::thread::Builder`], whose threads inherit, see [`context`](crate::context).
#[must_use = "a builder begins nothing before `spawn`"]
pub struct Builder(std::thread::Builder);

impl Builder {
    /// [`std::thread::Builder::new`].
    #[expect(clippy::new_without_default, reason = "std's has none")]
    pub fn new() -> Self {
        Self(std::thread::Builder::new())
    }

    /// [`std::thread::Builder::name`].
    pub fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    /// [`std::thread::Builder::stack_size`].
    pub fn stack_size(self, size: usize) -> Self {
        Self(self.0.stack_size(size))
    }

    /// [`std::thread::Builder::spawn`]; the thread inherits the operations that are in flight here.
    ///
    /// # Errors
    ///
    /// When the system can begin no thread.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let inheritance = bequeath(Location::caller());
        let (end, body) = ending(None, move || inheritance.run(f));
        let handle = self.0.spawn(body)?;
        Ok(JoinHandle::new(handle, end))
    }

    /// [`std::thread::Builder::spawn_unchecked`]; the thread inherits the operations that are in flight here.
    ///
    /// # Errors
    ///
    /// When the system can begin no thread.
    ///
    /// # Safety
    ///
    /// That of std's: the thread must be joined before anything it borrows ends.
    #[track_caller]
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let inheritance = bequeath(Location::caller());
        let (end, body) = ending(None, move || inheritance.run(f));
        // SAFETY: the caller's; what is added borrows nothing.
        let handle = unsafe { self.0.spawn_unchecked(body) }?;
        Ok(JoinHandle::new(handle, end))
    }

    /// [`std::thread::Builder::spawn_scoped`]; the thread inherits the operations that are in flight here.
    ///
    /// # Errors
    ///
    /// When the system can begin no thread.
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let inheritance = bequeath(Location::caller());
        let (end, body) = ending(Some(scope.end()), move || inheritance.run(f));
        let handle = self.0.spawn_scoped(&scope.0, body)?;
        Ok(ScopedJoinHandle::new(handle, end))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `f`, and what whoever joins the thread that runs it gets from its end. `scope` is told of the end, too.
fn ending<T>(scope: Option<usize>, f: impl FnOnce() -> T) -> (HandOver, impl FnOnce() -> T) {
    /// At the end, also by unwinding.
    struct End {
        maker: Maker,
        scope: Option<usize>,
    }
    impl Drop for End {
        fn drop(&mut self) {
            self.maker.make();
            if let Some(scope) = self.scope {
                released(scope);
            }
        }
    }
    let end = HandOver::new();
    let maker = end.other_end();
    let body = move || {
        let _end = End { maker, scope };
        f()
    };
    (end, body)
}
