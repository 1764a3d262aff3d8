//! References into a map, each an access until it is dropped.

pub mod entry;
pub mod multiple;
pub mod one;
