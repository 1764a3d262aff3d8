//! What the processes of one run have slept: a line for each that has ended.
//!
//! Lines are appended in one write each, so nobody locks. A line that is lost or torn makes others sleep a little more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// More is not read: then as many processes have ended that it hardly changes.
const MOST_BYTES: u64 = 1 << 20;

/// How long a process, or several, slept for us, and how long it ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slept {
    pub(crate) slept_ns: u64,
    pub(crate) lived_ns: u64,
}

impl Slept {
    /// All that stands in `file` together; nothing if it cannot be read.
    pub(crate) fn all(file: &Path) -> Self {
        let mut bytes = Vec::new();
        let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(Self::of_line)
                .fold(Self::default(), Self::and),
            Err(_) => Self::default(),
        }
    }

    fn of_line(line: &str) -> Option<Self> {
        let (slept, lived) = line.split_once(' ')?;
        Some(Self {
            slept_ns: slept.parse().ok()?,
            lived_ns: lived.parse().ok()?,
        })
    }

    fn and(self, other: Self) -> Self {
        Self {
            slept_ns: self.slept_ns.saturating_add(other.slept_ns),
            lived_ns: self.lived_ns.saturating_add(other.lived_ns),
        }
    }

    /// Adds one process's line to `file`, and makes it with its folder if there is none.
    ///
    /// # Errors
    ///
    /// Whatever the file system refuses.
    pub(crate) fn add_to(self, file: &Path) -> io::Result<()> {
        let open = || OpenOptions::new().append(true).create(true).open(file);
        let mut file = match (open(), file.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                open()?
            }
            (opened, _) => opened?,
        };
        file.write_all(format!("{} {}\n", self.slept_ns, self.lived_ns).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processes_are_added_up_and_torn_lines_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("budget").join("run.txt");
        assert_eq!(Slept::all(&file), Slept::default());
        let one = |slept_ns, lived_ns| Slept { slept_ns, lived_ns };
        one(1, 20).add_to(&file).unwrap();
        fs::write(&file, fs::read_to_string(&file).unwrap() + "7\nx 3\n\n").unwrap();
        one(300, 4_000).add_to(&file).unwrap();
        one(u64::MAX, 0).add_to(&file).unwrap();
        assert_eq!(Slept::all(&file), one(u64::MAX, 4_020));
    }
}
