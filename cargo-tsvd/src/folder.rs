//! Where runs leave their reports.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use tsvd::report::printable;

use crate::{Exit, Stop, resolver, say};

/// The variable that moves everything a run leaves behind.
const VARIABLE: &str = "TSVD_DIR";

/// The folder of all that runs leave: the one `asked` for, that of `TSVD_DIR`, or one in cargo's target folder.
pub(crate) fn all(asked: Option<&Path>) -> Result<PathBuf, Stop> {
    // An empty variable is an unset one, as in the programs that write reports.
    let variable = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    match (asked, variable) {
        (Some(asked), _) => Ok(asked.to_path_buf()),
        (None, Some(folder)) => Ok(PathBuf::from(folder)),
        (None, None) => Ok(target()?.join("tsvd")),
    }
}

fn target() -> Result<PathBuf, Stop> {
    match MetadataCommand::new().no_deps().exec() {
        Ok(metadata) => {
            if let Some(note) = resolver::note(metadata.workspace_root.as_std_path()) {
                say(&printable(&note));
            }
            Ok(metadata.target_directory.into_std_path_buf())
        }
        Err(error) => Err(Stop {
            exit: Exit::Usage,
            message: format!(
                "cannot find cargo's target folder: {}\n\
                 Run this in a package, or give the folder: --dir DIR or {VARIABLE}=DIR.",
                printable(error.to_string().trim())
            ),
        }),
    }
}
