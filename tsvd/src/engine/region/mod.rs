//! Regions expected to be atomic: what a context does to an object between two of its own accesses, others may not undo.
//!
//! Accesses under thread-safe contracts have no mark and no token, for they may overlap any others. While a context has a
//! region open, each of its accesses, once it has left, puts a [`Watch`](watch::Watch) into the exact table. An access of another
//! context that finds the watch when it enters, and again when it leaves, lay wholly after that access and is written down there.
//! The region's next access notes when it enters how many are written down: these lay wholly before it. What all of them
//! *did* is known when they leave, and then the patterns are looked for. Each access of the region gives its watch another number, so
//! whoever was inside an access of the region belongs to no watch any more: everything is decided by numbers compared under the
//! bucket's lock, and is exact whatever the timing.
//!
//! - [`open`] has the regions of a context; [`watch`] what the table knows; [`access`] an access's way in and out;
//! - [`pause`] is the delay between check and act, and the near misses that call for one; [`awaited`] the same for a future, whose thread
//!   goes on; [`suspicion`] goes without a declaration.

pub(crate) mod access;
pub(crate) mod awaited;
mod open;
mod pause;
mod suspicion;
pub(super) mod watch;

pub(crate) use access::Visit;
pub(super) use open::Regions;
pub(crate) use open::{On, OpenRegion, Paused};
pub(super) use pause::{Acts, Hold};
pub(super) use suspicion::Stacks;
pub(super) use watch::Watched;
