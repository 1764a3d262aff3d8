//! A map that is declared `Sync` and is not: the classic of the field, here behind `unsafe`.

use std::cell::UnsafeCell;
use std::collections::HashMap;

/// A map from keys to values. Its contract: any number of readers, or one writer.
#[derive(Debug, Default)]
pub struct Dictionary {
    entries: UnsafeCell<HashMap<u32, u32>>,
}

// SAFETY: not kept by this type: whoever shares a dictionary has to order its calls as the contract below says.
unsafe impl Sync for Dictionary {}

#[tsvd::contract]
impl Dictionary {
    /// An empty dictionary with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: UnsafeCell::new(HashMap::with_capacity(capacity)),
        }
    }

    /// Adds an entry; says whether the key is new.
    #[tsvd::write]
    pub fn add(&self, key: u32, value: u32) -> bool {
        // SAFETY: by the contract no other call is in flight.
        unsafe { &mut *self.entries.get() }
            .insert(key, value)
            .is_none()
    }

    /// Whether there is an entry for `key`.
    #[tsvd::read]
    pub fn contains(&self, key: u32) -> bool {
        // SAFETY: by the contract no write is in flight.
        unsafe { &*self.entries.get() }.contains_key(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_contained() {
        let dictionary = Dictionary::with_capacity(4);
        assert!(dictionary.add(1, 10));
        assert!(!dictionary.add(1, 11));
        assert!(dictionary.contains(1) && !dictionary.contains(2));
    }
}
