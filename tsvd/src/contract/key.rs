use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The key of one call: equal hashes are one key, the text is for the report.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub(crate) hash: u64,
    pub(crate) debug: Option<&'a dyn fmt::Debug>,
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

pub(crate) fn hash_of<K: Hash + ?Sized>(key: &K) -> u64 {
    // `DefaultHasher::new` has fixed keys, so that equal keys of different types (`String`, `&str`) agree too.
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    // Zero stands for "no key" in a mark.
    hasher.finish().max(1)
}

/// Finds out by autoref specialisation whether a key can be shown.
#[derive(Debug)]
pub struct KeyProbe<'a, K: ?Sized>(pub &'a K);

/// Chosen for keys that are `Debug`.
pub trait DebugKey<'a> {
    /// The key with its text.
    fn key(&self) -> Key<'a>;
}

impl<'a, K: Hash + fmt::Debug> DebugKey<'a> for KeyProbe<'a, K> {
    fn key(&self) -> Key<'a> {
        Key {
            hash: hash_of(self.0),
            debug: Some(self.0),
        }
    }
}

/// Chosen for all other keys.
pub trait PlainKey<'a> {
    /// The key without text.
    fn key(&self) -> Key<'a>;
}

impl<'a, K: Hash + ?Sized> PlainKey<'a> for &KeyProbe<'a, K> {
    fn key(&self) -> Key<'a> {
        Key {
            hash: hash_of(self.0),
            debug: None,
        }
    }
}
