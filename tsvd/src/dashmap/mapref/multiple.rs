//! References that iterators give.

use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use dashmap::mapref::multiple as inner;

use crate::section::Common;

/// [`dashmap::mapref::multiple::RefMulti`]: of the read that the iterator is.
//
// It may outlive it: the lock that it holds keeps off all that could come between.
pub struct RefMulti<'a, K, V> {
    inner: inner::RefMulti<'a, K, V>,
}

/// [`dashmap::mapref::multiple::RefMutMulti`]: of the access that the iterator is, which is a write of this key once this has been
/// dereferenced mutably.
pub struct RefMutMulti<'a, K, V> {
    // Above the guard: it ends before the lock is given back.
    section: Common,
    inner: inner::RefMutMulti<'a, K, V>,
}

impl<'a, K: Eq + Hash, V> RefMulti<'a, K, V> {
    #[inline]
    pub(in crate::dashmap) fn new(inner: inner::RefMulti<'a, K, V>) -> Self {
        Self { inner }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &V {
        self.inner.value()
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        self.inner.pair()
    }
}

impl<K: Eq + Hash, V> Deref for RefMulti<'_, K, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<'a, K: Eq + Hash, V> RefMutMulti<'a, K, V> {
    #[inline]
    pub(in crate::dashmap) fn new(section: Common, inner: inner::RefMutMulti<'a, K, V>) -> Self {
        Self { section, inner }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &V {
        self.pair().1
    }

    /// The value, mutably.
    #[inline]
    pub fn value_mut(&mut self) -> &mut V {
        self.pair_mut().1
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        self.section.looks();
        self.inner.pair()
    }

    /// Key and value, this one mutably.
    #[inline]
    pub fn pair_mut(&mut self) -> (&K, &mut V) {
        self.section.writes(self.inner.key());
        self.inner.pair_mut()
    }
}

impl<K: Eq + Hash, V> Deref for RefMutMulti<'_, K, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K: Eq + Hash, V> DerefMut for RefMutMulti<'_, K, V> {
    #[inline]
    fn deref_mut(&mut self) -> &mut V {
        self.value_mut()
    }
}
