//! What `#[tsvd::test]` expands to.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::process::ExitCode;

use super::Rounds;
use super::outcome::missing;

/// How a test's function ends.
pub trait Ends {
    /// Whether the test has failed, so that there is nothing more to run.
    fn has_failed(&self) -> bool;
}

impl Ends for () {
    fn has_failed(&self) -> bool {
        false
    }
}

impl<T, E> Ends for Result<T, E> {
    fn has_failed(&self) -> bool {
        self.is_err()
    }
}

impl Ends for ExitCode {
    fn has_failed(&self) -> bool {
        *self != ExitCode::SUCCESS
    }
}

/// A test that fails by the violations in it. Its rounds are those of [`check`](fn@crate::check).
#[derive(Clone, Copy, Debug)]
#[must_use = "a test is to be run"]
pub struct Test {
    name: &'static str,
    rounds: Option<u32>,
    expects: Option<&'static str>,
}

impl Test {
    /// The test that libtest shows under this name: the path of its function, without the crate.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            rounds: None,
            expects: None,
        }
    }

    /// At most `most` rounds, at least one.
    pub const fn rounds(self, most: u32) -> Self {
        Self {
            rounds: Some(most),
            ..self
        }
    }

    /// A violation whose report has `part` in it is no failure, and none is one.
    pub const fn expects(self, part: &'static str) -> Self {
        Self {
            expects: Some(part),
            ..self
        }
    }

    /// Runs `body` until another round is not worthwhile, or it fails.
    ///
    /// # Panics
    ///
    /// If `body` does; if a violation is found that is not expected, with its report, unless violations are only to be recorded; and
    /// if an expected one is not found, where any can be.
    #[track_caller]
    pub fn run<R: Ends>(self, mut body: impl FnMut() -> R) -> R {
        let mut rounds = self.begin();
        loop {
            let end = rounds.watch.within(&mut body);
            match self.judge(&mut rounds, &end) {
                Verdict::Again => {}
                Verdict::Over => return end,
                Verdict::Failed(why) => panic!("{why}"),
            }
        }
    }

    /// The same for futures. What a future spawns belongs to the test as far as [`check`](fn@crate::check) says.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub async fn run_async<R: Ends, F: Future<Output = R>>(self, mut body: impl FnMut() -> F) -> R {
        let mut rounds = self.begin();
        loop {
            let watch = &rounds.watch;
            let mut future = pin!(watch.within(&mut body));
            let end = poll_fn(|task| watch.within(|| future.as_mut().poll(task))).await;
            match self.judge(&mut rounds, &end) {
                Verdict::Again => {}
                Verdict::Over => return end,
                Verdict::Failed(why) => panic!("{why}"),
            }
        }
    }

    fn begin(self) -> Rounds {
        Rounds::begin(Some(self.name), self.rounds, self.expects)
    }

    /// After a round.
    fn judge(self, rounds: &mut Rounds, end: &impl Ends) -> Verdict {
        let failures = rounds.watch.failures();
        if !failures.is_empty() && rounds.watch.fails() {
            rounds.watch.end();
            return Verdict::Failed(found(&failures));
        }
        let Some(part) = self.expects else {
            return match rounds.is_another_worthwhile() && !end.has_failed() {
                true => Verdict::Again,
                false => Verdict::Over,
            };
        };
        let is_found = || rounds.watch.texts().iter().any(|text| text.contains(part));
        if is_found() || end.has_failed() || !rounds.watch.can_prove() {
            return Verdict::Over;
        }
        match rounds.are_any_left() {
            true => Verdict::Again,
            false => Verdict::Failed(missing(part, rounds.done, &rounds.watch)),
        }
    }
}

enum Verdict {
    Again,
    Over,
    Failed(String),
}

fn found(failures: &[String]) -> String {
    let violations = match failures.len() {
        1 => "1 violation".to_owned(),
        n => format!("{n} violations"),
    };
    format!(
        "{violations} in this test, found by tsvd\n\n{}",
        failures.join("\n")
    )
}
