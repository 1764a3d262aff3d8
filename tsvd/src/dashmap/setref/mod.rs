//! References into a set.

pub mod multiple;
pub mod one;
