//! References that iterators give.

use std::hash::Hash;
use std::ops::Deref;

use dashmap::setref::multiple as inner;

/// [`dashmap::setref::multiple::RefMulti`]: of the read that the iterator is.
pub struct RefMulti<'a, K> {
    inner: inner::RefMulti<'a, K>,
}

impl<'a, K: Eq + Hash> RefMulti<'a, K> {
    #[inline]
    pub(in crate::dashmap) fn new(inner: inner::RefMulti<'a, K>) -> Self {
        Self { inner }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }
}

impl<K: Eq + Hash> Deref for RefMulti<'_, K> {
    type Target = K;

    #[inline]
    fn deref(&self) -> &K {
        self.key()
    }
}
