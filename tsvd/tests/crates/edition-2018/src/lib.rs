//! The tests of this crate are those of `tsvd/tests/annotations.rs` in edition 2018.
