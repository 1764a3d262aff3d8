//! Running commands in the open: each is printed as one could type it, and says what became of it when it fails.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Stdio};

/// Why a check failed: one line, and below it the evidence if there is any.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

pub(crate) fn fail<T>(reason: impl Into<String>) -> Outcome<T> {
    Err(Failure(reason.into()))
}

/// A command with what it adds to the environment.
#[derive(Clone)]
pub(crate) struct Command {
    words: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    folder: PathBuf,
}

impl Command {
    /// A command given as it is typed, in words without quotes; it runs in `folder`.
    pub(crate) fn new(folder: &Path, line: &str) -> Self {
        Self {
            words: line.split_whitespace().map(OsString::from).collect(),
            environment: Vec::new(),
            folder: folder.to_path_buf(),
        }
    }

    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Sets a variable, in place of what was set for this command before.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(set, _)| set != name);
        self.environment
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs it with the terminal's own output.
    pub(crate) fn run(&self) -> Outcome {
        self.announce();
        let status = self
            .prepare()
            .status()
            .map_err(|error| self.cannot_start(&error))?;
        self.judge(status)
    }

    /// Runs it and returns its standard output.
    pub(crate) fn capture(&self) -> Outcome<String> {
        self.announce();
        let output = self.prepare().stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| self.cannot_start(&error))?;
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Its standard output if it succeeds, without a word: for asking what is installed.
    pub(crate) fn ask(&self) -> Option<String> {
        let output = self.prepare().output().ok()?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(answer)
    }

    /// Runs it, passes its standard output on and shows each line to `see` on the way.
    pub(crate) fn watch(&self, mut see: impl FnMut(&str)) -> Outcome {
        self.announce();
        let child = self.prepare().stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| self.cannot_start(&error))?;
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout);
            let mut line = Vec::new();
            while matches!(stdout.read_until(b'\n', &mut line), Ok(1..)) {
                // A closed pipe behind us is no reason to stop counting.
                let _ = io::stdout().write_all(&line);
                see(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        }
        let status = child.wait().map_err(|error| self.cannot_start(&error))?;
        self.judge(status)
    }

    fn prepare(&self) -> process::Command {
        let mut command = process::Command::new(&self.words[0]);
        command.args(&self.words[1..]).current_dir(&self.folder);
        // What `cargo run` told xtask about xtask is not for the commands below: they run as if typed.
        let own = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if own.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name.as_ref());
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn announce(&self) {
        let _ = io::stdout().flush();
        eprintln!("$ {self}");
    }

    fn judge(&self, status: ExitStatus) -> Outcome {
        if status.success() {
            return Ok(());
        }
        fail(format!("{status} from `{self}`"))
    }

    fn cannot_start(&self, error: &io::Error) -> Failure {
        Failure(format!("cannot start `{self}`: {error}"))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if std::env::current_dir().ok().as_ref() != Some(&self.folder) {
            write!(f, "cd {} && ", quoted(self.folder.as_os_str()))?;
        }
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        for (position, word) in self.words.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{}", quoted(word))?;
        }
        Ok(())
    }
}

/// A word as a shell takes it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> PathBuf {
        std::env::current_dir().unwrap()
    }

    #[test]
    fn what_is_printed_can_be_pasted() {
        let command = Command::new(Path::new("/some where"), "cargo test")
            .env("RUSTFLAGS", "")
            .env("RUSTFLAGS", "--cfg loom")
            .arg("it's")
            .arg("");
        assert_eq!(
            command.to_string(),
            r"cd '/some where' && RUSTFLAGS='--cfg loom' cargo test 'it'\''s' ''"
        );
        assert_eq!(
            Command::new(&here(), "cargo  test").to_string(),
            "cargo test"
        );
    }

    #[test]
    fn a_failure_names_the_command_and_its_status() {
        let command = Command::new(&here(), "cargo no-such-subcommand");
        let Failure(reason) = command.run().unwrap_err();
        let expected = "exit status: 101 from `cargo no-such-subcommand`";
        assert_eq!(reason, expected);
        assert_eq!(command.ask(), None);
        let Failure(reason) = Command::new(&here(), "no-such-program").run().unwrap_err();
        assert!(
            reason.starts_with("cannot start `no-such-program`: "),
            "{reason}"
        );
    }

    #[test]
    fn watching_sees_every_line_and_the_status() {
        let mut lines = Vec::new();
        let see = |line: &str| lines.push(line.to_owned());
        Command::new(&here(), "cargo --version").watch(see).unwrap();
        assert!(
            lines.len() == 1 && lines[0].starts_with("cargo 1."),
            "{lines:?}"
        );
        Command::new(&here(), "cargo no-such-subcommand")
            .watch(|_| ())
            .unwrap_err();
    }
}
