//! Trap files on disk: read, joined, replaced, set aside.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::lock::Lock;
use super::merge::{MOST_PAIRS, is_forgotten, merge};
use super::model::{SCHEMA, StoredPair, TrapFile};
use crate::report::{printable, replace};

/// A larger file is not read, and none is written.
const MOST_BYTES: u64 = 16 << 20;

/// How long to wait for the other writers.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a run starts with.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) pairs: Vec<StoredPair>,
    /// To be shown once, if the file was there and could not be used.
    pub(crate) warning: Option<String>,
}

/// Reads what is known by `today`. Every trouble is a warning, and the run starts with nothing learnt.
pub(crate) fn load(path: &Path, today: u32) -> Loaded {
    let read = match read(path) {
        // Maybe another process has set it aside by now and begun a new one; that one must stay.
        Err(Problem::Unusable(_)) => Lock::take(&beside(path, ".lock"), PATIENCE)
            .map_err(Problem::Locked)
            .and_then(|lock| read_or_set_aside(path, &lock)),
        read => read.map(|pairs| (pairs, None)),
    };
    match read {
        Ok((mut pairs, warning)) => {
            pairs.retain(|pair| !is_forgotten(pair, today));
            Loaded { pairs, warning }
        }
        Err(problem) => Loaded {
            pairs: Vec::new(),
            warning: Some(format!(
                "{}; this run starts with nothing learnt",
                problem.of(path)
            )),
        },
    }
}

/// Adds what this process learnt to the file at `path`, and makes it with its folder if there is none. Without news the
/// file is not written and no lock is taken. Returns a warning if what was there had to be set aside.
///
/// # Errors
///
/// If the file system refuses or other writers take too long, with the file in the message. The file is then as it was.
pub(crate) fn merge_into(
    path: &Path,
    learnt: &[StoredPair],
    today: u32,
) -> io::Result<Option<String>> {
    if learnt.is_empty() {
        return Ok(None);
    }
    let explain = |problem: Problem| {
        let kind = problem.kind();
        let text = format!("{}; what this run learnt is not kept", problem.of(path));
        io::Error::new(kind, text)
    };
    // The usual case once everything is learnt, and nobody waits for it.
    if let Ok(known) = read(path)
        && joined(&known, learnt, today).is_none()
    {
        return Ok(None);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| explain(Problem::Unwritable(error)))?;
    }
    let lock = Lock::take(&beside(path, ".lock"), PATIENCE)
        .map_err(|error| explain(Problem::Locked(error)))?;
    let (known, warning) = read_or_set_aside(path, &lock).map_err(explain)?;
    if let Some(pairs) = joined(&known, learnt, today) {
        let text = encode(&pairs).map_err(|error| explain(Problem::Unwritable(error)))?;
        replace(path, text.as_bytes()).map_err(|error| explain(Problem::Unwritable(error)))?;
    }
    Ok(warning)
}

/// `known` and `learnt` together without what is forgotten; `None` if that is `known` still.
fn joined(known: &[StoredPair], learnt: &[StoredPair], today: u32) -> Option<Vec<StoredPair>> {
    let young = |pairs: &[StoredPair]| {
        let young = pairs.iter().filter(|pair| !is_forgotten(pair, today));
        young.cloned().collect::<Vec<_>>()
    };
    let pairs = merge(young(known), young(learnt));
    (pairs != known).then_some(pairs)
}

/// The pairs at `path`, tidy and each once; none if there is no file.
fn read(path: &Path) -> Result<Vec<StoredPair>, Problem> {
    // Opening a pipe would wait for its other end.
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::Unreadable(error)),
        Ok(data) if !data.is_file() => {
            return Err(Problem::Unreadable(io::Error::other("it is not a file")));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)) {
        // Set aside by another process since.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::Unreadable(error)),
        Ok(_) => {}
    }
    parse(&bytes).map_err(Problem::Unusable)
}

/// The pairs in a file of these `bytes`, or why it is none that can be used.
fn parse(bytes: &[u8]) -> Result<Vec<StoredPair>, String> {
    /// The one field every version has.
    #[derive(Deserialize)]
    struct Version {
        schema: Option<serde_json::Value>,
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("is larger than {} MiB", MOST_BYTES >> 20));
    }
    let whole = serde_json::from_slice::<TrapFile>(bytes);
    if let Ok(file) = whole {
        if file.schema == SCHEMA {
            return Ok(merge(file.pairs, []));
        }
        return Err(other_schema(&file.schema));
    }
    match serde_json::from_slice::<Version>(bytes) {
        Err(error) if error.is_eof() => Err(format!("ends in its middle ({error})")),
        Err(error) => Err(format!("is not a trap file ({error})")),
        Ok(Version {
            schema: Some(serde_json::Value::String(schema)),
        }) if schema != SCHEMA => Err(other_schema(&schema)),
        Ok(_) => Err(match whole {
            Err(error) => format!("is not a trap file ({error})"),
            Ok(_) => "is not a trap file".to_owned(),
        }),
    }
}

