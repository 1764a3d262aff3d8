//! What came of a model.

use std::fmt;
use std::time::Duration;

/// How much of a model was explored; returned by [`tsvd::model`](crate::model()).
#[derive(Clone, Debug)]
pub struct Exploration {
    name: String,
    property: Option<String>,
    rungs: Vec<Rung>,
    verdict: Verdict,
}

/// What was explored with one bound on preemptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// The bound, if there was one.
    pub preemptions: Option<usize>,
    /// How many times the body was run to its end.
    pub executions: usize,
    /// How long it took.
    pub elapsed: Duration,
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
    /// No execution reached this goal: what the model says of it is empty.
    Unreached {
        /// Its name.
        goal: &'static str,
    },
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
    pub(crate) fn new(name: String, property: Option<String>) -> Self {
        Self {
            name,
            property,
            rungs: Vec::new(),
            verdict: Verdict::Unchecked,
        }
    }

    pub(crate) fn climb(&mut self, rung: Rung) {
        self.rungs.push(rung);
    }

    #[cfg(loom)]
    pub(crate) fn judge(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the model says that it shows.
    pub fn property(&self) -> Option<&str> {
        self.property.as_deref()
    }

    /// How many times the body was run to its end, with the last bound on preemptions.
    pub fn executions(&self) -> usize {
        self.rungs.last().map_or(0, |rung| rung.executions)
    }

    /// How long it took, with all bounds.
    pub fn elapsed(&self) -> Duration {
        self.rungs.iter().map(|rung| rung.elapsed).sum()
    }

    /// What was explored with each bound of a ladder, the last of which gave the verdict.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// What was proved.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl fmt::Display for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, verdict, .. } = self;
        let (executions, elapsed) = (self.executions(), self.elapsed());
        let plural = if executions == 1 { "" } else { "s" };
        write!(
            f,
            "{name}: {verdict}, {executions} execution{plural} in {:.3} s",
            elapsed.as_secs_f64()
        )
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.preemptions {
            Some(limit) => write!(f, "{}", Bound::Preemptions(limit))?,
            None => f.write_str("no bound")?,
        }
        write!(
            f,
            ": {} executions in {:.3} s",
            self.executions,
            self.elapsed.as_secs_f64()
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
            Self::Unreached { goal } => write!(f, "vacuous, goal `{goal}` was never reached"),
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
