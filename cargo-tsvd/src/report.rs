//! `cargo tsvd report`: what the last runs found.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tsvd::report::{LoadedReports, Rendering, Report, load_dir, merge, origin, printable, read};

use crate::cli::{Format, ReportArguments};
use crate::{Exit, Stop, folder, say};

pub(crate) fn run(arguments: &ReportArguments) -> Result<Exit, Stop> {
    let loaded = if arguments.files.is_empty() {
        from_folder(&folder::reports(arguments.dir.as_deref())?)?
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

fn from_folder(folder: &Path) -> Result<LoadedReports, Stop> {
    let shown = printable(&folder.to_string_lossy());
    let loaded = match load_dir(folder) {
        Ok(loaded) => loaded,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(nothing(&format!("there is no folder {shown}")));
        }
        Err(error) => {
            return Err(Stop {
                exit: Exit::Usage,
                message: printable(&error.to_string()),
            });
        }
    };
    if loaded.reports.is_empty() && loaded.problems.is_empty() {
        return Err(nothing(&format!("there is no report in {shown}")));
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
