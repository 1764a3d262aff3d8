use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use super::iter::{Iter, IterMut};
use super::mapref::entry::Entry;
use super::mapref::one::{Ref, RefMut};
use super::{ReadOnlyView, TryReserveError, TryResult};
use crate::section::{Identity, coming, look};

pub(super) const CONTRACT: &str = "tsvd::dashmap::DashMap";

/// [`dashmap::DashMap`] whose calls are accesses of its entries: [which](super#what-each-call-is).
#[cfg_attr(not(any(loom, feature = "detect")), repr(transparent))]
pub struct DashMap<K, V, S = RandomState> {
    pub(super) identity: Identity,
    pub(super) inner: dashmap::DashMap<K, V, S>,
}

impl<K, V, S> DashMap<K, V, S> {
    /// The map itself: calls of it are not watched.
    #[inline]
    pub fn inner(&self) -> &dashmap::DashMap<K, V, S> {
        &self.inner
    }

    /// The map itself.
    #[inline]
    pub fn into_inner(self) -> dashmap::DashMap<K, V, S> {
        self.inner
    }
}

impl<K, V, S> From<dashmap::DashMap<K, V, S>> for DashMap<K, V, S> {
    #[inline]
    fn from(inner: dashmap::DashMap<K, V, S>) -> Self {
        Self {
            identity: Identity::new(),
            inner,
        }
    }
}

impl<K: Eq + Hash, V> DashMap<K, V, RandomState> {
    /// [`dashmap::DashMap::new`].
    #[inline]
    pub fn new() -> Self {
        dashmap::DashMap::new().into()
    }

    /// [`dashmap::DashMap::with_capacity`].
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        dashmap::DashMap::with_capacity(capacity).into()
    }

    /// [`dashmap::DashMap::with_shard_amount`].
    ///
    /// # Panics
    ///
    /// If `shard_amount` is not a power of two above 1.
    #[inline]
    pub fn with_shard_amount(shard_amount: usize) -> Self {
        dashmap::DashMap::with_shard_amount(shard_amount).into()
    }

    /// [`dashmap::DashMap::with_capacity_and_shard_amount`].
    ///
    /// # Panics
    ///
    /// If `shard_amount` is not a power of two above 1.
    #[inline]
    pub fn with_capacity_and_shard_amount(capacity: usize, shard_amount: usize) -> Self {
        dashmap::DashMap::with_capacity_and_shard_amount(capacity, shard_amount).into()
    }
}

impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone> DashMap<K, V, S> {
    /// [`dashmap::DashMap::into_read_only`].
    #[inline]
    pub fn into_read_only(self) -> ReadOnlyView<K, V, S> {
        self.inner.into_read_only().into()
    }

    /// [`dashmap::DashMap::with_hasher`].
    #[inline]
    pub fn with_hasher(hasher: S) -> Self {
        dashmap::DashMap::with_hasher(hasher).into()
    }

    /// [`dashmap::DashMap::with_capacity_and_hasher`].
    #[inline]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        dashmap::DashMap::with_capacity_and_hasher(capacity, hasher).into()
    }

    /// [`dashmap::DashMap::with_hasher_and_shard_amount`].
    ///
    /// # Panics
    ///
    /// If `shard_amount` is not a power of two above 1.
    #[inline]
    pub fn with_hasher_and_shard_amount(hasher: S, shard_amount: usize) -> Self {
        dashmap::DashMap::with_hasher_and_shard_amount(hasher, shard_amount).into()
    }

    /// [`dashmap::DashMap::with_capacity_and_hasher_and_shard_amount`].
    ///
    /// # Panics
    ///
    /// If `shard_amount` is not a power of two above 1.
    #[inline]
    pub fn with_capacity_and_hasher_and_shard_amount(
        capacity: usize,
        hasher: S,
        shard_amount: usize,
    ) -> Self {
        dashmap::DashMap::with_capacity_and_hasher_and_shard_amount(capacity, hasher, shard_amount)
            .into()
    }

    /// [`dashmap::DashMap::hash_usize`].
    #[inline]
    pub fn hash_usize<T: Hash>(&self, item: &T) -> usize {
        self.inner.hash_usize(item)
    }

    /// [`dashmap::DashMap::hasher`].
    #[inline]
    pub fn hasher(&self) -> &S {
        self.inner.hasher()
    }

    /// [`dashmap::DashMap::insert`]: a write of the key; to its own region alone, where values have no size and the key is there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let call = coming!(CONTRACT, Write "insert", self, &key).enter();
        let old = self.inner.insert(key, value);
        // A set: the one value that there is was there.
        call.overwrote(size_of::<V>() != 0 || old.is_none());
        old
    }

    /// [`dashmap::DashMap::remove`]: an update of the key, or a read if it was not there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "remove", self, key).enter();
        let removed = self.inner.remove(key);
        match removed {
            Some(_) => call.updated(),
            None => call.read(),
        }
        removed
    }

    /// [`dashmap::DashMap::remove_if`]: a look at the key, and a write if it is removed.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn remove_if<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "remove_if", self, key).enter();
        let removed = self.inner.remove_if(key, f);
        call.revalidated(removed.is_some());
        removed
    }

    /// [`dashmap::DashMap::remove_if_mut`]: a look at the key, and a write if it is there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn remove_if_mut<Q>(&self, key: &Q, f: impl FnOnce(&K, &mut V) -> bool) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "remove_if_mut", self, key).enter();
        let mut is_there = false;
        let removed = self.inner.remove_if_mut(key, |key, value| {
            is_there = true;
            f(key, value)
        });
        call.revalidated(is_there);
        removed
    }

    /// [`dashmap::DashMap::iter`]: a read of all keys, until the iterator is dropped.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn iter(&'a self) -> Iter<'a, K, V, S, Self> {
        let call = coming!(CONTRACT, Read "iter", self).enter();
        Iter::new(call.shared().found().common(), self.inner.iter())
    }

    /// [`dashmap::DashMap::iter_mut`]: until the iterator and what it gave are dropped, a look at all keys, and a write of those that
    /// were written.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn iter_mut(&'a self) -> IterMut<'a, K, V, S, Self> {
        let call = coming!(CONTRACT, Update "iter_mut", self).enter();
        IterMut::new(call.exclusive().found().common(), self.inner.iter_mut())
    }

    /// [`dashmap::DashMap::get`]: a read of the key, until the reference is dropped.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn get<Q>(&'a self, key: &Q) -> Option<Ref<'a, K, V>>
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

    /// [`dashmap::DashMap::get_mut`]: until the reference is dropped, a write of the key if it is written, else a read.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn get_mut<Q>(&'a self, key: &Q) -> Option<RefMut<'a, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let coming = coming!(CONTRACT, Update "get_mut", self, key);
        let (call, found) = look(coming, || self.inner.get_mut(key));
        match found {
            Some(inner) => Some(RefMut::new(call.exclusive().found(), inner)),
            None => {
                call.read();
                None
            }
        }
    }

    /// [`dashmap::DashMap::try_get`]: as [`get`](Self::get), without delay, and nothing if it is locked.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn try_get<Q>(&'a self, key: &Q) -> TryResult<Ref<'a, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(at_once CONTRACT, Read "try_get", self, key).enter();
        match self.inner.try_get(key) {
            TryResult::Present(inner) => TryResult::Present(Ref::new(call.shared().found(), inner)),
            TryResult::Absent => {
                call.read();
                TryResult::Absent
            }
            TryResult::Locked => TryResult::Locked,
        }
    }

    /// [`dashmap::DashMap::try_get_mut`]: as [`get_mut`](Self::get_mut), without delay, and nothing if it is locked.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn try_get_mut<Q>(&'a self, key: &Q) -> TryResult<RefMut<'a, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(at_once CONTRACT, Update "try_get_mut", self, key).enter();
        match self.inner.try_get_mut(key) {
            TryResult::Present(inner) => {
                TryResult::Present(RefMut::new(call.exclusive().found(), inner))
            }
            TryResult::Absent => {
                call.read();
                TryResult::Absent
            }
            TryResult::Locked => TryResult::Locked,
        }
    }

    /// [`dashmap::DashMap::shrink_to_fit`].
    #[inline]
    pub fn shrink_to_fit(&self) {
        self.inner.shrink_to_fit();
    }

    /// [`dashmap::DashMap::retain`]: a look at all keys, and a write of those that are removed. What `f` does to values that stay is not
    /// seen: [`iter_mut`](Self::iter_mut) shows it.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn retain(&self, mut f: impl FnMut(&K, &mut V) -> bool) {
        let call = coming!(CONTRACT, Update "retain", self).enter();
        let mut removed = call.keys();
        self.inner.retain(|key, value| {
            let stays = f(key, value);
            if !stays {
                removed.add(key);
            }
            stays
        });
        call.swept(removed);
    }

    /// [`dashmap::DashMap::len`]: a read of all keys.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn len(&self) -> usize {
        let call = coming!(CONTRACT, Read "len", self).enter();
        let len = self.inner.len();
        call.read();
        len
    }

    /// [`dashmap::DashMap::is_empty`]: a read of all keys.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn is_empty(&self) -> bool {
        let call = coming!(CONTRACT, Read "is_empty", self).enter();
        let is_empty = self.inner.is_empty();
        call.read();
        is_empty
    }

    /// [`dashmap::DashMap::clear`]: a write of all keys, to others of those that were there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn clear(&self) {
        let call = coming!(CONTRACT, Write "clear", self).enter();
        let mut removed = call.keys();
        self.inner.retain(|key, _| {
            removed.add(key);
            false
        });
        call.cleared(removed);
    }

    /// [`dashmap::DashMap::capacity`].
    #[inline]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// [`dashmap::DashMap::alter`]: a look at the key, and a write if it is there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn alter<Q>(&self, key: &Q, f: impl FnOnce(&K, V) -> V)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Update "alter", self, key).enter();
        let mut is_there = false;
        self.inner.alter(key, |key, value| {
            is_there = true;
            f(key, value)
        });
        call.revalidated(is_there);
    }

    /// [`dashmap::DashMap::alter_all`]: a look at all keys, and a write of those that are there.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn alter_all(&self, mut f: impl FnMut(&K, V) -> V) {
        let call = coming!(CONTRACT, Update "alter_all", self).enter();
        let mut altered = call.keys();
        self.inner.alter_all(|key, value| {
            altered.add(key);
            f(key, value)
        });
        call.swept(altered);
    }

    /// [`dashmap::DashMap::view`]: a read of the key.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn view<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Read "view", self, key).enter();
        let seen = self.inner.view(key, f);
        call.read();
        seen
    }

    /// [`dashmap::DashMap::contains_key`]: a read of the key.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let call = coming!(CONTRACT, Read "contains_key", self, key).enter();
        let is_there = self.inner.contains_key(key);
        call.read();
        is_there
    }

    /// [`dashmap::DashMap::entry`]: a look at the key, and a write if it is written before the entry, or the reference that comes of
    /// it, is dropped.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn entry(&'a self, key: K) -> Entry<'a, K, V> {
        let coming = coming!(CONTRACT, Update "entry", self, &key);
        let inner = self.inner.entry(key);
        Entry::new(coming.enter().exclusive().looked(), inner)
    }

    /// [`dashmap::DashMap::try_entry`]: as [`entry`](Self::entry), without delay, and nothing if it is locked.
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    pub fn try_entry(&'a self, key: K) -> Option<Entry<'a, K, V>> {
        let coming = coming!(at_once CONTRACT, Update "try_entry", self, &key);
        let inner = self.inner.try_entry(key)?;
        Some(Entry::new(coming.enter().exclusive().looked(), inner))
    }

    /// [`dashmap::DashMap::try_reserve`].
    ///
    /// # Errors
    ///
    /// If the capacity overflows, or the allocator has no memory.
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.inner.try_reserve(additional)
    }
}
