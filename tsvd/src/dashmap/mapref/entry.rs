//! One entry, there or not, whose place is held.

use std::hash::Hash;

use dashmap::mapref::entry as inner;

use super::one::RefMut;
use crate::section::Held;

/// [`dashmap::Entry`]: a look at its key, and a write once it has been written. One that is occupied, and is not written, is a look to its own
/// region alone.
pub enum Entry<'a, K, V> {
    /// The key is there.
    Occupied(OccupiedEntry<'a, K, V>),
    /// It is not.
    Vacant(VacantEntry<'a, K, V>),
}

/// [`dashmap::OccupiedEntry`].
pub struct OccupiedEntry<'a, K, V> {
    // Above the guard: it ends before the lock is given back.
    section: Held,
    inner: inner::OccupiedEntry<'a, K, V>,
}

/// [`dashmap::VacantEntry`].
pub struct VacantEntry<'a, K, V> {
    section: Held,
    inner: inner::VacantEntry<'a, K, V>,
}

impl<'a, K: Eq + Hash, V> Entry<'a, K, V> {
    #[inline]
    pub(in crate::dashmap) fn new(section: Held, inner: inner::Entry<'a, K, V>) -> Self {
        match inner {
            inner::Entry::Occupied(inner) => Self::Occupied(OccupiedEntry {
                section: section.late(),
                inner,
            }),
            inner::Entry::Vacant(inner) => Self::Vacant(VacantEntry { section, inner }),
        }
    }

    /// Lends the value, if there is one, to `f`.
    #[inline]
    #[must_use = "the entry is given back"]
    pub fn and_modify(self, f: impl FnOnce(&mut V)) -> Self {
        match self {
            Self::Occupied(mut entry) => {
                f(entry.get_mut());
                Self::Occupied(entry)
            }
            Self::Vacant(entry) => Self::Vacant(entry),
        }
    }

    /// The key that was asked for.
    #[inline]
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// The key that was asked for.
    #[inline]
    pub fn into_key(self) -> K {
        match self {
            Self::Occupied(entry) => entry.into_key(),
            Self::Vacant(entry) => entry.into_key(),
        }
    }

    /// The value, which is inserted if there is none.
    #[inline]
    pub fn or_default(self) -> RefMut<'a, K, V>
    where
        V: Default,
    {
        match self {
            Self::Occupied(entry) => entry.into_ref(),
            Self::Vacant(entry) => entry.insert(V::default()),
        }
    }

    /// The value, which is `value` if there is none.
    #[inline]
    pub fn or_insert(self, value: V) -> RefMut<'a, K, V> {
        match self {
            Self::Occupied(entry) => entry.into_ref(),
            Self::Vacant(entry) => entry.insert(value),
        }
    }

    /// The value, which is what `value` returns if there is none.
    #[inline]
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> RefMut<'a, K, V> {
        match self {
            Self::Occupied(entry) => entry.into_ref(),
            Self::Vacant(entry) => entry.insert(value()),
        }
    }

    /// The value, which is what `value` returns if there is none.
    ///
    /// # Errors
    ///
    /// That of `value`.
    #[inline]
    pub fn or_try_insert_with<E>(
        self,
        value: impl FnOnce() -> Result<V, E>,
    ) -> Result<RefMut<'a, K, V>, E> {
        match self {
            Self::Occupied(entry) => Ok(entry.into_ref()),
            Self::Vacant(entry) => Ok(entry.insert(value()?)),
        }
    }

    /// Sets the value.
    #[inline]
    pub fn insert(self, value: V) -> RefMut<'a, K, V> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry.into_ref()
            }
            Self::Vacant(entry) => entry.insert(value),
        }
    }

    /// Sets the value, and keeps the entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V>
    where
        K: Clone,
    {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }
}

impl<'a, K: Eq + Hash, V> VacantEntry<'a, K, V> {
    /// Sets the value.
    #[inline]
    pub fn insert(self, value: V) -> RefMut<'a, K, V> {
        self.section.writes();
        RefMut::new(self.section, self.inner.insert(value))
    }

    /// Sets the value, and keeps the entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V>
    where
        K: Clone,
    {
        self.section.writes();
        OccupiedEntry {
            section: self.section,
            inner: self.inner.insert_entry(value),
        }
    }

    /// The key that was asked for.
    #[inline]
    pub fn into_key(self) -> K {
        self.inner.into_key()
    }

    /// The key that was asked for.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }
}

impl<'a, K: Eq + Hash, V> OccupiedEntry<'a, K, V> {
    /// The value.
    #[inline]
    pub fn get(&self) -> &V {
        self.inner.get()
    }

    /// The value, mutably.
    #[inline]
    pub fn get_mut(&mut self) -> &mut V {
        self.section.writes();
        self.inner.get_mut()
    }

    /// Sets the value, and returns the one before.
    #[inline]
    pub fn insert(&mut self, value: V) -> V {
        self.section.writes();
        self.inner.insert(value)
    }

    /// The value, mutably, for as long as the map.
    #[inline]
    pub fn into_ref(self) -> RefMut<'a, K, V> {
        RefMut::new(self.section, self.inner.into_ref())
    }

    /// The key that was asked for.
    #[inline]
    pub fn into_key(self) -> K {
        self.inner.into_key()
    }

    /// The key in the map.
    #[inline]
    pub fn key(&self) -> &K {
        self.inner.key()
    }

    /// Takes the value out.
    #[inline]
    pub fn remove(self) -> V {
        // It ends after the removal, with the lock given back.
        let Self { section, inner } = self;
        section.writes();
        inner.remove()
    }

    /// Takes key and value out.
    #[inline]
    pub fn remove_entry(self) -> (K, V) {
        let Self { section, inner } = self;
        section.writes();
        inner.remove_entry()
    }

    /// Sets key and value, and returns those before.
    #[inline]
    pub fn replace_entry(self, value: V) -> (K, V) {
        let Self { section, inner } = self;
        section.writes();
        inner.replace_entry(value)
    }
}
