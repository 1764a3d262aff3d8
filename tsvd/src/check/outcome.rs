//! What a check has found.

use std::fmt;

use super::{Rounds, Watch};
#[cfg(all(feature = "detect", not(loom)))]
use crate::report::Violation;

/// What [`check`](fn@crate::check) has found in a body. Shown (`{}`), it is the reports of all violations.
#[derive(Debug)]
#[must_use = "nobody has looked at what was found"]
pub struct Outcome {
    watch: Watch,
    rounds: u32,
    texts: Vec<String>,
    is_clean: bool,
}

impl Outcome {
    pub(super) fn of(rounds: Rounds) -> Self {
        rounds.watch.end();
        Self {
            texts: rounds.watch.texts(),
            is_clean: rounds.watch.failures().is_empty(),
            watch: rounds.watch,
            rounds: rounds.done,
        }
    }

    /// The violations, each as its report for people. The same pair of call sites is one violation, however often it was seen.
    pub fn violations(&self) -> &[String] {
        &self.texts
    }

    /// The violations as they stand in the report file.
    #[cfg(all(feature = "detect", not(loom)))]
    pub fn details(&self) -> Vec<Violation> {
        self.watch.violations()
    }

    /// Whether nothing was found, but what a check within the body has expected; also true where nothing
    /// [was watched](Self::was_watched).
    pub fn is_clean(&self) -> bool {
        self.is_clean
    }

    /// Whether operations were watched at all.
    pub fn was_watched(&self) -> bool {
        self.watch.is_watching()
    }

    /// How often the body was run.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Does nothing if it [is clean](Self::is_clean).
    ///
    /// # Panics
    ///
    /// If it is not, with the reports of all violations.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }

    /// Demands a violation whose report has `part` in it. Those that have it were expected: they are marked so in the report
    /// file and do not fail the process.
    ///
    /// Where nothing was watched there is nothing to demand, and with the strategy `observe` no violation is proved: then
    /// this does nothing.
    ///
    /// # Panics
    ///
    /// If there is none, with what was found, and which call sites came near each other.
    #[track_caller]
    pub fn assert_violation(&self, part: &str) {
        if !self.watch.accept(part) && self.watch.can_prove() {
            let missing = missing(part, self.rounds, &self.watch);
            panic!("{missing}\n{self}");
        }
    }
}

/// That an expected violation was not found.
pub(super) fn missing(part: &str, rounds: u32, watch: &Watch) -> String {
    let rounds = match rounds {
        1 => "1 round".to_owned(),
        n => format!("{n} rounds"),
    };
    let mut text =
        format!("tsvd: no violation with {part:?} in its report was found in {rounds}.\n");
    for line in watch.nearest() {
        text.push_str(&format!("  - {line}\n"));
    }
    text
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.was_watched() {
            return f.write_str("tsvd: nothing was watched");
        }
        match self.texts.as_slice() {
            [] => f.write_str("tsvd: no violation"),
            texts => f.write_str(&texts.join("\n")),
        }
    }
}
