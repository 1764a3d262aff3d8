//! The vocabulary every mode shares: what an operation is, on which object it acts, and which two operations conflict.

mod key;
mod object;
mod operation;
mod registry;

pub(crate) use key::{Key, hash_of};
pub(crate) use object::{Kind, Object};
#[cfg(all(feature = "detect", not(loom)))]
#[allow(unused_imports, reason = "a stand-in")]
pub(crate) use operation::Did;
pub(crate) use operation::{Access, Operation, conflict};
pub(crate) use registry::Registry;

/// What macros need of the vocabulary.
pub(crate) mod for_macros {
    pub use super::key::{DebugKey, Key, KeyProbe, PlainKey};
    pub use super::object::{Object, Place, Probe};
    pub use super::operation::{Access, Operation};
}
