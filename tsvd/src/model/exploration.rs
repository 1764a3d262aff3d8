//! What came of a model.

use std::fmt;
use std::time::Duration;

/// How much of a model was explored; returned by [`tsvd::model`](crate::model()).
#[derive(Clone, Debug)]
pub struct Exploration {
    name: String,
    executions: usize,
    elapsed: Duration,
    verdict: Verdict,
}

/// What an exploration without a failure proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every execution was run.
    Exhausted,
    /// Executions were left out.
    Bounded {
        /// Which bound did it.
        by: Bound,
    },
    /// The time was up before all executions were run.
    TimedOut {
        /// The time that was given.
        after: Duration,
    },
    /// There was one execution only: nothing ran concurrently, nothing is proved.
    Vacuous,
    /// Built without `--cfg loom`: the body ran once on std's types.
    Unchecked,
}

/// What kept executions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most this many preemptions in an execution. Whether there were executions with more is not known.
    Preemptions(usize),
    /// At most this many executions.
    Executions(usize),
}

impl Exploration {
    pub(crate) fn new(
        name: String,
        executions: usize,
        elapsed: Duration,
        verdict: Verdict,
    ) -> Self {
        Self {
            name,
            executions,
            elapsed,
            verdict,
        }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many times the body was run to its end.
    pub fn executions(&self) -> usize {
        self.executions
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// What was proved.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl fmt::Display for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            executions,
            elapsed,
            verdict,
        } = self;
        let plural = if *executions == 1 { "" } else { "s" };
        write!(
            f,
            "{name}: {verdict}, {executions} execution{plural} in {:.3} s",
            elapsed.as_secs_f64()
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted => f.write_str("exhausted"),
            Self::Bounded { by } => write!(f, "bounded by {by}"),
            Self::TimedOut { after } => write!(f, "timed out after {} s", after.as_secs_f64()),
            Self::Vacuous => f.write_str("vacuous, a single execution"),
            Self::Unchecked => f.write_str("not checked (no --cfg loom)"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preemptions(limit) => write!(f, "{limit} preemptions"),
            Self::Executions(limit) => write!(f, "{limit} executions"),
        }
    }
}
