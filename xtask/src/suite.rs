//! The suite of two hundred tests in `tsvd/tests/suite`: how it is run, and what came of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Command, Failure, Outcome, fail};
use crate::workspace::Workspace;

const FOLDER: &str = "tsvd/tests/suite";

/// Where nextest puts what its profile `ci` writes, below the folder of the suite whatever the target folder is.
const JUNIT: &str = "target/nextest/ci/junit.xml";

/// Runs cargo on the suite, with the configuration of this repository and a target folder of its own.
pub(crate) fn cargo(workspace: &Workspace, line: &str) -> Outcome<Command> {
    let line = match line.starts_with("cargo nextest run") {
        true => format!("{line} --config-file ../../../.config/nextest.toml"),
        false => line.to_owned(),
    };
    let command = workspace.apart(FOLDER, &line)?;
    Ok(command.env("CARGO_TARGET_DIR", workspace.target.join("suite")))
}

/// An empty folder for what runs leave behind.
pub(crate) fn fresh(workspace: &Workspace, name: &str) -> Outcome<PathBuf> {
    let folder = workspace.target.join("suite").join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            fail(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(folder),
    }
}

/// What nextest's profile `ci` says of its last run.
pub(crate) struct Junit {
    pub(crate) tests: usize,
    pub(crate) failed: BTreeSet<String>,
    /// From the first test's beginning to the last one's end.
    pub(crate) seconds: f64,
}

pub(crate) fn junit(workspace: &Workspace) -> Outcome<Junit> {
    let file = workspace.root.join(FOLDER).join(JUNIT);
    let text = fs::read_to_string(&file);
    let text = text.map_err(|error| cannot_read(&file, &error))?;
    read_junit(&text).ok_or_else(|| Failure(format!("{} is no JUnit report", file.display())))
}

fn read_junit(text: &str) -> Option<Junit> {
    let mut cases = text.split("<testcase ");
    let seconds = attribute(cases.next()?, "time")?.parse().ok()?;
    let mut junit = Junit {
        tests: 0,
        failed: BTreeSet::new(),
        seconds,
    };
    for case in cases {
        junit.tests += 1;
        // What a test has printed is escaped.
        if ["<failure", "<error"]
            .iter()
            .any(|word| case.contains(word))
        {
            junit.failed.insert(attribute(case, "name")?);
        }
    }
    Some(junit)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The violations in the reports of `folder`: for each the tests of its parties, as far as they are known.
pub(crate) fn violations(folder: &Path) -> Outcome<Vec<BTreeSet<String>>> {
    let reports = folder.join("reports");
    let entries = fs::read_dir(&reports).map_err(|error| cannot_read(&reports, &error))?;
    let mut all = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| cannot_read(&reports, &error))?.path();
        let report = json(&file)?;
        let Some(violations) = report["violations"].as_array() else {
            return fail(format!("{} has no violations", file.display()));
        };
        all.extend(violations.iter().map(|violation| {
            ["first", "second"]
                .iter()
                .filter_map(|party| violation[party]["test"].as_str())
                .map(str::to_owned)
                .collect()
        }));
    }
    Ok(all)
}

pub(crate) fn json(file: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(file).map_err(|error| cannot_read(file, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure(format!("{} is not whole: {error}", file.display())))
}

fn cannot_read(file: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("cannot read {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_read_from_junit() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" uuid="a" time="1.5">
    <testsuite name="suite" tests="3">
        <testcase name="a::good" classname="suite" time="0.1">
        </testcase>
        <testcase name="a::bad" classname="suite" time="0.1">
            <failure type="test failure with exit code 66"/>
        </testcase>
        <testcase name="a::talks" classname="suite" time="0.1">
            <system-out>&lt;failure&gt;</system-out>
        </testcase>
    </testsuite>
</testsuites>"#;
        let junit = read_junit(text).unwrap();
        assert_eq!((junit.tests, junit.seconds), (3, 1.5));
        assert_eq!(junit.failed, BTreeSet::from(["a::bad".to_owned()]));
        assert!(read_junit("").is_none());
    }
}
