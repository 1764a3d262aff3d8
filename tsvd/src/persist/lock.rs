//! One writer at a time, across processes.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// The right to write, until dropped. The system takes it back when its process dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock that `path` stands for, a file that is made and never removed: removing it would let two processes
    /// lock two files of that name.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] after `patience`, or whatever the file system refuses.
    pub(super) fn take(path: &Path, patience: Duration) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)?;
        let started = Instant::now();
        loop {
            // By the trait's name: from 1.89 on std has methods of the same names.
            match FileExt::try_lock(&file) {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => pause(),
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave it to a child that was forked meanwhile.
        let _ = FileExt::unlock(&self.file);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system cannot wait for a file lock with a limit"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}
