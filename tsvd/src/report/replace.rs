//! Files that are replaced in one step.
//!
//! A file is written whole into a new one beside its place and renamed over it: rename(2) replaces a file in one step,
//! so that a reader, or the next run after a kill, finds the old file or the new one and never half of one. Nothing
//! is synced: a killed process loses nothing by that, only a machine that loses its power may.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts `bytes` and a line break into the file at `path` in one step, and creates its folder if that is missing.
///
/// # Errors
///
/// Whatever the file system refuses. `path` is then as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let (temporary, mut file) = create_beside(path)?;
    let done = file
        .write_all(bytes)
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// A new file in the folder of `path`. Its name does not end in `.json`, so no reader takes it for a whole one.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    // Tells the threads of this process apart; relaxed, for only the number matters.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{number}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        match File::create_new(&temporary) {
            // Left by a killed process of the same id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((temporary, created?)),
        }
    }
}
