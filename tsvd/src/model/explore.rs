//! Runs loom, and says what it did.
//!
//! Loom returns silently when a limit of time or executions is reached, and looks at them only every 20,000 executions.
//! So it is given neither: each execution begins with a look at both, and leaves loom by a payload that no panic hook sees. If
//! loom returns by itself, it has run everything within its bound on preemptions.

use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use ::loom::model::Builder;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::quarantine;
use super::{Bound, Exploration, Model, Verdict};
use crate::backend::{Session, begin_execution, is_loom_muted, steps};

/// Ends an exploration from within.
struct Stop(Verdict);

struct Limits {
    permutations: Option<usize>,
    duration: Option<Duration>,
}

impl Limits {
    /// Takes them away from loom.
    fn take(builder: &mut Builder) -> Self {
        Self {
            permutations: builder.max_permutations.take(),
            duration: builder.max_duration.take(),
        }
    }

    fn reached(&self, done: usize, start: Instant) -> Option<Verdict> {
        if let Some(limit) = self.permutations
            && done >= limit
        {
            return Some(Verdict::Bounded {
                by: Bound::Executions(limit),
            });
        }
        let after = self.duration?;
        (start.elapsed() >= after).then_some(Verdict::TimedOut { after })
    }
}

pub(super) fn explore(
    model: &Model,
    name: String,
    body: impl Fn() + Send + Sync + 'static,
) -> Exploration {
    listen();
    let mut builder = builder(model);
    let limits = Limits::take(&mut builder);
    let preemptions = builder.preemption_bound;
    let begun = Arc::new(AtomicUsize::new(0));
    // Its captures are dropped after the session, when contract calls are no longer checked.
    let body = Arc::new(body);
    let _log = log();
    let start = Instant::now();
    let outcome = {
        // Dropped in reverse: what the session frees is still kept, then all of it is released.
        let _keeping = quarantine::Keeping::start();
        let _session = Session::start();
        let (begun, body) = (Arc::clone(&begun), Arc::clone(&body));
        let execution = move || {
            if let Some(verdict) = limits.reached(begun.load(Relaxed), start) {
                resume_unwind(Box::new(Stop(verdict)));
            }
            begun.fetch_add(1, Relaxed);
            quarantine::begin_execution();
            begin_execution();
            body();
        };
        catch_unwind(AssertUnwindSafe(|| builder.check(execution)))
    };
    let (executions, elapsed) = (begun.load(Relaxed), start.elapsed());
    let verdict = match outcome {
        Ok(()) if executions <= 1 => Verdict::Vacuous,
        Ok(()) => match preemptions {
            Some(limit) => Verdict::Bounded {
                by: Bound::Preemptions(limit),
            },
            None => Verdict::Exhausted,
        },
        Err(payload) => match payload.downcast::<Stop>() {
            Ok(stop) => stop.0,
            Err(failure) => {
                eprintln!(
                    "tsvd: model `{name}` failed in execution {executions}, after {:.3} s; the panic above says why.",
                    elapsed.as_secs_f64()
                );
                show_steps();
                resume_unwind(failure)
            }
        },
    };
    Exploration::new(name, executions, elapsed, verdict)
}

/// The model's settings over the environment's, which loom reads.
fn builder(model: &Model) -> Builder {
    let mut builder = Builder::new();
    if let Some(branches) = model.max_branches {
        builder.max_branches = branches;
    }
    if let Some(interval) = model.checkpoint_interval {
        builder.checkpoint_interval = interval;
    }
    builder.preemption_bound = model.preemption_bound.or(builder.preemption_bound);
    builder.max_duration = model.max_duration.or(builder.max_duration);
    builder.max_permutations = model.max_permutations.or(builder.max_permutations);
    builder
}

/// Loom's log, on this thread, where `LOOM_LOG` asks for it.
fn log() -> Option<impl Sized> {
    std::env::var_os("LOOM_LOG")?;
    let filter = EnvFilter::from_env("LOOM_LOG");
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .without_time();
    Some(log.finish().set_default())
}

/// Listens to panics.
///
/// It keeps loom's own words about a cell of ours off the screen: the contract room catches that panic and tells it anew. And
/// it shows the steps if a panic meets another, for then the process aborts, and nobody else can.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if is_loom_muted() {
                return;
            }
            hook(info);
            if steps::panics_again() {
                show_steps();
            }
        }));
    });
}

fn show_steps() {
    let table = steps::table();
    if !table.is_empty() {
        eprintln!("tsvd: the steps of this execution:\n{table}");
    }
}
