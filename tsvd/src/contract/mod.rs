//! The vocabulary every mode shares: what an operation is, on which object it acts, and which two operations conflict.

mod key;
mod object;
mod operation;
#[cfg_attr(loom, allow(dead_code, reason = "models use a part"))]
mod region;
mod registry;

pub(crate) use key::{Key, hash_of};
pub(crate) use object::{Kind, Object};
#[cfg_attr(loom, allow(unused_imports, reason = "models use a part"))]
pub(crate) use operation::meet;
pub(crate) use operation::{Access, Operation, conflict};
pub(crate) use region::Region;
#[cfg_attr(loom, allow(unused_imports, reason = "models use a part"))]
pub(crate) use region::{Deed, Did, Pattern};
pub(crate) use registry::Registry;

/// What macros need of the vocabulary.
pub(crate) mod for_macros {
    pub use super::key::{DebugKey, Key, KeyProbe, PlainKey};
    pub use super::object::{Object, Place, Probe};
    pub use super::operation::{Access, Operation};
    pub use super::region::Region;
}
