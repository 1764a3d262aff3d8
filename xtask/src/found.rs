//! How often what is planted is found while its fixed twins are silent: the tests of the examples' programs, and the suite of two
//! hundred in a first run, twenty times each. `test` and `nextest` ask the same once.

use std::collections::BTreeMap;

use crate::command::{Failure, Outcome, fail};
use crate::nextest;
use crate::workspace::Workspace;

const ROUNDS: u32 = 20;

/// One after the other, for a program that shares the machine with another test's is another measurement.
const EXAMPLES: &str = "cargo test -p tsvd-examples --test programs -- --test-threads=1";

const SUITE: &str = "the suite's five under `cargo test`";

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let mut passed = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut seen = 0;
        let outcome = workspace.command(EXAMPLES).watch(|line| {
            if let Some((name, ok)) = verdict(line) {
                seen += 1;
                *passed.entry(name.to_owned()).or_insert(0) += u32::from(ok);
            }
        });
        // A test that failed is a row of the table; what could not be built is the end.
        if seen == 0 {
            return outcome.and_then(|()| fail(format!("`{EXAMPLES}` has run no test")));
        }
        let suite = nextest::under_cargo_test(workspace);
        *passed.entry(SUITE.to_owned()).or_insert(0) += u32::from(suite.is_ok());
        if let Err(Failure(reason)) = suite {
            eprintln!("{reason}");
        }
    }
    println!();
    for (name, passed) in &passed {
        println!("{name:<36} {passed:>2} of {ROUNDS}");
    }
    let missed = passed.iter().filter(|(_, passed)| **passed < ROUNDS);
    let missed: Vec<_> = missed.map(|(name, _)| name.as_str()).collect();
    match missed.is_empty() {
        true => Ok(()),
        false => fail(format!("not every time: {}", missed.join(", "))),
    }
}

/// What a test program says of one of its tests: `test name ... ok`.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    Some((name, verdict == "ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_from_what_a_test_program_prints() {
        assert_eq!(verdict("test memo ... ok"), Some(("memo", true)));
        assert_eq!(verdict("test memo ... FAILED"), Some(("memo", false)));
        assert_eq!(verdict("test result: ok. 3 passed; 0 failed"), None);
    }
}
