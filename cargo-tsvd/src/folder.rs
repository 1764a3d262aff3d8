//! Where runs leave their reports.

use std::path::{Path, PathBuf};

use tsvd::report::printable;

use crate::workspace::{Workspace, variable};
use crate::{Stop, resolver, say};

/// The setting that moves everything a run leaves behind: its variable and its key.
const VARIABLE: &str = "TSVD_DIR";
const KEY: &str = "dir";

/// The folder of all that runs leave: the one `asked` for, that of the setting `dir`, or one in cargo's target folder.
pub(crate) fn all(asked: Option<&Path>) -> Result<PathBuf, Stop> {
    if let Some(folder) = asked.map(Path::to_owned).or_else(|| variable(VARIABLE)) {
        return Ok(folder);
    }
    let workspace = Workspace::here(
        "cargo's target folder",
        "give the folder: --dir DIR or TSVD_DIR=DIR",
    )?;
    if let Some(note) = resolver::note(&workspace.root) {
        say(&printable(&note));
    }
    let set = workspace.path(KEY)?;
    Ok(set.unwrap_or_else(|| workspace.target.join("tsvd")))
}
