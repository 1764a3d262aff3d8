//! What is called. All bodies are the same, and none is inlined, so that a plain call is a call.

use std::hint::black_box;
use std::sync::Mutex;

use crate::map_loops::{Map, PlainMap};
use crate::naive;

/// One call of a subject.
pub(crate) trait Subject: Sync {
    fn get(&self, value: u64) -> u64;
    fn set(&self, value: u64) -> u64;
}

#[derive(Default)]
pub(crate) struct Plain {
    _place: u64,
}

impl Subject for Plain {
    #[inline(never)]
    fn get(&self, value: u64) -> u64 {
        black_box(value)
    }

    #[inline(never)]
    fn set(&self, value: u64) -> u64 {
        black_box(value)
    }
}

#[derive(Default)]
pub(crate) struct Watched {
    _place: u64,
}

#[tsvd::contract]
impl Subject for Watched {
    #[tsvd::read]
    #[inline(never)]
    fn get(&self, value: u64) -> u64 {
        black_box(value)
    }

    #[tsvd::write]
    #[inline(never)]
    fn set(&self, value: u64) -> u64 {
        black_box(value)
    }
}

/// Watched by the naive runtime.
#[derive(Default)]
pub(crate) struct Naive {
    _place: u64,
}

impl Subject for Naive {
    #[inline(never)]
    #[track_caller]
    fn get(&self, value: u64) -> u64 {
        naive::enter(self, false);
        black_box(value)
    }

    #[inline(never)]
    #[track_caller]
    fn set(&self, value: u64) -> u64 {
        naive::enter(self, true);
        black_box(value)
    }
}

/// Locks and unlocks a mutex nobody else wants.
#[derive(Default)]
pub(crate) struct Locked(Mutex<()>);

impl Subject for Locked {
    #[inline(never)]
    fn get(&self, value: u64) -> u64 {
        let _guard = self.0.lock();
        black_box(value)
    }

    #[inline(never)]
    fn set(&self, value: u64) -> u64 {
        let _guard = self.0.lock();
        black_box(value)
    }
}

/// A subject of 8 bytes at the start of 8 more and `PADDING`: the distance of two in an array is 8 + `PADDING`.
pub(crate) struct Spaced<S, const PADDING: usize> {
    pub(crate) subject: S,
    _padding: [u8; PADDING],
}

impl<S: Default, const PADDING: usize> Default for Spaced<S, PADDING> {
    fn default() -> Self {
        Self {
            subject: S::default(),
            _padding: [0; PADDING],
        }
    }
}

#[derive(Default)]
pub(crate) struct WatchedMap(PlainMap);

#[tsvd::contract]
impl Map for WatchedMap {
    #[tsvd::read]
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(key)
    }

    #[tsvd::write]
    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.0.insert(key, value)
    }
}

/// A map that many may share, of 1,024 entries, and its drop-in.
pub(crate) struct SharedMap<M>(M);

macro_rules! shared_maps {
    ($($map:ty)*) => {$(
        impl Default for SharedMap<$map> {
            fn default() -> Self {
                Self((0..1024).map(|key| (key, key)).collect())
            }
        }

        impl Map for SharedMap<$map> {
            fn get(&self, key: u64) -> Option<u64> {
                self.0.get(&key).map(|value| *value)
            }

            fn insert(&self, key: u64, value: u64) -> Option<u64> {
                self.0.insert(key, value)
            }
        }
    )*};
}

shared_maps! { dashmap::DashMap<u64, u64> tsvd::dashmap::DashMap<u64, u64> }

/// A value behind a lock that nobody else wants, which is looked at in each call; and the lock's drop-in.
#[derive(Default)]
pub(crate) struct Behind<L>(L);

macro_rules! behind {
    ($($lock:ty, $get:ident, $set:ident;)*) => {$(
        impl Subject for Behind<$lock> {
            #[inline(never)]
            fn get(&self, value: u64) -> u64 {
                black_box(value ^ *self.0.$get().expect("nobody panics"))
            }

            #[inline(never)]
            fn set(&self, value: u64) -> u64 {
                *self.0.$set().expect("nobody panics") = value;
                black_box(value)
            }
        }
    )*};
}

behind! {
    Mutex<u64>, lock, lock;
    tsvd::sync::Mutex<u64>, lock, lock;
    std::sync::RwLock<u64>, read, write;
    tsvd::sync::RwLock<u64>, read, write;
}
