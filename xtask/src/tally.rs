//! Tests counted over several runs of `cargo test`, from what the test programs say of themselves.

use std::fmt;

use crate::command::{Command, Outcome, fail};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    ignored: usize,
}

impl Tally {
    /// Runs a `cargo test`, counts its tests and shows each line of its output to `see`.
    ///
    /// An ignored test shows nothing, so it is a failure; so is whatever else makes the command fail, a build for example.
    pub(crate) fn add(&mut self, command: &Command, mut see: impl FnMut(&str)) -> Outcome {
        let mut run = Run::default();
        let outcome = command.watch(|line| {
            run.read(line);
            see(line);
        });
        let mut sum = run.sum();
        let outcome = outcome.and_then(|()| match sum.ignored {
            0 => Ok(()),
            ignored => fail(format!("{ignored} tests are ignored in `{command}`")),
        });
        if outcome.is_err() {
            sum.failed = sum.failed.max(1);
        }
        self.include(sum);
        outcome
    }

    fn include(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads the closing line of a test program: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn closing(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let mut tally = Self::default();
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => tally.passed = number.parse().ok()?,
                Some((number, "failed")) => tally.failed = number.parse().ok()?,
                Some((number, "ignored")) => tally.ignored = number.parse().ok()?,
                _ => {}
            }
        }
        Some(tally)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The output of one `cargo test`.
#[derive(Default)]
struct Run {
    before: Tally,
    /// What was printed last after the heading of a failing program's output. That output can contain closing lines of
    /// test programs which the tests themselves started; and the failing program is the last one that cargo runs.
    failing: Option<Tally>,
}

impl Run {
    fn read(&mut self, line: &str) {
        match (Tally::closing(line), &mut self.failing) {
            (Some(closing), Some(failing)) => *failing = closing,
            (Some(closing), None) => self.before.include(closing),
            (None, None) if line == "failures:" => self.failing = Some(Tally::default()),
            (None, _) => {}
        }
    }

    fn sum(&self) -> Tally {
        let mut sum = self.before;
        sum.include(self.failing.unwrap_or_default());
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "0 measured; 0 filtered out; finished in 0.00s";

    #[test]
    fn closing_lines_of_test_programs_are_read() {
        let line = format!("test result: FAILED. 12 passed; 3 failed; 1 ignored; {REST}");
        let expected = Tally {
            passed: 12,
            failed: 3,
            ignored: 1,
        };
        assert_eq!(Tally::closing(&line), Some(expected));
        let line = format!("test result: ok. 0 passed; 0 failed; 0 ignored; {REST}");
        assert_eq!(Tally::closing(&line), Some(Tally::default()));
        assert_eq!(Tally::closing("test result: ok. many passed"), None);
        assert_eq!(
            Tally::closing("test a::result: ok. 12 passed; 0 failed ... ok"),
            None
        );
        assert_eq!(Tally::closing("running 12 tests"), None);
    }

    #[test]
    fn what_a_failing_test_has_printed_is_not_counted() {
        let mut run = Run::default();
        for line in [
            &format!("test result: ok. 5 passed; 0 failed; 0 ignored; {REST}"),
            "failures:",
            "---- survives stdout ----",
            &format!("test result: ok. 1 passed; 0 failed; 0 ignored; {REST}"),
            "failures:",
            &format!("test result: FAILED. 7 passed; 2 failed; 0 ignored; {REST}"),
        ] {
            run.read(line);
        }
        assert_eq!(
            run.sum(),
            Tally {
                passed: 12,
                failed: 2,
                ignored: 0
            }
        );
    }

    #[test]
    fn a_run_that_counts_nothing_and_fails_is_a_failure() {
        let here = std::env::current_dir().unwrap();
        let mut tally = Tally::default();
        tally
            .add(&Command::new(&here, "cargo --version"), |_| ())
            .unwrap();
        assert_eq!(tally, Tally::default());
        tally
            .add(&Command::new(&here, "cargo no-such-subcommand"), |_| ())
            .unwrap_err();
        assert_eq!(tally.to_string(), "0 passed, 1 failed");
    }
}
