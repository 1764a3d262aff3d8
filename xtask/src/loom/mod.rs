//! The loom models: runs all of them and their mutants, and ends with a table of what each of them proves.
//!
//! `tsvd` writes a file for each model that was checked and each mutant that was rejected. The table is made of these files, not of the
//! tests that passed: a test that is listed and left no file did not run, and a model that passes without having been
//! exhausted is one that a test accepted by name.

mod records;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Command, Failure, Outcome, fail};
use crate::tally::Tally;
use crate::workspace::Workspace;
use records::Records;

/// With what the names of their models have in common; those of `tsvd` are among unit tests that check none.
const PACKAGES: [(&str, &str); 2] = [("tsvd", "models::"), ("tsvd-loom-tests", "")];

/// `arguments` go to `cargo test`, and select among the models of `tsvd-loom-tests`; `--bench` compares with loom alone.
pub(crate) fn run(workspace: &Workspace, arguments: &[String], tally: &mut Tally) -> Outcome {
    if let Some((first, rest)) = arguments.split_first()
        && first == "--bench"
    {
        return bench(workspace, rest);
    }
    let results = workspace.target.join("tsvd");
    let written = results.join("loom");
    if written.exists() {
        fs::remove_dir_all(&written).map_err(|error| cannot("empty", &written, &error))?;
    }
    let packages = match arguments {
        [] => &PACKAGES[..],
        _ => &PACKAGES[1..],
    };
    let mut listed = BTreeSet::new();
    let mut outcome = Ok(());
    for (package, part) in packages {
        let tests = list(workspace, package, arguments)?;
        listed.extend(tests.into_iter().filter(|(_, test)| test.contains(part)));
        let (before, after) = split(arguments);
        let mut command = workspace.loom(&format!(
            "cargo test -p {package} --profile loom --no-fail-fast"
        ))?;
        for argument in before {
            command = command.arg(argument);
        }
        command = command.arg("--");
        for argument in after {
            command = command.arg(argument);
        }
        // With one, libtest runs tests on its own thread, which has not their name.
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        command = command
            .env("TSVD_DIR", &results)
            .env("RUST_TEST_THREADS", threads.to_string());
        // The table is wanted most when something failed.
        outcome = outcome.and(tally.add(&command, |_| ()));
    }
    let records = Records::read(&written, &listed)?;
    let summary = results.join("loom.json");
    fs::write(&summary, format!("{:#}\n", records.json(&listed)))
        .map_err(|error| cannot("write", &summary, &error))?;
    println!("{}", table::table(&records, &listed));
    println!("the same as JSON: {}", summary.display());
    let complaints = records.complaints(&listed);
    if !complaints.is_empty() {
        tally.failed = tally.failed.max(1);
        return fail(format!(
            "{} of the models and mutants prove nothing\n{}",
            complaints.len(),
            complaints.join("\n")
        ));
    }
    outcome
}

fn bench(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let out = workspace.target.join("tsvd/loom-rate.json");
    let mut command = workspace
        .loom("cargo bench -p tsvd-loom-tests --bench rate --profile loom")?
        .arg("--")
        .arg("--out")
        .arg(out);
    for argument in arguments {
        command = command.arg(argument);
    }
    command.run()
}

/// The arguments for cargo and those for the test programs.
fn split(arguments: &[String]) -> (&[String], &[String]) {
    let at = arguments.iter().position(|argument| argument == "--");
    at.map_or((arguments, &[]), |at| {
        (&arguments[..at], &arguments[at + 1..])
    })
}

/// The tests that `arguments` select, each with its target.
fn list(
    workspace: &Workspace,
    package: &str,
    arguments: &[String],
) -> Outcome<Vec<(String, String)>> {
    let line = format!(
        "cargo test -p {package} --profile loom --no-run --message-format json-render-diagnostics"
    );
    let (before, after) = split(arguments);
    let mut command = workspace.loom(&line)?;
    for argument in before {
        command = command.arg(argument);
    }
    let mut tests = Vec::new();
    for (target, program) in programs(&command.capture()?) {
        let mut command = Command::new(&workspace.root, "")
            .arg(&program)
            .arg("--list");
        for argument in after {
            command = command.arg(argument);
        }
        let Some(answer) = command.ask() else {
            return fail(format!("`{command}` lists no tests"));
        };
        let names = answer
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        tests.extend(names.map(|name| (target.clone(), name.to_owned())));
    }
    Ok(tests)
}

/// The test programs among the messages of a build, each with its target's name as `tsvd` spells it.
fn programs(messages: &str) -> Vec<(String, PathBuf)> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = |message: Value| {
        let path = PathBuf::from(message["executable"].as_str()?);
        let stem = path.file_stem()?.to_str()?;
        let target = stem
            .rsplit_once('-')
            .map_or(stem, |(name, _)| name)
            .to_owned();
        Some((target, path))
    };
    messages
        .filter(|message| message["profile"]["test"] == true)
        .filter_map(program)
        .collect()
}

fn cannot(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_for_cargo_or_for_the_tests() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let arguments = words("--test bank -- mutants");
        let (cargo, tests) = split(&arguments);
        assert_eq!(
            (cargo, tests),
            (&words("--test bank")[..], &words("mutants")[..])
        );
        assert_eq!(split(cargo), (cargo, &[][..]));
    }

    #[test]
    fn only_test_programs_are_asked() {
        let messages = r#"{"reason":"compiler-artifact","profile":{"test":true},"executable":"/t/deps/bank-0123456789abcdef"}
{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/other"}
{"reason":"compiler-artifact","profile":{"test":true},"executable":null}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            programs(messages),
            [(
                "bank".to_owned(),
                PathBuf::from("/t/deps/bank-0123456789abcdef")
            )]
        );
    }
}
