//! Checks a small concurrent program in every interleaving: loom, with verdicts that do not lie.
//!
//! [`model()`](crate::model()) is the short form, [`Model`] the one with bounds.

// Shared with `tsvd-loom-tests`, which cannot see what is modelled inside of this crate.
#[cfg(all(loom, test))]
#[path = "../../tests/models/mod.rs"]
#[expect(unreachable_pub, reason = "the other crate exports it")]
pub(crate) mod checked;
#[cfg(loom)]
mod checkpoint;
mod exploration;
#[cfg(loom)]
mod explore;
#[cfg(loom)]
pub(crate) mod goals;
#[cfg(loom)]
mod quarantine;
#[cfg(loom)]
pub(crate) mod record;
#[cfg(loom)]
mod watch;

use std::panic::Location;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(all(loom, test))]
use self::record::rejected as record_rejected;

pub use self::exploration::{Bound, Exploration, Rung, Verdict};
#[cfg(loom)]
pub use self::quarantine::Quarantine;

/// Checks `body` in every interleaving of its threads, under `--cfg loom`.
///
/// The body is run again and again, each time along another *execution*: another order of the steps of its threads, or
/// another of the values that a load may return. It must use [`tsvd::sync`](crate::sync),
/// [`tsvd::thread`](crate::thread) and [`tsvd::cell`](crate::cell), be deterministic but for them, and make all of its
/// state anew each time. Annotated calls in it are checked as well: two calls that conflict must be ordered in every
/// execution, otherwise the model fails and names both. (In a bare `loom::model` they are not checked.)
///
/// Without `--cfg loom` the body is run once, on std's types and threads: the test compiles and runs everywhere, and
/// [`Verdict::Unchecked`] says that it proved nothing.
///
/// ```
/// use tsvd::sync::atomic::{AtomicUsize, Ordering};
/// use tsvd::sync::Arc;
///
/// let exploration = tsvd::model(|| {
///     let count = Arc::new(AtomicUsize::new(0));
///     let other = {
///         let count = Arc::clone(&count);
///         tsvd::thread::spawn(move || count.fetch_add(1, Ordering::Relaxed))
///     };
///     count.fetch_add(1, Ordering::Relaxed);
///     other.join().unwrap();
///     assert_eq!(count.load(Ordering::Relaxed), 2);
/// });
/// println!("{exploration}");
/// ```
///
/// ```sh
/// RUSTFLAGS="--cfg loom" cargo test --release
/// ```
///
/// Models that take longer than some seconds say on stderr how far they are, and `target/tsvd/loom/<target>/<model>.json`
/// has what came of each (`TSVD_DIR` puts it elsewhere).
///
/// # What a green model means
///
/// The verdict is [`Verdict::Exhausted`]: every execution was run, up to reordering of independent steps (loom's partial-order reduction),
/// of *this* body with *this* number of threads, rounds and values. Seen are
/// - all interleavings of the operations on loom's types and of annotated calls;
/// - stale reads of relaxed loads, store buffering, 2+2W: what loads may return by the C11 rules, among the last seven stores
///   to an atomic.
///
/// Not seen are
/// - load buffering (a load that returns a store later in its own thread's future);
/// - some bugs between accesses marked `SeqCst` and weaker ones: each of the former is also a fence, as [`sync::atomic`](crate::sync::atomic) explains;
/// - threads, locks and atomics of std, time, input and output: loom does not know of them, and plain shared
///   state between its threads is not interleaved;
/// - a loop that waits without [`hint::spin_loop`](crate::hint::spin_loop) or [`thread::yield_now`](crate::thread::yield_now), which exceeds loom's number of branches and fails.
///
/// # Panics
///
/// If an execution fails: an assertion of the body, a deadlock, two conflicting accesses or annotated calls that are not
/// ordered, a leaked `Arc`. And if the exploration does not prove what it seems to: it was cut short by one of loom's
/// environment variables (`LOOM_MAX_PREEMPTIONS`, `LOOM_MAX_DURATION`, `LOOM_MAX_PERMUTATIONS`), or there was only one
/// execution, so nothing ran concurrently, or no execution reached one of its [goals](Model::goals). The steps of a failed
/// execution are shown on stderr, a column per thread. A destructor that panics as well, for example of a lock guard in a
/// deadlocked model, aborts the process after the message.
#[track_caller]
pub fn model<F>(body: F) -> Exploration
where
    F: Fn() + Send + Sync + 'static,
{
    Model::new().check(body)
}

