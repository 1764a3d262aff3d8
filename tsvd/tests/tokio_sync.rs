//! `tsvd::tokio::sync` has tokio's names, signatures, behaviour and auto traits, whether or not anything is watched; and with detection
//! its critical sections are accesses of regions.

#![cfg(not(loom))]

#[path = "tokio_sync/api.rs"]
mod api;
#[path = "tokio_sync/auto_traits.rs"]
mod auto_traits;
#[cfg(feature = "detect")]
mod process;
#[cfg(feature = "detect")]
#[path = "tokio_sync/regions.rs"]
mod regions;
