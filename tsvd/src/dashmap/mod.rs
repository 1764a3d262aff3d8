//! A drop-in for the crate [`dashmap`], for the feature `dashmap`: in place of `use dashmap::DashMap`, `use tsvd::dashmap::DashMap`.
//!
//! A [`DashMap`] locks inside of each call, so no two of them collide; but what one call found may be wrong by the next:
//! `contains_key`, then `insert`. Here each call is an operation under a thread-safe contract, on the map and the key, so that a region
//! expected to be atomic can be checked, and what looks like one can be suspected.
//!
//! ```
//! use tsvd::dashmap::DashMap;
//!
//! let visits = DashMap::new();
//! *visits.entry("home").or_insert(0) += 1;
//! assert_eq!(*visits.get("home").unwrap(), 1);
//! ```
//!
//! All types have dashmap's in them: `from` takes the map itself, [`inner`](DashMap::inner) and
//! [`into_inner`](DashMap::into_inner) give it, for what is not here. Without the feature `detect` they are newtypes, and free: the same
//! code. With it, and under loom, a map or set has a number beside it that tells it from others, and a reference its access. Under
//! `--cfg loom` they are there so that it compiles, but loom does not know their locks: a model that holds a guard over
//! a step of loom's, while another thread uses the map, may hang. Calls are accesses there too, and interleaved where a model has regions.
//!
//! Keys are told apart by their `Hash` alone: two keys of which it is equal are one key to a region.
//!
//! # What each call is
//!
//! A *look* that writes or does not has seen the newest value under its lock, so it is right whatever happened before it; a plain
//! write or update has not. An `insert` or `remove` of a set that did nothing tells no more than that, as an
//! [exchange](crate::sync#accesses) that fails.
//!
//! | call | of | is |
//! |---|---|---|
//! | `get`, `contains_key`, `view`, set: `get`, `contains` | the key | a read; with a reference, until that is dropped |
//! | `insert` | the key | a write, also in the place of another value; of a value without size that is there already, to its own region alone |
//! | set: `insert`, `remove` | the key | a look, and a write if it succeeds, as it tells: that a key is there is all there is to know of it |
//! | `remove` | the key | an update, or a read if there was nothing |
//! | `remove_if` | the key | a look, and a write if it is removed |
//! | `remove_if_mut`, `alter` | the key | a look, and a write if it is there |
//! | `get_mut` | the key | until the reference is dropped: a write if it was dereferenced mutably, a look and a write if it was read before, else a look; a read if there is nothing |
//! | `entry` | the key | until the entry, or the reference that comes of it, is dropped: a look, and a write if it is written; occupied and not written, to its own region alone |
//! | `try_get`, `try_get_mut`, `try_entry` | the key | the same, or nothing if it is locked; never delayed |
//! | `iter`, `&map` in a loop, `len`, `is_empty`, `clone` | all keys | a read, until the iterator is dropped |
//! | `iter_mut` | all keys | until iterator and references are dropped, a look; of each key whose reference was dereferenced mutably, a write |
//! | `retain` | all keys | a look; of each key that is removed, a write |
//! | `alter_all` | all keys | a look; of each key that is there, a write |
//! | `clear` | all keys | a write; to others, of each key that was there |
//! | `hasher`, `capacity`, `shrink_to_fit`, `Debug` | | nothing: they tell nothing to go by |
//! | `&mut self`, `self`, [`ReadOnlyView`] | | nothing: nobody else has the map |
//!
//! What the closure of `retain` does to values that stay is not seen, for it has each of them mutably: to take them all for written would
//! be a report of what nobody touched. So where it changes values, an interleaving with a region that has them is missed; write them by `iter_mut` or
//! `alter`. `alter_all` is taken to write whatever is there.
//!
//! Who finds an entry occupied, and does not write it, comes too late to claim it: what it found is there to be found, so it does not come between two
//! writes of who was first. That some of them read a value that is not complete, as by `or_insert`, is missed: let those `get` it.
//!
//! The operators (`<<`, `>>`, `|`, `-`, `&`) are the calls that they stand for. `map` of a reference is taken for no access.
//! A call that ends by a panic of a closure is none.
//!
//! # Cost
//!
//! Without `detect` there is none. With it, where nothing is armed, `get` takes 6.9 times as long, `insert` 4.4 times and `entry` 5.9
//! times (60 to 90 ns more), and a region that is entered for a `get` and an `insert` 30 times as long as these (1.1 µs more). These are ratios within
//! one run of `cargo xtask bench`, by processor time, in a map of 1,024 numbers. `retain`, `clear`, `alter_all` and `iter_mut` hash each key that they write
//! once more where somebody is watching.
//!
//! # What is not here
//!
//! A reference, entry or iterator that is held across a call of the same map, as in a `get` and then an `insert`, is a deadlock if both keys are of
//! one shard: dashmap says so at its methods. It is one here, too, and is not looked for.
//!
//! What dashmap has by features of its own is not here (`rayon`, `serde`, `raw-api`, `typesize`, `arbitrary`), nor its trait `Map`, which
//! speaks of private types.

pub mod iter;
pub mod iter_set;
mod map;
mod map_traits;
pub mod mapref;
mod read_only;
mod set;
pub mod setref;
#[cfg(all(test, feature = "detect", not(loom)))]
mod tests;

pub use dashmap::{TryReserveError, try_result};

pub use self::map::DashMap;
pub use self::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
pub use self::read_only::ReadOnlyView;
pub use self::set::DashSet;

use self::try_result::TryResult;
