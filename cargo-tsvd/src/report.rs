//! `cargo tsvd report`: what the last runs found.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use tsvd::report::{Rendering, Report, origin};

use crate::cli::{Format, ReportArguments};
use crate::{Exit, Stop, print, reports};

pub(crate) fn run(arguments: &ReportArguments) -> Result<Exit, Stop> {
    let (merged, reports) = reports::load(&arguments.reports)?;
    let text = match arguments.format {
        Format::Human => human(&merged, &reports),
        Format::Json => json(&merged)?,
    };
    print(&text)?;
    verdict(&merged)
}

fn verdict(merged: &Report) -> Result<Exit, Stop> {
    if merged.failing().next().is_some() {
        return Ok(Exit::Violations);
    }
    reports::ran(merged)?;
    Ok(Exit::Clean)
}

fn human(merged: &Report, reports: &[(PathBuf, Report)]) -> String {
    let rendering = Rendering::new().sources_here().color(wants_color());
    let mut text = String::new();
    for violation in &merged.violations {
        let run = origin(violation, reports.iter().map(|(_, report)| report));
        // It was merged from these reports, so one of them is its origin; the merged run is a fair stand-in.
        let run = run.unwrap_or(&merged.run);
        let file = reports.iter().find(|(_, report)| report.run == *run);
        let rendering = match file {
            Some((path, _)) => rendering.clone().report(path),
            None => rendering.clone(),
        };
        text.push_str(&rendering.violation(violation, run));
        text.push('\n');
    }
    text.push_str(&rendering.summary(merged));
    text
}

fn json(merged: &Report) -> Result<String, Stop> {
    let json = serde_json::to_string_pretty(merged).map_err(|error| Stop {
        exit: Exit::Internal,
        message: error.to_string(),
    })?;
    Ok(json + "\n")
}

/// Colours for people at a terminal, who have not said otherwise (no-color.org).
fn wants_color() -> bool {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !set("NO_COLOR")
}
