//! `cargo tsvd clean`: removes what earlier runs left.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use tsvd::report::printable;

use crate::cli::CleanArguments;
use crate::{Exit, Stop, folder, say};

pub(crate) fn run(arguments: &CleanArguments) -> Result<Exit, Stop> {
    let folder = folder::all(arguments.dir.as_deref())?;
    let clean = || -> io::Result<usize> {
        let mut removed = 0;
        for (part, extension) in [
            ("reports", "json"),
            ("heartbeat", "json"),
            ("budget", "txt"),
        ] {
            removed += clean_part(&folder.join(part), extension)?;
        }
        if arguments.all {
            removed += usize::from(remove(&folder.join("traps.json"))?);
        }
        Ok(removed)
    };
    let shown = printable(&folder.to_string_lossy());
    match clean() {
        Ok(removed) => {
            say(&format!("removed {removed} file(s) from {shown}"));
            Ok(Exit::Clean)
        }
        Err(error) => Err(Stop {
            exit: Exit::Usage,
            message: format!("cannot clean {shown}: {}", printable(&error.to_string())),
        }),
    }
}

/// Removes our files only: somebody may have given another folder.
fn clean_part(folder: &Path, extension: &str) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            removed += usize::from(remove(&path)?);
        }
    }
    Ok(removed)
}

/// Whether it was there.
fn remove(file: &Path) -> io::Result<bool> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}
