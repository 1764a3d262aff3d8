//! The workspace a command is run in, and what its `tsvd.toml` says of places.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use toml::de::DeTable;
use tsvd::report::printable;

use crate::{Exit, Stop};

/// The settings of a workspace, at its root.
const FILE: &str = "tsvd.toml";

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The one of the current folder; `otherwise` is what to do where there is none.
    pub(crate) fn here(what: &str, otherwise: &str) -> Result<Self, Stop> {
        match MetadataCommand::new().no_deps().exec() {
            Ok(metadata) => Ok(Self {
                root: metadata.workspace_root.into_std_path_buf(),
                target: metadata.target_directory.into_std_path_buf(),
            }),
            Err(error) => Err(wrong(format!(
                "cannot find {what}: {}\nRun this in a package, or {otherwise}.",
                printable(error.to_string().trim())
            ))),
        }
    }

    /// The path that `tsvd.toml` has under `key`, seen from the workspace root. Its other keys are looked at by the programs that follow them.
    pub(crate) fn path(&self, key: &str) -> Result<Option<PathBuf>, Stop> {
        let file = self.root.join(FILE);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let file = file.display();
                return Err(wrong(printable(&format!("cannot read {file}: {error}"))));
            }
        };
        match path_in(&text, key) {
            Ok(path) => Ok(path.map(|path| self.root.join(path))),
            Err((line, problem)) => {
                let file = file.display();
                Err(wrong(printable(&format!("{file}:{line}: {problem}"))))
            }
        }
    }
}

/// The path under `key` in the text of a `tsvd.toml`, or a line with what is wrong there.
fn path_in(text: &str, key: &str) -> Result<Option<String>, (usize, String)> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().trim().replace('\n', ", ");
        (line(at), format!("not TOML: {message}"))
    })?;
    let Some((found, value)) = table.get_ref().get_key_value(key) else {
        return Ok(None);
    };
    let path = value.get_ref().as_str().filter(|path| !path.is_empty());
    match path {
        Some(path) => Ok(Some(path.to_owned())),
        None => Err((line(found.span().start), format!("{key} is a path"))),
    }
}

/// A variable with a path; an empty one is an unset one, as in the programs that write reports.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

fn wrong(message: String) -> Stop {
    Stop {
        exit: Exit::Usage,
        message,
    }
}

/// A path as text, safe to show.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_under_a_key_is_found_or_its_line_told() {
        let path = |text: &str| path_in(text, "dir");
        assert_eq!(path(""), Ok(None));
        assert_eq!(path("seed = 1\n[dirs]\ndir = 5"), Ok(None));
        assert_eq!(path("seed = 1\ndir = 'a/b'"), Ok(Some("a/b".to_owned())));
        for wrong in ["\ndir = 5", "\ndir = ''", "\ndir.a = ''"] {
            assert_eq!(path(wrong), Err((2, "dir is a path".to_owned())));
        }
        let (line, problem) = path("seed = 1\ndir = = 2").unwrap_err();
        assert_eq!(line, 2);
        assert!(problem.starts_with("not TOML: "), "{problem}");
    }
}
