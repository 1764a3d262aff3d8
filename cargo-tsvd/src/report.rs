//! `cargo tsvd report`: what the last runs found.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tsvd::report::{
    Heartbeat, LoadedReports, Rendering, Report, load_dir, load_heartbeats, merge, origin,
    printable, read,
};

use crate::cli::{Format, ReportArguments};
use crate::{Exit, Stop, folder, say};

pub(crate) fn run(arguments: &ReportArguments) -> Result<Exit, Stop> {
    let loaded = if arguments.files.is_empty() {
        from_folder(&folder::all(arguments.dir.as_deref())?)?
    } else {
        from_files(&arguments.files)
    };
    for problem in &loaded.problems {
        say(&format!("warning: {problem}"));
    }
    let Some(merged) = merge(loaded.reports.iter().map(|(_, report)| report)) else {
        let files = loaded.problems.len();
        return Err(nothing(&format!(
            "none of {files} file(s) is a report this version can read"
        )));
    };
    let text = match arguments.format {
        Format::Human => human(&merged, &loaded.reports),
        Format::Json => json(&merged)?,
    };
    print(&text)?;
    verdict(&merged)
}

/// The reports of the `folder` of all that runs leave.
fn from_folder(folder: &Path) -> Result<LoadedReports, Stop> {
    let heartbeats = load_heartbeats(&folder.join("heartbeat"));
    let folder = &folder.join("reports");
    let shown = printable(&folder.to_string_lossy());
    let loaded = match load_dir(folder) {
        Ok(loaded) => loaded,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(silent(&heartbeats, &format!("there is no folder {shown}")));
        }
        Err(error) => {
            return Err(Stop {
                exit: Exit::Usage,
                message: printable(&error.to_string()),
            });
        }
    };
    if loaded.reports.is_empty() && loaded.problems.is_empty() {
        return Err(silent(
            &heartbeats,
            &format!("there is no report in {shown}"),
        ));
    }
    Ok(loaded)
}

fn from_files(files: &[PathBuf]) -> LoadedReports {
    let mut loaded = LoadedReports::default();
    for file in files {
        match read(file) {
            Ok(report) => loaded.reports.push((file.clone(), report)),
            Err(problem) => loaded.problems.push(problem),
        }
    }
    loaded
}

/// No verdict: no program has left a report, but perhaps a sign of life.
fn silent(heartbeats: &[Heartbeat], otherwise: &str) -> Stop {
    let programs = match heartbeats.len() {
        0 => return nothing(otherwise),
        1 => "1 program has run with detection and".to_owned(),
        n => format!("{n} programs have run with detection and"),
    };
    // `None` where one of them does not know.
    let annotated: Option<u64> = heartbeats.iter().map(|program| program.annotated).sum();
    let message = match annotated {
        Some(0) => format!(
            "nothing was instrumented: {programs} none of their code is annotated.\n\
             Put #[tsvd::contract] on a type, or #[tsvd::read] or #[tsvd::write] on a function, that they use."
        ),
        annotated => {
            let of = annotated.map_or_else(String::new, |n| format!(" of {n}"));
            format!(
                "no operation ran: {programs} called no annotated operation{of}.\n\
                 Run tests that use what is annotated."
            )
        }
    };
    Stop {
        exit: Exit::NothingInstrumented,
        message,
    }
}

/// No verdict, for nothing was watched.
fn nothing(reason: &str) -> Stop {
    Stop {
        exit: Exit::NothingInstrumented,
        message: format!(
            "nothing to report: {reason}.\n\
             Annotate a type with #[tsvd::contract], enable the feature `detect` of tsvd under [dev-dependencies], \
             run `cargo test`, and ask again."
        ),
    }
}

fn verdict(merged: &Report) -> Result<Exit, Stop> {
    if merged.failing().next().is_some() {
        return Ok(Exit::Violations);
    }
    if merged.summary.operations == 0 && merged.violations.is_empty() {
        return Err(nothing("no annotated operation ran in any of the reports"));
    }
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

/// The product, to stdout. A reader that has had enough (`| head`) is no error.
fn print(text: &str) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Stop {
            exit: Exit::Internal,
            message: format!("cannot write to stdout: {error}"),
        }),
        _ => Ok(()),
    }
}
