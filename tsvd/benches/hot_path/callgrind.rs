//! Instructions a call, counted by callgrind where valgrind is installed: this program with `--count ROW N`, with N and 2 N
//! calls. The difference over N is one call of the loop, and over a plain call's the runtime's own.

use std::path::Path;
use std::process::Command;

use crate::rows::{ON, PLAIN};

const CALLS: u64 = 200_000;

/// Instructions of one pass through the loop of a row.
pub(crate) struct Instructions {
    pub(crate) plain: f64,
    pub(crate) off: f64,
    pub(crate) on: f64,
}

/// `Err` says why there are none.
pub(crate) fn count() -> Result<Instructions, String> {
    let version = Command::new("valgrind").arg("--version").output();
    if !version.is_ok_and(|version| version.status.success()) {
        return Err("valgrind is not installed".to_owned());
    }
    let folder =
        tempfile::tempdir().map_err(|error| format!("no folder for callgrind: {error}"))?;
    let of = |row: &str, switch: &str| -> Result<f64, String> {
        let [once, twice] = [1, 2].map(|times| run(folder.path(), row, switch, times * CALLS));
        Ok((twice? - once?) as f64 / CALLS as f64)
    };
    Ok(Instructions {
        plain: of(PLAIN, "on")?,
        off: of(ON, "off")?,
        on: of(ON, "on")?,
    })
}

fn run(folder: &Path, row: &str, switch: &str, calls: u64) -> Result<u64, String> {
    let file = folder.join("callgrind.out");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["--count", row, &calls.to_string()])
        .env("TSVD", switch)
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
        .ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("callgrind counted nothing ({}): {said}", output.status)
        })
}
