//! The reports a command works on.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tsvd::report::{
    Heartbeat, LoadedReports, Report, load_dir, load_heartbeats, merge, printable, read,
};

use crate::cli::ReportsArguments;
use crate::{Exit, Stop, folder, say};

/// All of them in one, and each with its file. What is none is told.
pub(crate) fn load(arguments: &ReportsArguments) -> Result<(Report, Vec<(PathBuf, Report)>), Stop> {
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
    Ok((merged, loaded.reports))
}

/// All of them in one.
pub(crate) fn merged(arguments: &ReportsArguments) -> Result<Report, Stop> {
    load(arguments).map(|(merged, _)| merged)
}

/// Whether there was anything to judge.
pub(crate) fn ran(merged: &Report) -> Result<(), Stop> {
    if merged.summary.operations == 0 && merged.violations.is_empty() {
        return Err(nothing("no annotated operation ran in any of the reports"));
    }
    Ok(())
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
