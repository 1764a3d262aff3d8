//! `cargo tsvd baseline`: which suspicions are accepted.

use std::path::PathBuf;

use tsvd::report::{Accepted, Baseline, Report, printable};

use crate::cli::{BaselineArguments, BaselineCommand};
use crate::workspace::{Workspace, shown, variable};
use crate::{Exit, Stop, print, reports, say};

/// The setting that names the file: its variable and its key.
const VARIABLE: &str = "TSVD_BASELINE";
const KEY: &str = "baseline";

pub(crate) fn run(command: &BaselineCommand) -> Result<Exit, Stop> {
    match command {
        BaselineCommand::Write { prune, arguments } => write(arguments, *prune),
        BaselineCommand::Check { arguments } => check(arguments),
    }
}

/// Accepts the suspicions of the reports.
fn write(arguments: &BaselineArguments, prune: bool) -> Result<Exit, Stop> {
    let file = File::of(arguments)?;
    let known = file.read()?;
    let merged = match reports::merged(&arguments.reports) {
        // No run leaves a report as long as a file that is named is missing.
        Err(stop) if stop.exit == Exit::NothingInstrumented => {
            if known.is_some() || !file.is_named {
                return Err(stop);
            }
            None
        }
        merged => Some(merged?),
    };
    let is_there = known.is_some();
    let known = known.unwrap_or_default();
    let mut baseline = known.clone();
    let mut new = 0;
    for suspicion in merged.iter().flat_map(|report| &report.suspicions) {
        if baseline.accept(suspicion) {
            new += 1;
            say(&format!("accepted: {}", Accepted::of(suspicion)));
        }
    }
    let mut dropped = 0;
    if let Some(report) = merged.as_ref().filter(|_| prune) {
        for entry in unseen(&known, report) {
            dropped += 1;
            say(&format!("dropped: {entry}"));
        }
        baseline.retain(|entry| is_seen(entry, report));
    }
    if baseline != known || !is_there {
        baseline.write(&file.path).map_err(|error| Stop {
            exit: Exit::Usage,
            message: printable(&error.to_string()),
        })?;
    }
    let all = count(baseline.accepted().len(), "suspicion");
    say(&format!(
        "{} accepts {all}: {new} new, {dropped} dropped",
        shown(&file.path)
    ));
    if let Some(report) = &merged {
        tell_of_violations(report);
    }
    Ok(Exit::Clean)
}

/// Lists the suspicions that are not accepted.
fn check(arguments: &BaselineArguments) -> Result<Exit, Stop> {
    let file = File::of(arguments)?;
    let baseline = match file.read()? {
        Some(baseline) => baseline,
        None if file.is_named => {
            return Err(Stop {
                exit: Exit::Usage,
                message: format!(
                    "there is no {}: `cargo tsvd baseline write` makes it",
                    shown(&file.path)
                ),
            });
        }
        None => Baseline::default(),
    };
    let report = reports::merged(&arguments.reports)?;
    let suspicions = report.suspicions.iter();
    let denied: Vec<_> = suspicions
        .filter(|suspicion| !baseline.accepts(&suspicion.id))
        .map(|suspicion| format!("{}\n", Accepted::of(suspicion)))
        .collect();
    print(&denied.concat())?;
    for entry in unseen(&baseline, &report) {
        say(&format!("accepted, but not seen: {entry}"));
    }
    tell_of_violations(&report);
    let path = shown(&file.path);
    if !denied.is_empty() {
        let denied = count(denied.len(), "suspicion");
        say(&format!(
            "{denied} not in {path}: correct the program, or accept with `cargo tsvd baseline write`"
        ));
        return Ok(Exit::Violations);
    }
    reports::ran(&report)?;
    let seen = count(report.suspicions.len(), "suspicion");
    say(&format!(
        "{seen} in the reports, none that is not in {path}"
    ));
    Ok(Exit::Clean)
}

/// A baseline's place.
struct File {
    path: PathBuf,
    /// Whether somebody chose it: then a run wants it to be there.
    is_named: bool,
}

impl File {
    fn of(arguments: &BaselineArguments) -> Result<Self, Stop> {
        let named = |path| Self {
            path,
            is_named: true,
        };
        if let Some(path) = &arguments.baseline {
            return Ok(named(path.clone()));
        }
        let variable = variable(VARIABLE);
        if let Some(path) = variable.as_ref().filter(|path| path.is_absolute()) {
            return Ok(named(path.clone()));
        }
        let workspace = Workspace::here(
            "the workspace of the baseline",
            "give the file: --baseline BASELINE",
        )?;
        let set = match variable {
            Some(path) => Some(workspace.root.join(path)),
            None => workspace.path(KEY)?,
        };
        Ok(set.map_or_else(
            || Self {
                path: workspace.root.join(Baseline::FILE),
                is_named: false,
            },
            named,
        ))
    }

    /// `None` if it is not there.
    fn read(&self) -> Result<Option<Baseline>, Stop> {
        match Baseline::read(&self.path) {
            Ok(baseline) => Ok(Some(baseline)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(Stop {
                exit: Exit::Usage,
                message: error.to_string(),
            }),
        }
    }
}

fn is_seen(entry: &Accepted, report: &Report) -> bool {
    report.suspicions.iter().any(|seen| seen.id == entry.id)
}

fn unseen<'a>(
    baseline: &'a Baseline,
    report: &'a Report,
) -> impl Iterator<Item = &'a Accepted> + 'a {
    let accepted = baseline.accepted();
    accepted.filter(|entry| !is_seen(entry, report))
}

/// So that nobody takes an accepted suspicion for the end of it.
fn tell_of_violations(report: &Report) {
    let violations = report.violations.len();
    if violations > 0 {
        say(&format!(
            "left out: {}, which no baseline accepts; see `cargo tsvd report`",
            count(violations, "violation")
        ));
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
