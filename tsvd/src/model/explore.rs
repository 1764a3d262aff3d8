//! Runs loom, and says what it did.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Once};

use ::loom::model::Builder;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::watch::{Limits, Stop, Watch};
use super::{Bound, Exploration, Model, Rung, Verdict, goals, quarantine, record};
use crate::backend::{Needs, Session, begin_execution, is_loom_muted, missed, steps};

type Body = Arc<dyn Fn() + Send + Sync>;

pub(super) fn explore(model: &Model, name: String, body: Body) -> Exploration {
    listen();
    let mut builder = builder(model);
    let limits = Limits::take(&mut builder);
    let _log = log();
    let goals = goals::Declared::by(&name, &model.goals);
    let last = builder.preemption_bound;
    let lower = model.ladder.iter().copied();
    let lower = lower.filter(|rung| last.is_none_or(|last| *rung < last));
    let mut exploration = Exploration::new(name, model.property.clone());
    let mut verdict = Verdict::Vacuous;
    for bound in lower.map(Some).chain([last]) {
        builder.preemption_bound = bound;
        let (rung, outcome) = climb(model, exploration.name(), &mut builder, limits, &body);
        exploration.climb(rung);
        verdict = match outcome {
            Ok(()) if rung.executions <= 1 => Verdict::Vacuous,
            Ok(()) => bound.map_or(Verdict::Exhausted, |limit| Verdict::Bounded {
                by: Bound::Preemptions(limit),
            }),
            Err(payload) => match payload.downcast::<Stop>() {
                Ok(stop) => stop.0,
                Err(failure) => fail(&exploration, failure),
            },
        };
        let is_whole_rung = matches!(
            verdict,
            Verdict::Bounded {
                by: Bound::Preemptions(_)
            }
        );
        if !is_whole_rung {
            break;
        }
        if bound != last {
            eprintln!("tsvd: {}, {rung}", exploration.name());
        }
    }
    // What was cut short may have been reached later.
    if model.objection(verdict).is_none()
        && let Some(goal) = goals.unreached()
    {
        verdict = Verdict::Unreached { goal };
    }
    exploration.judge(verdict);
    record::explored(&exploration, model.objection(verdict).is_none());
    exploration
}

type Outcome = Result<(), Box<dyn Any + Send>>;

/// Ends an exploration that left something out.
struct Again(Needs);

/// Explores with one bound on preemptions.
fn climb(
    model: &Model,
    name: &str,
    builder: &mut Builder,
    limits: Limits,
    body: &Body,
) -> (Rung, Outcome) {
    // Few models have annotated calls or ghosts in a later execution only; all others are spared a point, or start with one. So it is with regions.
    let mut needs = Needs::NONE;
    loop {
        let (rung, outcome) = climb_with(needs, model, name, builder, limits, body);
        match outcome.map_err(|payload| payload.downcast::<Again>()) {
            Err(Ok(again)) => needs = needs.and(again.0),
            Err(Err(failure)) => return (rung, Err(failure)),
            Ok(()) => return (rung, Ok(())),
        }
    }
}

fn climb_with(
    needs: Needs,
    model: &Model,
    name: &str,
    builder: &mut Builder,
    limits: Limits,
    body: &Body,
) -> (Rung, Outcome) {
    let watch = Arc::new(Watch::start(model, name, builder, limits));
    let outcome = {
        // Dropped in reverse: what the session frees is still kept, then all of it is released.
        let _keeping = quarantine::Keeping::start();
        let _session = Session::start(needs);
        // The body's captures are dropped after the session, when contract calls are no longer checked.
        let (watch, body) = (Arc::clone(&watch), Arc::clone(body));
        let execution = move || {
            if let Some(needs) = missed() {
                resume_unwind(Box::new(Again(needs)));
            }
            watch.begin_execution();
            quarantine::begin_execution();
            begin_execution();
            body();
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| builder.check(execution)));
        // It may have been the last.
        outcome.and_then(|()| match missed() {
            Some(needs) => Err(Box::new(Again(needs)) as _),
            None => Ok(()),
        })
    };
    // What was left out must not come back from a checkpoint.
    let is_over = outcome
        .as_ref()
        .err()
        .is_none_or(|payload| payload.is::<Again>());
    (watch.end(is_over), outcome)
}

fn fail(exploration: &Exploration, failure: Box<dyn Any + Send>) -> ! {
    eprintln!(
        "tsvd: model `{}` failed in execution {}, after {:.3} s; the panic above says why.",
        exploration.name(),
        exploration.executions(),
        exploration.elapsed().as_secs_f64()
    );
    show_steps();
    record::failed(exploration, &*failure);
    resume_unwind(failure)
}

/// The model's settings over the environment's, which loom reads.
fn builder(model: &Model) -> Builder {
    let mut builder = Builder::new();
    assert!(
        builder.checkpoint_file.is_none(),
        "tsvd: LOOM_CHECKPOINT_FILE names one file for all models, each of which would go on where another one was. Set {} \
         to a folder instead",
        super::checkpoint::VARIABLE
    );
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
            // Loom's coroutines are ended by a panic, too, of a type of their own.
            let payload = info.payload();
            let is_message = payload.is::<String>() || payload.is::<&str>();
            if is_message && steps::panics_again() {
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
