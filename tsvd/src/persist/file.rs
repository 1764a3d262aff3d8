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
const PATIENCE: Duration = Duration::from_secs(10);

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
    let mut kept = newest(&lines, MOST_PAIRS, MOST_BYTES as usize - text.len() - 16);
    kept.sort_unstable();
    for number in kept {
        text.push_str(separator);
        text.push_str(&lines[number].1);
        separator = ",\n";
    }
    text.push_str("\n]}");
    Ok(text)
}

/// The numbers of the youngest lines, `most` at most, that fit in `room` bytes.
fn newest(lines: &[(u32, String)], most: usize, mut room: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..lines.len()).collect();
    numbers.sort_by_key(|number| std::cmp::Reverse(lines[*number].0));
    numbers.truncate(most);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use proptest::prelude::*;

    use super::super::StoredState;
    use super::super::tests::{TODAY, any_pair, pair};
    use super::*;

    /// A folder and the trap file's place in it.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tsvd/traps.json");
        (folder, path)
    }

    fn with_content(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let (folder, path) = place();
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_one_run_learnt_the_next_one_knows() {
        let (_folder, path) = place();
        let first = load(&path, TODAY);
        assert!(first.pairs.is_empty() && first.warning.is_none());
        let learnt = [pair(30, 40), pair(10, 20)];
        assert_eq!(merge_into(&path, &learnt, TODAY).unwrap(), None);
        let second = load(&path, TODAY);
        assert_eq!(second.pairs, [pair(10, 20), pair(30, 40)]);
        assert!(second.warning.is_none());
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), 4, "a pair a line: {lines}");
    }

    #[test]
    fn a_run_without_news_writes_nothing() {
        let (_folder, path) = place();
        assert_eq!(merge_into(&path, &[], TODAY).unwrap(), None);
        assert!(!path.parent().unwrap().exists());

        merge_into(&path, &[pair(10, 20)], TODAY).unwrap();
        // A writer would wait for this, and give up.
        let _lock = Lock::take(&beside(&path, ".lock"), Duration::ZERO).unwrap();
        assert_eq!(merge_into(&path, &[pair(10, 20)], TODAY).unwrap(), None);
    }

    #[test]
    fn a_writer_waits_for_the_lock_and_not_for_ever() {
        let (_folder, path) = place();
        merge_into(&path, &[pair(10, 20)], TODAY).unwrap();
        let before = fs::read(&path).unwrap();
        let lock = Lock::take(&beside(&path, ".lock"), Duration::ZERO).unwrap();
        let refused = merge_into(&path, &[pair(30, 40)], TODAY).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert!(refused.to_string().ends_with(
            "traps.json has been in use by other processes for 10 seconds; what this run learnt is not kept"
        ), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before);

        let (done, is_done) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                done.send(merge_into(&path, &[pair(30, 40)], TODAY))
                    .unwrap()
            });
            let early = is_done.recv_timeout(Duration::from_millis(20));
            assert!(early.is_err(), "it did not wait");
            drop(lock);
        });
        assert_eq!(is_done.recv().unwrap().unwrap(), None);
        assert_eq!(load(&path, TODAY).pairs.len(), 2);
    }

    #[test]
    fn what_is_no_trap_file_is_set_aside_with_one_warning() {
        let mut torn = encode(&[pair(10, 20), pair(30, 40)]).unwrap();
        torn.truncate(torn.len() - 40);
        let huge = vec![b' '; MOST_BYTES as usize + 1];
        let future = br#"{"pairs":{"new":"shape"},"schema":"tsvd-traps/2"}"#;
        for (bytes, reason) in [
            (torn.as_bytes(), "ends in its middle ("),
            (&b""[..], "ends in its middle ("),
            (&huge, "is larger than 16 MiB"),
            (
                future,
                "has schema \"tsvd-traps/2\", and this version of tsvd reads \"tsvd-traps/1\"",
            ),
            (
                br#"{"schema":"tsvd-traps/9","pairs":[]}"#,
                "has schema \"tsvd-traps/9\"",
            ),
            (
                br#"{"schema":"lock/1","pairs":[]}"#,
                "is not a trap file (its schema is \"lock/1\")",
            ),
            (b"{}", "is not a trap file (missing field"),
            (
                br#"{"schema":"tsvd-traps/1","pairs":[{}]}"#,
                "is not a trap file (missing field",
            ),
            (br#"{"schema":7,"pairs":[]}"#, "is not a trap file ("),
            (b"\xff\x00", "is not a trap file ("),
            (&[b'['; 100_000], "is not a trap file ("),
        ] {
            for by_merging in [false, true] {
                let (_folder, path) = with_content(bytes);
                let warning = if by_merging {
                    merge_into(&path, &[pair(10, 20)], TODAY).unwrap()
                } else {
                    let loaded = load(&path, TODAY);
                    assert!(loaded.pairs.is_empty());
                    loaded.warning
                };
                let warning = warning.expect("a warning");
                let aside = beside(&path, ".set-aside-1");
                assert_eq!(fs::read(&aside).unwrap(), bytes);
                assert!(
                    warning.starts_with(&format!("trap file {} {reason}", path.display())),
                    "{warning}"
                );
                assert!(
                    warning.ends_with(&format!(
                        "; it is set aside as {}, and learning starts anew",
                        aside.display()
                    )),
                    "{warning}"
                );
                assert!(!warning.contains('\n'), "{warning}");
                assert_eq!(path.exists(), by_merging);
                assert!(
                    load(&path, TODAY).warning.is_none(),
                    "the next run starts fresh"
                );
            }
        }
    }

    #[test]
    fn what_was_set_aside_stays() {
        let (_folder, path) = with_content(b"one");
        load(&path, TODAY);
        fs::write(&path, b"two").unwrap();
        load(&path, TODAY);
        let expected = [
            "traps.json.lock",
            "traps.json.set-aside-1",
            "traps.json.set-aside-2",
        ];
        assert_eq!(names(&path), expected);
        assert_eq!(fs::read(beside(&path, ".set-aside-1")).unwrap(), b"one");
        assert_eq!(fs::read(beside(&path, ".set-aside-2")).unwrap(), b"two");
    }

    #[test]
    fn a_good_file_that_came_meanwhile_is_not_set_aside() {
        let (_folder, path) = with_content(encode(&[pair(10, 20)]).unwrap().as_bytes());
        let lock = Lock::take(&beside(&path, ".lock"), Duration::ZERO).unwrap();
        // As if a bad one had been read before the lock was had.
        let (pairs, warning) = read_or_set_aside(&path, &lock).unwrap();
        assert_eq!((pairs.len(), warning), (1, None));
    }

    #[test]
    fn what_cannot_be_read_is_left_where_it_is() {
        let (_folder, path) = with_content(b"");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let loaded = load(&path, TODAY);
        let expected = format!(
            "trap file {} cannot be read: it is not a file; this run starts with nothing learnt",
            path.display()
        );
        assert_eq!(loaded.warning, Some(expected));
        let refused = merge_into(&path, &[pair(10, 20)], TODAY).unwrap_err();
        assert!(
            refused
                .to_string()
                .ends_with("it is not a file; what this run learnt is not kept"),
            "{refused}"
        );
        assert!(path.is_dir());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tsvd"), b"a file").unwrap();
        let path = folder.path().join("tsvd/traps.json");
        assert!(load(&path, TODAY).pairs.is_empty());
        let refused = merge_into(&path, &[pair(10, 20)], TODAY).unwrap_err();
        assert!(refused.to_string().contains("traps.json"), "{refused}");
    }

    #[test]
    fn old_accounts_are_forgotten() {
        let (_folder, path) = place();
        let old = pair(10, 20);
        merge_into(&path, std::slice::from_ref(&old), TODAY).unwrap();
        assert_eq!(load(&path, TODAY + 30).pairs.len(), 1);
        assert!(load(&path, TODAY + 31).pairs.is_empty());
        // The clock was wrong when it was written.
        assert_eq!(load(&path, TODAY - 9).pairs.len(), 1);

        let new = StoredPair {
            last_day: TODAY + 31,
            ..pair(30, 40)
        };
        merge_into(&path, std::slice::from_ref(&new), TODAY + 31).unwrap();
        assert_eq!(read(&path).unwrap(), [new]);
    }

    #[test]
    fn a_verdict_that_lapsed_does_not_count_against_what_is_learnt_anew() {
        let (_folder, path) = place();
        let decayed = StoredPair {
            state: StoredState::Decayed,
            probability: 0.0,
            ..pair(10, 20)
        };
        merge_into(&path, &[decayed], TODAY).unwrap();
        let anew = StoredPair {
            last_day: TODAY + 31,
            ..pair(10, 20)
        };
        merge_into(&path, std::slice::from_ref(&anew), TODAY + 31).unwrap();
        assert_eq!(load(&path, TODAY + 31).pairs, [anew]);
    }

    #[test]
    fn the_youngest_are_kept_where_there_is_no_room() {
        let lines = [5, 9, 7, 8].map(|day| (day, "x".repeat(8)));
        assert_eq!(newest(&lines, 9, 1000), [1, 3, 2, 0]);
        assert_eq!(newest(&lines, 3, 1000), [1, 3, 2]);
        assert_eq!(newest(&lines, 9, 20), [1, 3]);
        assert_eq!(newest(&lines, 9, 19), [1]);
    }

    #[test]
    fn a_full_file_can_be_read_again() {
        let long = "long/".repeat(800);
        let many: Vec<_> = (0..3000)
            .map(|line| {
                let mut pair = pair(line, 9999);
                pair.first.file.clone_from(&long);
                pair.second.file.clone_from(&long);
                pair.last_day += u32::from(line == 1234);
                pair
            })
            .collect();
        let text = encode(&many).unwrap();
        assert!(text.len() as u64 <= MOST_BYTES);
        let kept = parse(text.as_bytes()).unwrap();
        assert!((1500..3000).contains(&kept.len()), "{}", kept.len());
        assert!(
            kept.iter().any(|pair| pair.first.line == 1234),
            "the youngest"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_damage_panics_and_none_is_overwritten(
            pairs in prop::collection::vec(any_pair(), 1..4),
            at in any::<prop::sample::Index>(),
            damage in prop::collection::vec(any::<u8>(), 0..4),
            cut in any::<bool>(),
        ) {
            let mut bytes = encode(&merge(pairs, [])).unwrap().into_bytes();
            let at = at.index(bytes.len());
            let end = if cut { bytes.len() } else { (at + damage.len()).min(bytes.len()) };
            bytes.splice(at..end, damage);
            let (_folder, path) = with_content(&bytes);
            let usable = parse(&bytes).is_ok();
            let learnt = pair(7000, 8000);
            let warning = merge_into(&path, std::slice::from_ref(&learnt), TODAY).unwrap();
            prop_assert_eq!(warning.is_none(), usable);
            if !usable {
                prop_assert_eq!(fs::read(beside(&path, ".set-aside-1")).unwrap(), bytes);
            }
            prop_assert!(read(&path).unwrap().contains(&learnt));
        }

        #[test]
        fn what_is_written_is_read_back(pairs in prop::collection::vec(any_pair(), 0..20)) {
            let pairs = merge(pairs, []);
            prop_assert_eq!(parse(encode(&pairs).unwrap().as_bytes()), Ok(pairs));
        }
    }
}