fn other_schema(schema: &str) -> String {
    if schema.starts_with("tsvd-traps/") {
        format!("has schema {schema:?}, and this version of tsvd reads {SCHEMA:?}")
    } else {
        format!("is not a trap file (its schema is {schema:?})")
    }
}

/// As [`read`], but a file that cannot be used is renamed, and the warning says so. `_lock` is held: what is renamed is what
/// was read, and no other takes the same new name.
fn read_or_set_aside(
    path: &Path,
    _lock: &Lock,
) -> Result<(Vec<StoredPair>, Option<String>), Problem> {
    let reason = match read(path) {
        Err(Problem::Unusable(reason)) => reason,
        read => return Ok((read?, None)),
    };
    match set_aside(path) {
        Ok(aside) => {
            let aside = printable(&aside.to_string_lossy());
            let problem = Problem::Unusable(reason).of(path);
            Ok((
                Vec::new(),
                Some(format!(
                    "{problem}; it is set aside as {aside}, and learning starts anew"
                )),
            ))
        }
        Err(error) => Err(Problem::Stuck(reason, error)),
    }
}

fn set_aside(path: &Path) -> io::Result<PathBuf> {
    /// Whoever has that many should look into it.
    const MOST: u32 = 1000;
    for number in 1..=MOST {
        let aside = beside(path, &format!(".set-aside-{number}"));
        match fs::symlink_metadata(&aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::rename(path, &aside)?;
                return Ok(aside);
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::Error::other(format!(
        "{MOST} files are set aside already"
    )))
}

/// One pair a line, the newest that the limits leave room for.
fn encode(pairs: &[StoredPair]) -> io::Result<String> {
    let mut lines = Vec::with_capacity(pairs.len());
    for pair in pairs {
        lines.push((pair.last_day, serde_json::to_string(pair)?));
    }
    let mut text = format!("{{\"schema\":\"{SCHEMA}\",\"pairs\":[");
    let mut separator = "\n";
    let mut kept = newest(&lines, MOST_BYTES as usize - text.len() - 16);
    kept.sort_unstable();
    for number in kept {
        text.push_str(separator);
        text.push_str(&lines[number].1);
        separator = ",\n";
    }
    text.push_str("\n]}");
    Ok(text)
}

/// The numbers of the youngest lines that fit in `room` bytes and the limit of pairs.
fn newest(lines: &[(u32, String)], mut room: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..lines.len()).collect();
    numbers.sort_by_key(|number| std::cmp::Reverse(lines[*number].0));
    numbers.truncate(MOST_PAIRS);
    let fits = numbers.iter().take_while(|number| {
        // With its comma and line break.
        let length = lines[**number].1.len() + 2;
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    let count = fits.count();
    numbers.truncate(count);
    numbers
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// What is the matter with a trap file.
#[derive(Debug)]
enum Problem {
    /// It is not what it should be.
    Unusable(String),
    /// Not what it should be, and cannot be renamed.
    Stuck(String, io::Error),
    Unreadable(io::Error),
    Unwritable(io::Error),
    /// Its lock cannot be had.
    Locked(io::Error),
}

impl Problem {
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Unusable(_) => io::ErrorKind::InvalidData,
            Self::Stuck(_, error)
            | Self::Unreadable(error)
            | Self::Unwritable(error)
            | Self::Locked(error) => error.kind(),
        }
    }

    /// The sentence to show, without its end.
    fn of(&self, path: &Path) -> String {
        let path = printable(&path.to_string_lossy());
        match self {
            Self::Unusable(reason) => format!("trap file {path} {}", printable(reason)),
            Self::Stuck(reason, error) => format!(
                "trap file {path} {} and cannot be set aside: {error}",
                printable(reason)
            ),
            Self::Unreadable(error) => format!("trap file {path} cannot be read: {error}"),
            Self::Unwritable(error) => format!("trap file {path} cannot be written: {error}"),
            Self::Locked(error) if error.kind() == io::ErrorKind::TimedOut => format!(
                "trap file {path} has been in use by other processes for {} seconds",
                PATIENCE.as_secs()
            ),
            Self::Locked(error) => format!("trap file {path} cannot be locked: {error}"),
        }
    }
}