/// Marks what some execution of a model has to reach: a goal that the model [declares](Model::goals).
///
/// A property that holds because its case never comes up proves nothing. Outside of a model, and without `--cfg loom`, it does
/// nothing.
///
/// # Panics
///
/// If the model does not declare the goal.
///
/// ```
/// use tsvd::model::Model;
/// use tsvd::sync::Arc;
/// use tsvd::sync::atomic::{AtomicBool, Ordering::{Acquire, Release}};
///
/// let model = Model::new().property("a flag is seen").goals(["set first"]);
/// model.check(|| {
///     let flag = Arc::new(AtomicBool::new(false));
///     let setter = {
///         let flag = Arc::clone(&flag);
///         tsvd::thread::spawn(move || flag.store(true, Release))
///     };
///     if flag.load(Acquire) {
///         tsvd::reachable!("set first");
///     }
///     setter.join().unwrap();
/// });
/// ```
#[macro_export]
macro_rules! reachable {
    ($goal:expr) => {
        $crate::__private::reach($goal)
    };
}

/// A model with bounds of its own. What is not set here is taken from the environment, then from loom's defaults.
///
/// A bound that was set, here or in the environment, makes the test fail when it cuts the exploration short, unless the test accepts it:
///
/// ```no_run
/// use tsvd::model::Model;
///
/// # fn three_threads() {}
/// Model::new().preemption_bound(2).accept_preemption_bound().check(three_threads);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a model is checked by `check`"]
pub struct Model {
    name: Option<String>,
    property: Option<String>,
    goals: Vec<&'static str>,
    ladder: Vec<usize>,
    checkpoint: Option<PathBuf>,
    preemption_bound: Option<usize>,
    max_branches: Option<usize>,
    max_duration: Option<Duration>,
    max_permutations: Option<usize>,
    checkpoint_interval: Option<usize>,
    accepted: Accepted,
}

/// The bounds a test agrees to.
#[derive(Clone, Copy, Debug, Default)]
struct Accepted {
    preemption_bound: bool,
    max_duration: bool,
    max_permutations: bool,
}

impl Model {
    /// A model without bounds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the model in messages; by default it has the name of the test's thread.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the model shows, in a short sentence for tables.
    pub fn property(mut self, property: impl Into<String>) -> Self {
        self.property = Some(property.into());
        self
    }

    /// What some execution must reach, each marked in the body or the code under test by [`reachable!`](crate::reachable!).
    ///
    /// A goal that is reached in no execution fails the model, and so does a mark in it that is not declared here.
    pub fn goals(mut self, goals: impl IntoIterator<Item = &'static str>) -> Self {
        self.goals.extend(goals);
        self
    }

    /// Explores with each of these bounds on preemptions first, for example `[1, 2, 3]`: a failure with few preemptions is found
    /// soon and easy to read, and the time of each rung is told.
    pub fn ladder(mut self, preemptions: impl IntoIterator<Item = usize>) -> Self {
        self.ladder.extend(preemptions);
        self
    }

    /// Keeps a checkpoint in `folder`, a file per model and bound, every [`checkpoint_interval`](Self::checkpoint_interval)
    /// executions (`TSVD_LOOM_CHECKPOINT`; default: none). A later process goes on there, unless the program has changed:
    /// such a checkpoint is refused. It is deleted when the model is exhausted.
    pub fn checkpoint(mut self, folder: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(folder.into());
        self
    }

    /// At most this many times per execution a thread that could go on is interrupted (`LOOM_MAX_PREEMPTIONS`; default:
    /// no limit). Most bugs show at two or three.
    pub fn preemption_bound(mut self, preemptions: usize) -> Self {
        self.preemption_bound = Some(preemptions);
        self
    }

    /// At most this many decisions in one execution, more fail the model (`LOOM_MAX_BRANCHES`; default: 1,000).
    pub fn max_branches(mut self, branches: usize) -> Self {
        self.max_branches = Some(branches);
        self
    }

    /// Stops before the first execution that would start after this time (`LOOM_MAX_DURATION`, in seconds; default: no limit).
    pub fn max_duration(mut self, duration: Duration) -> Self {
        self.max_duration = Some(duration);
        self
    }

