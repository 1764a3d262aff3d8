//! A `HashMap<u64, u64>` of 1,024 entries, read and overwritten in turn: the same loops for this benchmark and for
//! `sanitized.rs`, which is built without cargo.

use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::hint::black_box;

const ENTRIES: u64 = 1024;

pub(crate) trait Map {
    fn get(&self, key: u64) -> Option<u64>;
    fn insert(&self, key: u64, value: u64) -> Option<u64>;
}

/// Used by one thread only.
pub(crate) struct PlainMap(UnsafeCell<HashMap<u64, u64>>);

impl Default for PlainMap {
    fn default() -> Self {
        Self(UnsafeCell::new(
            (0..ENTRIES).map(|key| (key, key)).collect(),
        ))
    }
}

impl Map for PlainMap {
    fn get(&self, key: u64) -> Option<u64> {
        // SAFETY: the cell is not `Sync`, and no reference leaves this function or `insert`.
        unsafe { &*self.0.get() }.get(&key).copied()
    }

    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        // SAFETY: as above.
        unsafe { &mut *self.0.get() }.insert(key, value)
    }
}

pub(crate) fn gets<M: Map>(map: &M, calls: u64) {
    for call in 0..calls {
        black_box(map.get(black_box(call % ENTRIES)));
    }
}

pub(crate) fn inserts<M: Map>(map: &M, calls: u64) {
    for call in 0..calls {
        black_box(map.insert(black_box(call % ENTRIES), call));
    }
}
