//! What a process leaves that ran with detection and has nothing to report: without it silence could mean anything.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::replace::replace;

/// The format of a [`Heartbeat`], as it stands in [`Heartbeat::schema`].
const SCHEMA: &str = "tsvd-heartbeat/1";

/// A process that ran with detection and called no operation. Under `heartbeat`, beside the reports, in a file with the name of the
/// program, so that the next run replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Heartbeat {
    /// `tsvd-heartbeat/1`.
    pub schema: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The process id.
    pub pid: u32,
    /// The one test it ran, where its runner says so.
    pub test: Option<String>,
    /// Operations that are annotated in the program, called or not; `None` where the linker does not list them.
    pub annotated: Option<u64>,
}

impl Heartbeat {
    /// Of this process.
    #[cfg(all(feature = "detect", not(loom)))]
    pub(crate) fn of_this_process(test: Option<&str>, annotated: Option<u64>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            command: std::env::args_os()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            pid: std::process::id(),
            test: test.map(str::to_owned),
            annotated,
        }
    }

    /// Writes it to `path` in one step, and creates the folder if that is missing.
    ///
    /// # Errors
    ///
    /// Whatever the file system refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        replace(path, &serde_json::to_vec_pretty(self)?)
    }
}

/// The heartbeats in `dir`; none where it cannot be read. Files that are none are left out.
pub fn load_heartbeats(dir: &Path) -> Vec<Heartbeat> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let heartbeats = files.filter_map(|file| {
        let bytes = fs::read(file.path()).ok()?;
        serde_json::from_slice::<Heartbeat>(&bytes).ok()
    });
    heartbeats
        .filter(|heartbeat| heartbeat.schema == SCHEMA)
        .collect()
}
