//! A cache that remembers what it has loaded, filled by one task at a time.

use std::cell::UnsafeCell;
use std::collections::HashMap;

/// What was loaded, by key. Its contract: nobody else calls while something is being loaded.
#[derive(Debug, Default)]
pub struct Memo {
    known: UnsafeCell<HashMap<u32, u32>>,
}

// SAFETY: not kept by this type: whoever shares a memo has to order its calls as the contract below says.
unsafe impl Sync for Memo {}

#[tsvd::contract]
impl Memo {
    /// An empty memo with room for `capacity` values.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            known: UnsafeCell::new(HashMap::with_capacity(capacity)),
        }
    }

    /// The value of `key`: the one that is known, or what `load` comes to.
    #[tsvd::write]
    pub async fn get_or_load(&self, key: u32, load: impl Future<Output = u32>) -> u32 {
        // SAFETY: by the contract no other call is in flight; the reference ends here.
        let known = unsafe { &*self.known.get() }.get(&key).copied();
        if let Some(value) = known {
            return value;
        }
        let value = load.await;
        // SAFETY: by the contract no other call is in flight, nor was one while this waited.
        unsafe { &mut *self.known.get() }.insert(key, value);
        value
    }
}
