//! References to one key.

use std::hash::Hash;
use std::ops::Deref;

use dashmap::setref::one as inner;

use crate::section::Held;

/// [`dashmap::setref::one::Ref`]: a read of its key.
pub struct Ref<'a, K> {
    // Above the guard: it ends before the lock is given back.
    _section: Held,
    inner: inner::Ref<'a, K>,
}

impl<'a, K: Eq + Hash> Ref<'a, K> {
    #[inline]
    pub(in crate::dashmap) fn new(_section: Held, inner: inner::Ref<'a, K>) -> Self {
        Self { _section, inner }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }
}

impl<K: Eq + Hash> Deref for Ref<'_, K> {
    type Target = K;

    #[inline]
    fn deref(&self) -> &K {
        self.key()
    }
}
