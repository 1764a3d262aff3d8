//! References to one entry.

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use dashmap::mapref::one as inner;

use crate::section::Held;

/// [`dashmap::mapref::one::Ref`]: a read of its key.
pub struct Ref<'a, K, V> {
    // Above the guard: it ends before the lock is given back.
    section: Held,
    inner: inner::Ref<'a, K, V>,
}

/// [`dashmap::mapref::one::RefMut`]: a write of its key once it has been dereferenced mutably.
pub struct RefMut<'a, K, V> {
    section: Held,
    inner: inner::RefMut<'a, K, V>,
}

/// [`dashmap::mapref::one::MappedRef`]: a read of its key.
pub struct MappedRef<'a, K, V, T> {
    section: Held,
    inner: inner::MappedRef<'a, K, V, T>,
}

/// [`dashmap::mapref::one::MappedRefMut`]: a write of its key once it has been dereferenced mutably: what `map` does is
/// taken for none.
pub struct MappedRefMut<'a, K, V, T> {
    section: Held,
    inner: inner::MappedRefMut<'a, K, V, T>,
}

impl<'a, K: Eq + Hash, V> Ref<'a, K, V> {
    #[inline]
    pub(in crate::dashmap) fn new(section: Held, inner: inner::Ref<'a, K, V>) -> Self {
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
        self.inner.value()
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        self.inner.pair()
    }

    /// [`dashmap::mapref::one::Ref::map`].
    #[inline]
    pub fn map<F, T>(self, f: F) -> MappedRef<'a, K, V, T>
    where
        F: FnOnce(&V) -> &T,
    {
        MappedRef {
            section: self.section,
            inner: self.inner.map(f),
        }
    }

    /// [`dashmap::mapref::one::Ref::try_map`].
    ///
    /// # Errors
    ///
    /// With the reference, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, T>(self, f: F) -> Result<MappedRef<'a, K, V, T>, Self>
    where
        F: FnOnce(&V) -> Option<&T>,
    {
        let Self { section, inner } = self;
        match inner.try_map(f) {
            Ok(inner) => Ok(MappedRef { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

impl<'a, K: Eq + Hash, V> RefMut<'a, K, V> {
    #[inline]
    pub(in crate::dashmap) fn new(section: Held, inner: inner::RefMut<'a, K, V>) -> Self {
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
        self.section.writes();
        self.inner.pair_mut()
    }

    /// [`dashmap::mapref::one::RefMut::downgrade`].
    #[inline]
    pub fn downgrade(self) -> Ref<'a, K, V> {
        Ref {
            section: self.section,
            inner: self.inner.downgrade(),
        }
    }

    /// [`dashmap::mapref::one::RefMut::map`].
    #[inline]
    pub fn map<F, T>(self, f: F) -> MappedRefMut<'a, K, V, T>
    where
        F: FnOnce(&mut V) -> &mut T,
    {
        MappedRefMut {
            section: self.section,
            inner: self.inner.map(f),
        }
    }

    /// [`dashmap::mapref::one::RefMut::try_map`].
    ///
    /// # Errors
    ///
    /// With the reference, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, T>(self, f: F) -> Result<MappedRefMut<'a, K, V, T>, Self>
    where
        F: FnOnce(&mut V) -> Option<&mut T>,
    {
        let Self { section, inner } = self;
        match inner.try_map(f) {
            Ok(inner) => Ok(MappedRefMut { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

impl<'a, K: Eq + Hash, V, T> MappedRef<'a, K, V, T> {
    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &T {
        self.inner.value()
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &T) {
        self.inner.pair()
    }

    /// [`dashmap::mapref::one::MappedRef::map`].
    #[inline]
    pub fn map<F, T2>(self, f: F) -> MappedRef<'a, K, V, T2>
    where
        F: FnOnce(&T) -> &T2,
    {
        MappedRef {
            section: self.section,
            inner: self.inner.map(f),
        }
    }

    /// [`dashmap::mapref::one::MappedRef::try_map`].
    ///
    /// # Errors
    ///
    /// With the reference, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, T2>(self, f: F) -> Result<MappedRef<'a, K, V, T2>, Self>
    where
        F: FnOnce(&T) -> Option<&T2>,
    {
        let Self { section, inner } = self;
        match inner.try_map(f) {
            Ok(inner) => Ok(MappedRef { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

impl<'a, K: Eq + Hash, V, T> MappedRefMut<'a, K, V, T> {
    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &T {
        self.pair().1
    }

    /// The value, mutably.
    #[inline]
    pub fn value_mut(&mut self) -> &mut T {
        self.pair_mut().1
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &T) {
        self.section.looks();
        self.inner.pair()
    }

    /// Key and value, this one mutably.
    #[inline]
    pub fn pair_mut(&mut self) -> (&K, &mut T) {
        self.section.writes();
        self.inner.pair_mut()
    }

    /// [`dashmap::mapref::one::MappedRefMut::map`].
    #[inline]
    pub fn map<F, T2>(self, f: F) -> MappedRefMut<'a, K, V, T2>
    where
        F: FnOnce(&mut T) -> &mut T2,
    {
        MappedRefMut {
            section: self.section,
            inner: self.inner.map(f),
        }
    }

    /// [`dashmap::mapref::one::MappedRefMut::try_map`].
    ///
    /// # Errors
    ///
    /// With the reference, if `f` returns nothing.
    #[inline]
    pub fn try_map<F, T2>(self, f: F) -> Result<MappedRefMut<'a, K, V, T2>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut T2>,
    {
        let Self { section, inner } = self;
        match inner.try_map(f) {
            Ok(inner) => Ok(MappedRefMut { section, inner }),
            Err(inner) => Err(Self { section, inner }),
        }
    }
}

macro_rules! derefs {
    ($($name:ident<$($parameter:ident),*> to $target:ident)*) => {$(
        impl<K: Eq + Hash, $($parameter),*> Deref for $name<'_, K, $($parameter),*> {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &$target {
                self.value()
            }
        }
    )*};
}

derefs! {
    Ref<V> to V
    RefMut<V> to V
    MappedRef<V, T> to T
    MappedRefMut<V, T> to T
}

impl<K: Eq + Hash, V> DerefMut for RefMut<'_, K, V> {
    #[inline]
    fn deref_mut(&mut self) -> &mut V {
        self.value_mut()
    }
}

impl<K: Eq + Hash, V, T> DerefMut for MappedRefMut<'_, K, V, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value_mut()
    }
}

impl<K: Eq + Hash + Debug, V: Debug> Debug for Ref<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<K: Eq + Hash + Debug, V: Debug> Debug for RefMut<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<K: Eq + Hash + Debug, V, T: Debug> Debug for MappedRef<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<K: Eq + Hash + Debug, V, T: Debug> Debug for MappedRefMut<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<K: Eq + Hash, V, T: Display> Display for MappedRef<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<K: Eq + Hash, V, T: AsRef<U>, U: ?Sized> AsRef<U> for MappedRef<'_, K, V, T> {
    #[inline]
    fn as_ref(&self) -> &U {
        self.value().as_ref()
    }
}
