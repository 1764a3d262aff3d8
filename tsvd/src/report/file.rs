//! Reports on disk.
//!
//! A report is replaced in one step, see `replace`.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::escape::printable;
use super::model::{Report, SCHEMA};
use super::replace::replace;

/// Writes `report` to `path` in one step, and creates its folder if that is missing.
///
/// # Errors
///
/// Whatever the file system refuses, with the path in the message. `path` is then as it was.
pub fn write(path: &Path, report: &Report) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(report)?;
    replace(path, &json).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot write report {}: {error}", path.display()),
        )
    })
}

/// Reads the report at `path`.
///
/// # Errors
///
/// A [`ReadError`] if the file cannot be read, is no whole report, or has another schema version.
pub fn read(path: &Path) -> Result<Report, ReadError> {
    let problem = |problem| ReadError {
        path: path.to_path_buf(),
        problem,
    };
    let bytes = fs::read(path).map_err(|error| problem(Problem::Io(error)))?;
    parse(&bytes).map_err(problem)
}

fn parse(bytes: &[u8]) -> Result<Report, Problem> {
    /// The one field every version has, read first: other versions may differ in all else.
    #[derive(Deserialize)]
    struct Version {
        schema: Option<serde_json::Value>,
    }
    let torn = |error: serde_json::Error| match error.classify() {
        serde_json::error::Category::Eof => Problem::Torn(error),
        _ => Problem::Foreign(error.to_string()),
    };
    let schema = match serde_json::from_slice::<Version>(bytes)
        .map_err(torn)?
        .schema
    {
        Some(serde_json::Value::String(schema)) => schema,
        _ => return Err(Problem::Foreign("it has no schema".to_owned())),
    };
    if schema == SCHEMA {
        return serde_json::from_slice(bytes).map_err(torn);
    }
    if schema.starts_with("tsvd-report/") {
        return Err(Problem::OtherVersion(schema));
    }
    Err(Problem::Foreign(format!("its schema is {schema:?}")))
}

/// Reads every report (`*.json`) in `dir`, in the order of their names. Files that are none are told, not fatal.
///
/// # Errors
///
/// If the folder itself cannot be read; the kind is [`io::ErrorKind::NotFound`] if it is missing.
pub fn load_dir(dir: &Path) -> io::Result<LoadedReports> {
    let explain = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot read folder {}: {error}", dir.display()),
        )
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(explain)? {
        let path = entry.map_err(explain)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
            && !hidden
        {
            paths.push(path);
        }
    }
    paths.sort();
    let mut loaded = LoadedReports::default();
    for path in paths {
        match read(&path) {
            Ok(report) => loaded.reports.push((path, report)),
            Err(problem) => loaded.problems.push(problem),
        }
    }
    Ok(loaded)
}

/// The reports of a folder.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LoadedReports {
    /// The reports with their files.
    pub reports: Vec<(PathBuf, Report)>,
    /// The files that could not be read.
    pub problems: Vec<ReadError>,
}

/// Why a file could not be read as a report.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    Torn(serde_json::Error),
    Foreign(String),
    OtherVersion(String),
}

impl ReadError {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The reasons quote what stands in the file.
        let path = printable(&self.path.to_string_lossy());
        match &self.problem {
            Problem::Io(error) => write!(f, "cannot read report {path}: {error}"),
            Problem::Torn(error) => write!(f, "report {path} ends in its middle: {error}"),
            Problem::Foreign(reason) => {
                write!(f, "{path} is not a report of tsvd: {}", printable(reason))
            }
            Problem::OtherVersion(schema) => write!(
                f,
                "report {path} has schema {schema:?}, this version of tsvd reads {SCHEMA:?}: \
                 use the cargo-tsvd of the version that wrote it"
            ),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::Torn(error) => Some(error),
            Problem::Foreign(_) | Problem::OtherVersion(_) => None,
        }
    }
}
