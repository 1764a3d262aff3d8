//! Tests that are run in rounds: these are such tests, and are called by others, too.

use crate::recorder::{log, record, test_name};
use crate::tasks::finish;

/// What shadows the standard attribute changes nothing.
#[allow(unused_imports)]
use tsvd::test;

use tsvd::expect_atomic as rstest;

#[tsvd::test(crate = crate::recorder)]
fn a_test_has_the_name_that_libtest_shows() {
    let name = test_name().expect("a test is running");
    assert_eq!(
        name,
        concat!("tests::", "a_test_has_the_name_that_libtest_shows")
    );
    // With `--test-threads=1` it is the main thread's.
    let thread = std::thread::current();
    assert!(["main", name].contains(&thread.name().expect("libtest names its threads")));
}

#[tsvd::test(crate = crate::recorder, rounds = 3, expect = "Slab::insert")]
#[doc = "With attributes."]
pub(crate) fn counted() -> Result<(), Box<dyn std::error::Error>> {
    let number: u8 = "7".parse()?;
    log(number.to_string());
    if number == 7 {
        return Ok(());
    }
    Err("it is not".into())
}

#[tsvd::test(crate = crate::recorder)]
#[should_panic(expected = "as it should")]
fn panics_are_the_bodys() {
    panic!("as it should");
}

#[tsvd::test(crate = crate::recorder)]
#[cfg_attr(all(), test)]
fn a_conditional_attribute_makes_a_test_too() {
    assert!(test_name().is_some());
}

#[tsvd::test(crate = crate::recorder)]
#[::core::prelude::v1::test]
fn r#match() -> Result<(), String> {
    assert_eq!(test_name(), Some("tests::match"));
    Ok(())
}

/// Not a test of libtest's: it passes for one of another crate's.
#[tsvd::test(crate = crate::recorder, rounds = 2)]
#[rstest(crate = crate::recorder)]
fn with_parameters(mut number: u8, text: String) {
    number += text.len() as u8;
    log(number.to_string());
}

#[tsvd::test(crate = crate::recorder, rounds = 2)]
#[rstest(crate = crate::recorder)]
async fn waits() -> Result<(), Box<dyn std::error::Error>> {
    std::future::ready(()).await;
    log("body");
    if test_name().is_none() {
        return Err("no test is running".into());
    }
    Ok(())
}

mod inner {
    #[tsvd::test(crate = crate::recorder)]
    #[super::rstest(crate = crate::recorder)]
    pub(super) fn called() {}
}

#[::core::prelude::v1::test]
fn the_body_is_run_in_rounds() {
    let (end, log, _) = record(counted);
    assert!(end.is_ok());
    let round = ["round of tests::counted", "7"];
    assert_eq!(log[0], "expects Slab::insert");
    assert_eq!(log[1..], [round, round, round].concat());
    let log = record(|| with_parameters(1, "ab".to_owned())).1;
    let round = "round of tests::with_parameters";
    assert_eq!(
        log,
        [
            "+with_parameters",
            round,
            "3",
            round,
            "5",
            "-with_parameters"
        ]
    );
    let log = record(inner::called).1;
    assert_eq!(log, ["+called", "round of tests::inner::called", "-called"]);
    let polled = || finish(waits()).unwrap();
    let round = ["round of tests::waits", "body"];
    let rounds = [round, round].concat();
    assert_eq!(
        record(polled).1,
        [&["+waits"], rounds.as_slice(), &["-waits"]].concat()
    );
}
