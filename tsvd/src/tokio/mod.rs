//! Drop-ins for tokio, for the feature `tokio`: in place of `use tokio::sync::Mutex`, `use tsvd::tokio::sync::Mutex`.

pub mod sync;
