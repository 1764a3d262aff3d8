//! Every message of the attributes, at the token it is about, and what must compile beside it.
//!
//! `TRYBUILD=overwrite cargo test -p tsvd --features detect --test annotations_ui` writes the messages anew: read the
//! difference before committing it.
#![cfg(not(loom))]

#[test]
fn mistakes_are_named_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/pass/*.rs");
}
