//! Iterators over a set.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use dashmap::iter_set as inner;

use super::setref::multiple::RefMulti;
use crate::section::Held;

/// [`dashmap::iter_set::OwningIter`].
pub struct OwningIter<K, S>(inner::OwningIter<K, S>);

impl<K: Eq + Hash, S: BuildHasher + Clone> OwningIter<K, S> {
    #[inline]
    pub(super) fn new(inner: inner::OwningIter<K, S>) -> Self {
        Self(inner)
    }
}

impl<K: Eq + Hash, S: BuildHasher + Clone> Iterator for OwningIter<K, S> {
    type Item = K;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

type Inner<'a, K, S> = inner::Iter<'a, K, S, dashmap::DashMap<K, (), S>>;

/// [`dashmap::iter_set::Iter`]: a read of all keys.
pub struct Iter<'a, K, S, M> {
    // Above the guard: it ends before the lock is given back.
    _section: Held,
    inner: Inner<'a, K, S>,
    map: PhantomData<fn() -> &'a M>,
}

impl<'a, K, S, M> Iter<'a, K, S, M> {
    #[inline]
    pub(super) fn new(section: Held, inner: Inner<'a, K, S>) -> Self {
        Self {
            _section: section,
            inner,
            map: PhantomData,
        }
    }
}

impl<'a, K: Eq + Hash, S: 'a + BuildHasher + Clone, M> Iterator for Iter<'a, K, S, M> {
    type Item = RefMulti<'a, K>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(RefMulti::new)
    }
}
