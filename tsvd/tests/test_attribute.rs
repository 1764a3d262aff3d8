//! `#[tsvd::test]` makes one test of a function, in every mode, whatever makes a test of it already.

use std::process::Command;

#[tsvd::test]
fn plain() {}

#[tsvd::test(rounds = 2, expect = "nothing")]
#[should_panic(expected = "as it should")]
fn panics() {
    panic!("as it should");
}

#[tsvd::test(rounds = 1)]
#[test]
fn marked() -> Result<(), String> {
    Ok(())
}

#[cfg(not(loom))]
mod waiting {
    #[tsvd::test(rounds = 1)]
    #[tokio::test]
    async fn waits() {
        tokio::task::yield_now().await;
    }

    /// The runtime's attribute leaves a function that is not `async`.
    #[tokio::test]
    #[tsvd::test]
    async fn waits_within() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn libtest_lists_each_once() {
    let tests = Command::new(std::env::current_exe().expect("this is a program"))
        .args(["--list", "--format", "terse"])
        .output()
        .expect("it runs");
    let tests = String::from_utf8(tests.stdout).expect("it is text");
    let mut expected = vec!["libtest_lists_each_once", "marked", "panics", "plain"];
    if cfg!(not(loom)) {
        expected.extend(["waiting::waits", "waiting::waits_within"]);
    }
    let expected: Vec<String> = expected
        .iter()
        .map(|name| format!("{name}: test"))
        .collect();
    assert_eq!(tests.lines().collect::<Vec<_>>(), expected);
}
