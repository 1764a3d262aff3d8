//! Iterators over a map.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use dashmap::iter as inner;

use super::DashMap;
use super::mapref::multiple::{RefMulti, RefMutMulti};
use crate::section::Common;

/// [`dashmap::iter::OwningIter`].
pub struct OwningIter<K, V, S = RandomState>(inner::OwningIter<K, V, S>);

impl<K: Eq + Hash, V, S: BuildHasher + Clone> OwningIter<K, V, S> {
    #[inline]
    pub(super) fn new(inner: inner::OwningIter<K, V, S>) -> Self {
        Self(inner)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone> Iterator for OwningIter<K, V, S> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// [`dashmap::iter::Iter`]: a read of all keys.
pub struct Iter<'a, K, V, S = RandomState, M = DashMap<K, V, S>> {
    // Above the guard: it ends before the lock is given back.
    section: Common,
    inner: inner::Iter<'a, K, V, S>,
    map: PhantomData<fn() -> &'a M>,
}

impl<'a, K, V, S, M> Iter<'a, K, V, S, M> {
    #[inline]
    pub(super) fn new(section: Common, inner: inner::Iter<'a, K, V, S>) -> Self {
        Self {
            section,
            inner,
            map: PhantomData,
        }
    }
}

/// Begins anew.
impl<K: Clone + Hash + Eq, V: Clone, S: Clone + BuildHasher> Clone for Iter<'_, K, V, S> {
    #[inline]
    fn clone(&self) -> Self {
        Self::new(self.section.clone(), self.inner.clone())
    }
}

impl<'a, K: Eq + Hash, V, S: 'a + BuildHasher + Clone, M> Iterator for Iter<'a, K, V, S, M> {
    type Item = RefMulti<'a, K, V>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(RefMulti::new)
    }
}

/// [`dashmap::iter::IterMut`]: a look at all keys, and a write of those whose references have been dereferenced mutably.
pub struct IterMut<'a, K, V, S = RandomState, M = DashMap<K, V, S>> {
    // Above the guard: it ends before the lock is given back.
    section: Common,
    inner: inner::IterMut<'a, K, V, S>,
    map: PhantomData<fn() -> &'a M>,
}

impl<'a, K, V, S, M> IterMut<'a, K, V, S, M> {
    #[inline]
    pub(super) fn new(section: Common, inner: inner::IterMut<'a, K, V, S>) -> Self {
        Self {
            section,
            inner,
            map: PhantomData,
        }
    }
}

impl<'a, K: Eq + Hash, V, S: 'a + BuildHasher + Clone, M> Iterator for IterMut<'a, K, V, S, M> {
    type Item = RefMutMulti<'a, K, V>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.inner.next()?;
        Some(RefMutMulti::new(self.section.clone(), inner))
    }
}
