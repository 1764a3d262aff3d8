//! Where runs leave their reports.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use tsvd::report::printable;

use crate::{Exit, Stop};

/// The variable that moves everything a run leaves behind.
const VARIABLE: &str = "TSVD_DIR";

/// The folder of reports: in the folder `asked` for, in that of `TSVD_DIR`, or below cargo's target folder.
pub(crate) fn reports(asked: Option<&Path>) -> Result<PathBuf, Stop> {
    // An empty variable is an unset one, as in the programs that write reports.
    let variable = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    let folder = match (asked, variable) {
        (Some(asked), _) => asked.to_path_buf(),
        (None, Some(folder)) => PathBuf::from(folder),
        (None, None) => target()?.join("tsvd"),
    };
    Ok(folder.join("reports"))
}

fn target() -> Result<PathBuf, Stop> {
    match MetadataCommand::new().no_deps().exec() {
        Ok(metadata) => Ok(metadata.target_directory.into_std_path_buf()),
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
