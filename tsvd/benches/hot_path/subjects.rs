//! What is called. All bodies are the same, and none is inlined, so that a plain call is a call.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

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

impl<M> SharedMap<M>
where
    Self: Shared,
{
    pub(crate) fn counts(&self, calls: u64) {
        for call in 0..calls {
            self.count(black_box(call % 1024));
        }
    }

    pub(crate) fn regions(&self, calls: u64) {
        for call in 0..calls {
            black_box(self.next(black_box(call % 1024)));
        }
    }
}

/// What only a map that many may share is there for.
pub(crate) trait Shared {
    fn count(&self, key: u64);
    /// A look, then a write; for the drop-in a region expected to be atomic.
    fn next(&self, key: u64) -> Option<u64>;
}

macro_rules! shared_maps {
    ($($(#[$region:meta])? $map:ty;)*) => {$(
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

        impl Shared for SharedMap<$map> {
            fn count(&self, key: u64) {
                *self.0.entry(key).or_insert(0) += 1;
            }

            $(#[$region])?
            fn next(&self, key: u64) -> Option<u64> {
                let value = self.0.get(&key).map_or(0, |value| *value);
                self.0.insert(key, value + 1)
            }
        }
    )*};
}

shared_maps! {
    dashmap::DashMap<u64, u64>;
    #[tsvd::expect_atomic]
    tsvd::dashmap::DashMap<u64, u64>;
}

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

/// An atomic that nobody else touches, and its drop-in.
#[derive(Default)]
pub(crate) struct Counter<A>(A);

macro_rules! counters {
    ($($atomic:ty;)*) => {$(
        impl Subject for Counter<$atomic> {
            #[inline(never)]
            fn get(&self, value: u64) -> u64 {
                black_box(value ^ self.0.load(Acquire))
            }

            #[inline(never)]
            fn set(&self, value: u64) -> u64 {
                black_box(self.0.fetch_add(value, AcqRel))
            }
        }
    )*};
}

counters! {
    std::sync::atomic::AtomicU64;
    tsvd::sync::atomic::AtomicU64;
}
