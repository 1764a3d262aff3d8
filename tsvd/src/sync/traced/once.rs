use std::fmt;

use super::address;
use crate::backend::synchronised::{acquired, released};

/// [`std::sync::OnceLock`] that tells of who set it and who saw that.
#[repr(transparent)]
pub struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    /// [`std::sync::OnceLock::new`].
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    /// [`std::sync::OnceLock::get`].
    #[inline]
    pub fn get(&self) -> Option<&T> {
        let value = self.0.get()?;
        acquired(address(self));
        Some(value)
    }

    /// [`std::sync::OnceLock::get_mut`].
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.get_mut()
    }

    /// [`std::sync::OnceLock::wait`].
    #[inline]
    pub fn wait(&self) -> &T {
        let value = self.0.wait();
        acquired(address(self));
        value
    }

    /// [`std::sync::OnceLock::set`].
    ///
    /// # Errors
    ///
    /// With `value`, if there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("it is called once"));
        match value {
            None => Ok(()),
            Some(value) => Err(value),
        }
    }

    /// [`std::sync::OnceLock::get_or_init`].
    ///
    /// # Panics
    ///
    /// When `f` does.
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        let value = self.0.get_or_init(|| {
            let value = f();
            released(address(self));
            value
        });
        acquired(address(self));
        value
    }

    /// [`std::sync::OnceLock::into_inner`].
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.0.into_inner()
    }

    /// [`std::sync::OnceLock::take`].
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
