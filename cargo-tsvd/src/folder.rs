//! Where runs leave their reports.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use tsvd::report::printable;

use crate::{Exit, Stop};

/// The variable that moves everything a run leaves behind.
const VARIABLE: &str = "TSVD_DIR";

/// The folder of reports: in the folder `asked` for, in that of `TSVD_DIR`, or below cargo's target folder.
pub(crate) fn reports(asked: Option<&Path>) -> Result<PathBuf, Stop> {
    let folder = match (asked, std::env::var_os(VARIABLE)) {
        (Some(asked), _) => asked.to_path_buf(),
        (None, Some(folder)) if folder.is_empty() => {
            return Err(Stop {
                exit: Exit::Usage,
                message: format!(
                    "{VARIABLE} is empty; expected a folder. Unset it or give --dir DIR."
                ),
            });
        }
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
