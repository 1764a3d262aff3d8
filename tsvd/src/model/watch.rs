//! What goes on around the executions of a model: limits, progress, checkpoints.
//!
//! Loom returns silently when a limit of time or executions is reached, and looks at them only every 20,000 executions.
//! So it is given neither: each execution begins with a look at both, and leaves loom by a payload that no panic hook sees. If
//! loom returns by itself, it has run everything within its bound on preemptions.

use std::io::Write as _;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::loom::model::Builder;

use super::checkpoint::Checkpoint;
use super::{Bound, Model, Rung, Verdict};

/// Ends an exploration from within.
pub(super) struct Stop(pub(super) Verdict);

#[derive(Clone, Copy)]
pub(super) struct Limits {
    permutations: Option<usize>,
    duration: Option<Duration>,
}

impl Limits {
    /// Takes them away from loom.
    pub(super) fn take(builder: &mut Builder) -> Self {
        Self {
            permutations: builder.max_permutations.take(),
            duration: builder.max_duration.take(),
        }
    }

    fn reached(&self, done: usize, elapsed: Duration) -> Option<Verdict> {
        if let Some(limit) = self.permutations
            && done >= limit
        {
            return Some(Verdict::Bounded {
                by: Bound::Executions(limit),
            });
        }
        let after = self.duration?;
        (elapsed >= after).then_some(Verdict::TimedOut { after })
    }
}

/// One run of loom.
pub(super) struct Watch {
    limits: Limits,
    name: String,
    start: Instant,
    preemptions: Option<usize>,
    /// Loom writes its checkpoint before each execution whose number this divides.
    interval: usize,
    /// Executions and time of earlier processes, which a checkpoint knows of.
    before: (usize, Duration),
    state: Mutex<State>,
}

struct State {
    /// Executions begun by this process.
    begun: usize,
    checkpoint: Option<Checkpoint>,
    /// When progress is said next.
    next_word: Duration,
}

/// Nothing is said of short models.
const FIRST_WORD: Duration = Duration::from_secs(5);

impl Watch {
    pub(super) fn start(model: &Model, name: &str, builder: &mut Builder, limits: Limits) -> Self {
        let checkpoint = Checkpoint::of(model, name, builder);
        builder.checkpoint_file = checkpoint.as_ref().map(|file| file.looms().to_owned());
        Self {
            limits,
            name: name.to_owned(),
            start: Instant::now(),
            preemptions: builder.preemption_bound,
            interval: builder.checkpoint_interval.max(1),
            before: checkpoint
                .as_ref()
                .map_or_else(Default::default, Checkpoint::resumed),
            state: Mutex::new(State {
                begun: 0,
                checkpoint,
                next_word: FIRST_WORD,
            }),
        }
    }

    /// Leaves loom when a limit is reached.
    pub(super) fn begin_execution(&self) {
        let elapsed = self.start.elapsed();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = state.begun + 1;
        if let Some(checkpoint) = &mut state.checkpoint
            && begun.is_multiple_of(self.interval)
        {
            checkpoint.save(self.before.0 + begun - 1, self.before.1 + elapsed);
        }
        if let Some(verdict) = self.limits.reached(state.begun, elapsed) {
            drop(state);
            resume_unwind(Box::new(Stop(verdict)));
        }
        state.begun = begun;
        if elapsed >= state.next_word {
            // Twice as rarely each time, up to a minute.
            state.next_word = elapsed + elapsed.min(Duration::from_secs(60));
            self.say(begun, elapsed);
        }
    }

    /// Past the capture of tests, which would keep it until the model is done. Loom's tree of executions grows as it goes, so
    /// there is no estimate.
    fn say(&self, begun: usize, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let _ = writeln!(
            std::io::stderr(),
            "tsvd: {}: {} executions, {:.0}/s, {seconds:.0} s, no estimate",
            self.name,
            self.before.0 + begun,
            begun as f64 / seconds
        );
    }

    /// What was explored. The checkpoint stays if executions are left.
    pub(super) fn end(&self, is_whole: bool) -> Rung {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(checkpoint) = state.checkpoint.take() {
            checkpoint.end(is_whole);
        }
        Rung {
            preemptions: self.preemptions,
            executions: self.before.0 + state.begun,
            elapsed: self.before.1 + self.start.elapsed(),
        }
    }
}
