//! Where things are, and the settings that several checks share.

use std::env::{self, VarError};
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Command, Failure, Outcome, fail};

/// The folders of the workspace.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// cargo's target folder, wherever `CARGO_TARGET_DIR` or a configuration file puts it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Outcome<Self> {
        let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
            return fail("xtask has no folder above it");
        };
        let line = "cargo metadata --no-deps --format-version 1";
        let metadata = Command::new(root, line).capture()?;
        let Some(target) = string_after(&metadata, r#""target_directory":"#) else {
            return fail(format!("`{line}` names no target folder"));
        };
        Ok(Self {
            root: root.to_path_buf(),
            target: target.into(),
        })
    }

    /// A command in the root of the workspace.
    pub(crate) fn command(&self, line: &str) -> Command {
        Command::new(&self.root, line)
    }

    /// A command under `--cfg loom`. It has a target folder of its own, so that it and the others do not undo each
    /// other's builds, and keeps the flags of the user.
    pub(crate) fn loom(&self, line: &str) -> Outcome<Command> {
        Ok(self
            .command(line)
            .env("CARGO_TARGET_DIR", self.target.join("loom"))
            .env("RUSTFLAGS", flags("RUSTFLAGS", "--cfg loom")?)
            .env("RUSTDOCFLAGS", flags("RUSTDOCFLAGS", "--cfg loom")?))
    }

    /// A command in a folder that is a workspace of its own, with the versions that are locked in this one.
    pub(crate) fn apart(&self, folder: &str, line: &str) -> Outcome<Command> {
        let folder = self.root.join(folder);
        let lock = folder.join("Cargo.lock");
        fs::copy(self.root.join("Cargo.lock"), &lock)
            .map_err(|error| Failure(format!("cannot write {}: {error}", lock.display())))?;
        Ok(Command::new(&folder, line))
    }
}

/// What the user has in `variable`, and `more`.
pub(crate) fn flags(variable: &str, more: &str) -> Outcome<String> {
    let encoded = format!("CARGO_ENCODED_{variable}");
    if env::var_os(&encoded).is_some() {
        return fail(format!(
            "{encoded} is set and would hide {variable}, to which `{more}` is added: unset it"
        ));
    }
    match env::var(variable) {
        Ok(flags) => Ok(format!("{flags} {more}").trim_start().to_owned()),
        Err(VarError::NotPresent) => Ok(more.to_owned()),
        Err(VarError::NotUnicode(_)) => fail(format!("{variable} is not UTF-8")),
    }
}

/// The JSON string that follows `key`, with its escapes resolved as far as paths need them.
fn string_after(json: &str, key: &str) -> Option<String> {
    let rest = json.split_once(key)?.1.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_read_from_metadata() {
        let json = r#"{"packages":[],"target_directory":"C:\\my \"target\"","version":1}"#;
        let key = r#""target_directory":"#;
        assert_eq!(
            string_after(json, key).as_deref(),
            Some(r#"C:\my "target""#)
        );
        assert_eq!(string_after("{}", key), None);
    }

    #[test]
    fn flags_are_added() {
        assert_eq!(
            flags("TSVD_NO_SUCH_VARIABLE", "--cfg loom").unwrap(),
            "--cfg loom"
        );
        let path = env::var("PATH").unwrap();
        assert_eq!(
            flags("PATH", "--cfg loom").unwrap(),
            format!("{path} --cfg loom")
        );
    }
}
