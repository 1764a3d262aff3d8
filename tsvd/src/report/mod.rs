//! Reports of violations: what a run writes under `target/tsvd/reports`, and what tools read from there.
//!
//! - The types ([`Report`] and its parts) are the JSON format [`SCHEMA`]; its JSON Schema is `report.schema.json` in this
//!   crate. Fields may be added, so every type is `#[non_exhaustive]` and readers skip what they do not know.
//! - [`write()`], [`read()`] and [`load_dir()`] move reports to and from disk.
//! - A [`Baseline`] is the file of the suspicions that are accepted.
//! - A [`Heartbeat`] is what a process without anything to report leaves.
//! - [`merge()`] unites the reports of several processes.
//! - [`Rendering`] turns violations into text for people, [`printable()`] any other text of a report.
//! - [`path`] and [`fingerprint()`] make sites and ids that mean the same on every machine.

mod baseline;
mod escape;
mod file;
mod fingerprint;
mod frame;
mod heartbeat;
mod merge;
mod model;
pub mod path;
mod quote;
mod replace;
#[cfg(all(feature = "detect", not(loom)))]
mod stack;
#[cfg(all(feature = "detect", not(loom), target_os = "linux"))]
mod symbols;
mod text;
#[cfg(all(feature = "detect", not(loom)))]
mod time;
#[cfg(all(feature = "detect", not(loom)))]
mod trim;

pub use baseline::{Accepted, Baseline, BaselineError};
pub use escape::printable;
pub use file::{LoadedReports, ReadError, load_dir, read, write};
pub use fingerprint::{PartyIdentity, fingerprint, fingerprint_of_region};
pub use frame::{caller_frame, first_workspace_frame};
pub use heartbeat::{Heartbeat, load_heartbeats};
pub use merge::{merge, origin};
#[cfg(feature = "schema")]
pub use model::json_schema;
pub use model::{
    Access, Context, Coverage, DetectedBy, Frame, Kind, ObjectInfo, ObjectKind, Pair, PairState,
    Party, Pattern, Region, Report, Run, SCHEMA, Site, Summary, Tool, Unwatched, Violation,
};
#[cfg(all(feature = "detect", not(loom)))]
pub(crate) use replace::replace;
#[cfg(all(feature = "detect", not(loom)))]
pub(crate) use stack::{RawStack, UNKNOWN, call_site};
pub use text::Rendering;
#[cfg(all(feature = "detect", not(loom)))]
pub(crate) use time::{millis, rfc3339};
#[cfg(all(feature = "detect", not(loom)))]
pub(crate) use trim::trim;
