//! Tests that a runtime runs.

use crate::recorder::{log, record, test_name};

#[tsvd::test(crate = crate::recorder)]
#[tokio::test(start_paused = true)]
async fn a_test_has_the_name_that_libtest_shows() {
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    let name = concat!("tests_tokio::", "a_test_has_the_name_that_libtest_shows");
    assert_eq!(test_name(), Some(name));
}

#[tsvd::test(crate = crate::recorder, rounds = 2)]
#[tokio::test]
async fn counted() -> Result<(), Box<dyn std::error::Error>> {
    let number: u8 = "7".parse()?;
    tokio::task::yield_now().await;
    log(number.to_string());
    if number == 7 {
        return Ok(());
    }
    Err("it is not".into())
}

#[test]
fn the_body_is_run_in_rounds() {
    let (end, log, _) = record(counted);
    assert!(end.is_ok());
    let round = ["round of tests_tokio::counted", "7"];
    assert_eq!(log, [round, round].concat());
}
