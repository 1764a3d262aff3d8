use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use super::DashMap;
use super::iter_set::{Iter, OwningIter};
use super::setref::one::Ref;
use crate::section::{Identity, coming, look};

const CONTRACT: &str = "tsvd::dashmap::DashSet";

/// [`dashmap::DashSet`] whose calls are accesses of its keys: [which](super#what-each-call-is).
#[cfg_attr(not(any(loom, feature = "detect")), repr(transparent))]
pub struct DashSet<K, S = RandomState> {
    pub(super) identity: Identity,
    inner: dashmap::DashSet<K, S>,
}

impl<K, S> DashSet<K, S> {
    /// The set itself: calls of it are not watched.
    #[inline]
    pub fn inner(&self) -> &dashmap::DashSet<K, S> {
        &self.inner
    }

    /// The set itself.
    #[inline]
    pub fn into_inner(self) -> dashmap::DashSet<K, S> {
        self.inner
    }
}

impl<K: Eq + Hash> DashSet<K, RandomState> {
    /// [`dashmap::DashSet::new`].
    #[inline]
    pub fn new() -> Self {
        dashmap::DashSet::new().into()
    }

    /// [`dashmap::DashSet::with_capacity`].
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        dashmap::DashSet::with_capacity(capacity).into()
    }
}

impl<'a, K: 'a + Eq + Hash, S: BuildHasher + Clone> DashSet<K, S> {
    /// [`dashmap::DashSet::with_hasher`].
    #[inline]
    pub fn with_hasher(hasher: S) -> Self {
        dashmap::DashSet::with_hasher(hasher).into()
    }

    /// [`dashmap::DashSet::with_capacity_and_hasher`].
    #[inline]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        dashmap::DashSet::with_capacity_and_hasher(capacity, hasher).into()
    }

    /// [`dashmap::DashSet::hash_usize`].
    #[inline]
    pub fn hash_usize<T: Hash>(&self, item: &T) -> usize {
        self.inner.hash_usize(item)
    }

    /// [`dashmap::DashSet::insert`]: a look at the key, and a write if it is new.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn insert(&self, key: K) -> bool {
        let call = coming!(CONTRACT, Update "insert", self, &key).enter();
        let is_new = self.inner.insert(key);
        if is_new {
            call.revalidated(true);
        } else {
            call.refused();
        }
        is_new
    }

    /// [`dashmap::DashSet::remove`]: a look at the key, and a write if it was there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn remove<Q>(&self, key: &Q) -> Option<K>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "remove", self, key).enter();
        let removed = self.inner.remove(key);
        match removed {
            Some(_) => call.revalidated(true),
            None => call.refused(),
        }
        removed
    }

    /// [`dashmap::DashSet::remove_if`]: a look at the key, and a write if it is removed.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn remove_if<Q>(&self, key: &Q, f: impl FnOnce(&K) -> bool) -> Option<K>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "remove_if", self, key).enter();
        let removed = self.inner.remove_if(key, f);
        call.revalidated(removed.is_some());
        removed
    }

    /// [`dashmap::DashSet::iter`]: a read of all keys, until the iterator is dropped.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn iter(&'a self) -> Iter<'a, K, S, DashMap<K, (), S>> {
        let call = coming!(CONTRACT, Read "iter", self).enter();
        Iter::new(call.shared().found(), self.inner.iter())
    }

    /// [`dashmap::DashSet::get`]: a read of the key, until the reference is dropped.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn get<Q>(&'a self, key: &Q) -> Option<Ref<'a, K>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let coming = coming!(CONTRACT, Read "get", self, key);
        let (call, found) = look(coming, || self.inner.get(key));
        match found {
            Some(inner) => Some(Ref::new(call.shared().found(), inner)),
            None => {
                call.read();
                None
            }
        }
    }

    /// [`dashmap::DashSet::shrink_to_fit`].
    #[inline]
    pub fn shrink_to_fit(&self) {
        self.inner.shrink_to_fit();
    }

    /// [`dashmap::DashSet::retain`]: a look at all keys, and a write of those that are removed.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn retain(&self, mut f: impl FnMut(&K) -> bool) {
        let call = coming!(CONTRACT, Update "retain", self).enter();
        let mut removed = call.keys();
        self.inner.retain(|key| {
            let stays = f(key);
            if !stays {
                removed.add(key);
            }
            stays
        });
        call.swept(removed);
    }

    /// [`dashmap::DashSet::len`]: a read of all keys.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn len(&self) -> usize {
        let call = coming!(CONTRACT, Read "len", self).enter();
        let len = self.inner.len();
        call.read();
        len
    }

    /// [`dashmap::DashSet::is_empty`]: a read of all keys.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn is_empty(&self) -> bool {
        let call = coming!(CONTRACT, Read "is_empty", self).enter();
        let is_empty = self.inner.is_empty();
        call.read();
        is_empty
    }

    /// [`dashmap::DashSet::clear`]: a write of all keys, to others of those that were there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn clear(&self) {
        let call = coming!(CONTRACT, Write "clear", self).enter();
        let mut removed = call.keys();
        self.inner.retain(|key| {
            removed.add(key);
            false
        });
        call.cleared(removed);
    }

    /// [`dashmap::DashSet::capacity`].
    #[inline]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// [`dashmap::DashSet::contains`]: a read of the key.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Read "contains", self, key).enter();
        let is_there = self.inner.contains(key);
        call.read();
        is_there
    }
}

impl<K, S> From<dashmap::DashSet<K, S>> for DashSet<K, S> {
    #[inline]
    fn from(inner: dashmap::DashSet<K, S>) -> Self {
        Self {
            identity: Identity::new(),
            inner,
        }
    }
}

impl<K, S> From<DashSet<K, S>> for dashmap::DashSet<K, S> {
    #[inline]
    fn from(set: DashSet<K, S>) -> Self {
        set.inner
    }
}

impl<K, S> AsRef<dashmap::DashSet<K, S>> for DashSet<K, S> {
    #[inline]
    fn as_ref(&self) -> &dashmap::DashSet<K, S> {
        &self.inner
    }
}

/// A read of all keys.
impl<K: Eq + Hash + Clone, S: Clone> Clone for DashSet<K, S> {
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn clone(&self) -> Self {
        let call = coming!(CONTRACT, Read "clone", self).enter();
        let cloned = self.inner.clone();
        call.read();
        cloned.into()
    }
}

/// Not watched: what is logged decides nothing.
impl<K: Eq + Hash + fmt::Debug, S: BuildHasher + Clone> fmt::Debug for DashSet<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<K, S> Default for DashSet<K, S>
where
    K: Eq + Hash,
    S: Default + BuildHasher + Clone,
{
    #[inline]
    fn default() -> Self {
        dashmap::DashSet::default().into()
    }
}

impl<K: Eq + Hash, S: BuildHasher + Clone> IntoIterator for DashSet<K, S> {
    type Item = K;
    type IntoIter = OwningIter<K, S>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        OwningIter::new(self.inner.into_iter())
    }
}

/// Not watched: nobody else has the set.
impl<K: Eq + Hash, S: BuildHasher + Clone> Extend<K> for DashSet<K, S> {
    #[inline]
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        self.inner.extend(keys);
    }
}

impl<K: Eq + Hash, S: BuildHasher + Clone + Default> FromIterator<K> for DashSet<K, S> {
    #[inline]
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        dashmap::DashSet::from_iter(keys).into()
    }
}