    /// Stops after this many executions (`LOOM_MAX_PERMUTATIONS`; default: no limit).
    pub fn max_permutations(mut self, executions: usize) -> Self {
        self.max_permutations = Some(executions);
        self
    }

    /// Loom logs its progress and writes its checkpoint after this many executions each (`LOOM_CHECKPOINT_INTERVAL`; default:
    /// 20,000). The limits above do not wait for it.
    pub fn checkpoint_interval(mut self, executions: usize) -> Self {
        self.checkpoint_interval = Some(executions);
        self
    }

    /// Passes when a bound on preemptions was set, here or in the environment.
    pub fn accept_preemption_bound(mut self) -> Self {
        self.accepted.preemption_bound = true;
        self
    }

    /// Passes when the time was up.
    pub fn accept_max_duration(mut self) -> Self {
        self.accepted.max_duration = true;
        self
    }

    /// Passes when the number of executions was reached before all were run.
    pub fn accept_max_permutations(mut self) -> Self {
        self.accepted.max_permutations = true;
        self
    }

    /// Checks `body` as [`tsvd::model`](crate::model()) does.
    ///
    /// # Panics
    ///
    /// As there, but for the bounds that were accepted.
    #[track_caller]
    pub fn check<F>(self, body: F) -> Exploration
    where
        F: Fn() + Send + Sync + 'static,
    {
        let name = self.name_at(Location::caller());
        let exploration = self.run(name, body);
        if let Some(objection) = self.objection(exploration.verdict()) {
            panic!("tsvd: model `{}`: {objection}", exploration.name());
        }
        exploration
    }

    #[cfg(loom)]
    fn run(&self, name: String, body: impl Fn() + Send + Sync + 'static) -> Exploration {
        explore::explore(self, name, std::sync::Arc::new(body))
    }

    #[cfg(not(loom))]
    fn run(&self, name: String, body: impl Fn() + Send + Sync + 'static) -> Exploration {
        let start = std::time::Instant::now();
        body();
        let mut exploration = Exploration::new(name, self.property.clone());
        exploration.climb(Rung {
            preemptions: None,
            executions: 1,
            elapsed: start.elapsed(),
        });
        exploration
    }

    fn name_at(&self, caller: &Location<'_>) -> String {
        let thread = std::thread::current();
        match (&self.name, thread.name()) {
            (Some(name), _) => name.clone(),
            (None, Some(test)) if test != "main" => test.to_owned(),
            _ => caller.to_string(),
        }
    }

    /// Why the test must not pass with this verdict.
    fn objection(&self, verdict: Verdict) -> Option<String> {
        let accepted = match verdict {
            Verdict::Exhausted | Verdict::Unchecked => true,
            Verdict::Bounded {
                by: Bound::Preemptions(_),
            } => self.accepted.preemption_bound,
            Verdict::Bounded {
                by: Bound::Executions(_),
            } => self.accepted.max_permutations,
            Verdict::TimedOut { .. } => self.accepted.max_duration,
            Verdict::Vacuous | Verdict::Unreached { .. } => false,
        };
        if accepted {
            return None;
        }
        let remedy = match verdict {
            Verdict::Vacuous => {
                "nothing in it runs concurrently on tsvd's or loom's types. Spawn by `tsvd::thread`, and share by \
                 `tsvd::sync` or annotated types"
            }
            Verdict::Unreached { .. } => {
                "the model does not do what it is to show. Give it the threads, rounds and values that get there"
            }
            Verdict::Bounded {
                by: Bound::Preemptions(_),
            } => {
                "executions with more of them were not run. Unset LOOM_MAX_PREEMPTIONS or the model's \
                 `preemption_bound`, or accept it by `accept_preemption_bound`"
            }
            Verdict::TimedOut { .. } => {
                "the executions left were not run. Make the model smaller, raise LOOM_MAX_DURATION or `max_duration`, or \
                 accept it by `accept_max_duration`"
            }
            _ => {
                "the executions left were not run. Raise LOOM_MAX_PERMUTATIONS or `max_permutations`, or accept it by \
                 `accept_max_permutations`"
            }
        };
        Some(format!("{verdict}: {remedy}."))
    }
}
