//! Loom's threads, with each spawn, join, park and unpark written down as a step.

use std::fmt;
use std::io;
use std::panic::Location;

use ::loom::thread as loom;

pub use ::loom::thread::{Thread, ThreadId, current, panicking};

use crate::backend::bequeath;
use crate::backend::steps::{Act, DEFAULT_STACK, Value, begin, spawned, started};

/// [`std::thread::spawn`] under loom.
///
/// # Panics
///
/// If there are five threads already, the model's own included.
#[track_caller]
pub fn spawn<F, T>(body: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let (number, body) = numbered(body, DEFAULT_STACK);
    let step = begin(Act::new("spawn"), Location::caller());
    let handle = loom::spawn(body);
    step.end(Value::Thread(number));
    JoinHandle { handle, number }
}

/// Puts the number of the thread before its body.
fn numbered<T>(body: impl FnOnce() -> T, stack: usize) -> (usize, impl FnOnce() -> T) {
    let number = spawned();
    let regions = bequeath();
    let body = move || {
        started(number, stack);
        regions.run(body)
    };
    (number, body)
}

/// [`std::thread::JoinHandle`] under loom.
pub struct JoinHandle<T> {
    handle: loom::JoinHandle<T>,
    number: usize,
}

impl<T> JoinHandle<T> {
    /// Waits for the thread.
    ///
    /// # Errors
    ///
    /// None: a panic of a thread fails the model.
    #[track_caller]
    pub fn join(self) -> std::thread::Result<T> {
        let mut act = Act::new("join");
        act.given = Value::Thread(self.number);
        let step = begin(act, Location::caller());
        let result = self.handle.join();
        step.end(Value::Nothing);
        result
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        self.handle.thread()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// [`std::thread::Builder`] under loom.
#[derive(Debug, Default)]
#[must_use = "must eventually spawn the thread"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// As std's.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the thread.
    pub fn name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    /// The size of its stack in bytes, if it is more than what loom gives.
    pub fn stack_size(mut self, size: usize) -> Self {
        self.stack_size = Some(size);
        self
    }

    /// Spawns the thread.
    ///
    /// # Errors
    ///
    /// None under loom.
    #[track_caller]
    pub fn spawn<F, T>(self, body: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut builder = loom::Builder::new();
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        let stack = self.stack_size.unwrap_or(0).max(DEFAULT_STACK);
        // Loom hands it to its coroutines, which count in words.
        builder = builder.stack_size(stack.div_ceil(size_of::<usize>()));
        let (number, body) = numbered(body, stack);
        let step = begin(Act::new("spawn"), Location::caller());
        let handle = builder.spawn(body)?;
        step.end(Value::Thread(number));
        Ok(JoinHandle { handle, number })
    }
}

/// [`std::thread::park`] under loom.
#[track_caller]
pub fn park() {
    let step = begin(Act::new("park"), Location::caller());
    loom::park();
    step.end(Value::Nothing);
}

/// [`std::thread::yield_now`] under loom; see [`hint::spin_loop`](crate::hint::spin_loop).
#[track_caller]
pub fn yield_now() {
    let step = begin(Act::new("yield_now"), Location::caller());
    loom::yield_now();
    step.end(Value::Nothing);
}
