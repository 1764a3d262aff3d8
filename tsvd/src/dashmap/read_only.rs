use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use super::DashMap;

/// [`dashmap::ReadOnlyView`]: nobody can write, so nothing is watched.
#[repr(transparent)]
pub struct ReadOnlyView<K, V, S = RandomState>(dashmap::ReadOnlyView<K, V, S>);

impl<K, V, S> ReadOnlyView<K, V, S> {
    /// [`dashmap::ReadOnlyView::into_inner`].
    #[inline]
    pub fn into_inner(self) -> DashMap<K, V, S> {
        self.0.into_inner().into()
    }

    /// The view itself.
    #[inline]
    pub fn inner(&self) -> &dashmap::ReadOnlyView<K, V, S> {
        &self.0
    }
}

impl<K, V, S> From<dashmap::ReadOnlyView<K, V, S>> for ReadOnlyView<K, V, S> {
    #[inline]
    fn from(inner: dashmap::ReadOnlyView<K, V, S>) -> Self {
        Self(inner)
    }
}

impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone> ReadOnlyView<K, V, S> {
    /// [`dashmap::ReadOnlyView::len`].
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// [`dashmap::ReadOnlyView::is_empty`].
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// [`dashmap::ReadOnlyView::capacity`].
    #[inline]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// [`dashmap::ReadOnlyView::contains_key`].
    #[inline]
    pub fn contains_key<Q>(&'a self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.contains_key(key)
    }

    /// [`dashmap::ReadOnlyView::get`].
    #[inline]
    pub fn get<Q>(&'a self, key: &Q) -> Option<&'a V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(key)
    }

    /// [`dashmap::ReadOnlyView::get_key_value`].
    #[inline]
    pub fn get_key_value<Q>(&'a self, key: &Q) -> Option<(&'a K, &'a V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get_key_value(key)
    }

    /// [`dashmap::ReadOnlyView::iter`].
    #[inline]
    pub fn iter(&'a self) -> impl Iterator<Item = (&'a K, &'a V)> + 'a {
        self.0.iter()
    }

    /// [`dashmap::ReadOnlyView::keys`].
    #[inline]
    pub fn keys(&'a self) -> impl Iterator<Item = &'a K> + 'a {
        self.0.keys()
    }

    /// [`dashmap::ReadOnlyView::values`].
    #[inline]
    pub fn values(&'a self) -> impl Iterator<Item = &'a V> + 'a {
        self.0.values()
    }
}

impl<K: Eq + Hash + Clone, V: Clone, S: Clone> Clone for ReadOnlyView<K, V, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V, S> fmt::Debug for ReadOnlyView<K, V, S>
where
    K: Eq + Hash + fmt::Debug,
    V: fmt::Debug,
    S: BuildHasher + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
