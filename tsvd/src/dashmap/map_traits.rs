//! What a map has by traits.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::ops::{BitAnd, BitOr, Shl, Shr, Sub};

use super::iter::{Iter, OwningIter};
use super::map::{CONTRACT, DashMap};
use super::mapref::multiple::RefMulti;
use super::mapref::one::{Ref, RefMut};
use crate::section::coming;

impl<K, V, S> AsRef<dashmap::DashMap<K, V, S>> for DashMap<K, V, S> {
    #[inline]
    fn as_ref(&self) -> &dashmap::DashMap<K, V, S> {
        self.inner()
    }
}

impl<K, V, S> From<DashMap<K, V, S>> for dashmap::DashMap<K, V, S> {
    #[inline]
    fn from(map: DashMap<K, V, S>) -> Self {
        map.into_inner()
    }
}

impl<K, V, S> Default for DashMap<K, V, S>
where
    K: Eq + Hash,
    S: Default + BuildHasher + Clone,
{
    #[inline]
    fn default() -> Self {
        dashmap::DashMap::default().into()
    }
}

/// A read of all keys.
impl<K: Eq + Hash + Clone, V: Clone, S: Clone> Clone for DashMap<K, V, S> {
    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn clone(&self) -> Self {
        let call = coming!(CONTRACT, Read "clone", self).enter();
        let cloned = self.inner().clone();
        call.read();
        cloned.into()
    }
}

/// Not watched: what is logged decides nothing.
impl<K, V, S> fmt::Debug for DashMap<K, V, S>
where
    K: Eq + Hash + fmt::Debug,
    V: fmt::Debug,
    S: BuildHasher + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(f)
    }
}

/// [`DashMap::insert`].
impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone> Shl<(K, V)> for &'a DashMap<K, V, S> {
    type Output = Option<V>;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn shl(self, pair: (K, V)) -> Self::Output {
        self.insert(pair.0, pair.1)
    }
}

/// [`DashMap::get`], of a key that is there.
impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone, Q> Shr<&Q> for &'a DashMap<K, V, S>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    type Output = Ref<'a, K, V>;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn shr(self, key: &Q) -> Self::Output {
        self.get(key).unwrap()
    }
}

/// [`DashMap::get_mut`], of a key that is there.
impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone, Q> BitOr<&Q> for &'a DashMap<K, V, S>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    type Output = RefMut<'a, K, V>;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn bitor(self, key: &Q) -> Self::Output {
        self.get_mut(key).unwrap()
    }
}

/// [`DashMap::remove`].
impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone, Q> Sub<&Q> for &'a DashMap<K, V, S>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    type Output = Option<(K, V)>;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn sub(self, key: &Q) -> Self::Output {
        self.remove(key)
    }
}

/// [`DashMap::contains_key`].
impl<'a, K: 'a + Eq + Hash, V: 'a, S: BuildHasher + Clone, Q> BitAnd<&Q> for &'a DashMap<K, V, S>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    type Output = bool;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn bitand(self, key: &Q) -> Self::Output {
        self.contains_key(key)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone> IntoIterator for DashMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = OwningIter<K, V, S>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        OwningIter::new(self.into_inner().into_iter())
    }
}

/// [`DashMap::iter`].
impl<'a, K: Eq + Hash, V, S: BuildHasher + Clone> IntoIterator for &'a DashMap<K, V, S> {
    type Item = RefMulti<'a, K, V>;
    type IntoIter = Iter<'a, K, V, S, DashMap<K, V, S>>;

    #[inline]
    #[cfg_attr(all(feature = "detect", not(loom)), track_caller)]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Not watched: nobody else has the map.
impl<K: Eq + Hash, V, S: BuildHasher + Clone> Extend<(K, V)> for DashMap<K, V, S> {
    #[inline]
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        self.inner.extend(pairs);
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone + Default> FromIterator<(K, V)> for DashMap<K, V, S> {
    #[inline]
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        dashmap::DashMap::from_iter(pairs).into()
    }
}
