//! std's handles of threads, which tell of the thread's end: whoever joins comes after it.

use std::fmt;
use std::thread::{Result, Thread};

use crate::backend::synchronised::HandOver;

/// [`std::thread::JoinHandle`] that tells of the join.
pub struct JoinHandle<T> {
    inner: std::thread::JoinHandle<T>,
    end: HandOver,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(inner: std::thread::JoinHandle<T>, end: HandOver) -> Self {
        Self { inner, end }
    }

    /// [`std::thread::JoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.inner.thread()
    }

    /// [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// With what the thread panicked with.
    ///
    /// # Panics
    ///
    /// Where [`std::thread::JoinHandle::join`] may.
    pub fn join(self) -> Result<T> {
        let result = self.inner.join();
        self.end.got();
        result
    }

    /// [`std::thread::JoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

/// For what only std's has, such as the platform's own handle.
impl<T> From<JoinHandle<T>> for std::thread::JoinHandle<T> {
    fn from(handle: JoinHandle<T>) -> Self {
        handle.inner
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// [`std::thread::ScopedJoinHandle`] that tells of the join.
pub struct ScopedJoinHandle<'scope, T> {
    inner: std::thread::ScopedJoinHandle<'scope, T>,
    end: HandOver,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    pub(super) fn new(inner: std::thread::ScopedJoinHandle<'scope, T>, end: HandOver) -> Self {
        Self { inner, end }
    }

    /// [`std::thread::ScopedJoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.inner.thread()
    }

    /// [`std::thread::ScopedJoinHandle::join`].
    ///
    /// # Errors
    ///
    /// With what the thread panicked with.
    pub fn join(self) -> Result<T> {
        let result = self.inner.join();
        self.end.got();
        result
    }

    /// [`std::thread::ScopedJoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

/// For what only std's has.
impl<'scope, T> From<ScopedJoinHandle<'scope, T>> for std::thread::ScopedJoinHandle<'scope, T> {
    fn from(handle: ScopedJoinHandle<'scope, T>) -> Self {
        handle.inner
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
