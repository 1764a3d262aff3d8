//! Every program of `src/bin` and its twin, as a user runs them: status, report on disk, rendered report.

#![cfg(not(loom))]

use std::path::Path;
use std::process::Command;

use tsvd::report::{Kind, Report, Violation, load_dir};

struct Ran {
    status: Option<i32>,
    stderr: String,
    reports: Vec<Report>,
}

fn run(program: &str, arguments: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(program);
    for variable in ["TSVD", "TSVD_ON_VIOLATION", "TSVD_SEED"] {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .env("TSVD_DIR", dir.path())
        .output()
        .expect("the program runs");
    let loaded = load_dir(&dir.path().join("reports")).expect("a report folder");
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    Ran {
        status: output.status.code(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        reports: loaded
            .reports
            .into_iter()
            .map(|(_, report)| report)
            .collect(),
    }
}

/// The one violation of a planted program.
fn planted(program: &str) -> Violation {
    let mut violations = all_planted(program);
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations.remove(0)
}

/// The violations of a planted program.
fn all_planted(program: &str) -> Vec<Violation> {
    let mut ran = run(program, &[]);
    assert_eq!(ran.status, Some(66), "{}", ran.stderr);
    assert_eq!(ran.reports.len(), 1);
    assert!(
        ran.stderr.starts_with("tsvd: thread-safety violation"),
        "{}",
        ran.stderr
    );
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str())
        .expect("a name");
    let source = format!("examples/src/bin/{name}.rs:");
    assert!(
        ran.stderr.contains(&source),
        "quotes {source} in {}",
        ran.stderr
    );
    ran.reports.remove(0).violations
}

/// The twin: nothing reported although its calls came near each other and were delayed.
fn silent(program: &str, arguments: &[&str]) {
    let ran = run(program, arguments);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.reports.len(), 1);
    assert!(ran.reports[0].violations.is_empty());
    assert!(
        ran.reports[0].summary.delays > 0,
        "{:?}",
        ran.reports[0].summary
    );
}

fn operations(violation: &Violation) -> [&str; 2] {
    let mut names = [&violation.first, &violation.second].map(|party| party.operation.as_str());
    names.sort_unstable();
    names
}

#[test]
fn dictionary() {
    let violation = planted(env!("CARGO_BIN_EXE_dictionary"));
    assert_eq!(violation.kind, Kind::ReadWrite);
    assert_eq!(operations(&violation), ["add", "contains"]);
    let r#type = violation.object.r#type.as_deref();
    assert_eq!(r#type, Some("tsvd_examples::dictionary::Dictionary"));
}

#[test]
fn dictionary_fixed() {
    silent(env!("CARGO_BIN_EXE_dictionary_fixed"), &[]);
}

#[test]
fn codec() {
    let violation = planted(env!("CARGO_BIN_EXE_codec"));
    assert_eq!(violation.kind, Kind::WriteWrite);
    assert_eq!(operations(&violation), ["encode", "encode"]);
    assert_eq!(violation.object.name.as_deref(), Some("codec library"));
}

#[test]
fn codec_fixed() {
    silent(env!("CARGO_BIN_EXE_codec_fixed"), &[]);
}

/// The contract says it in any case; whether the second producer also meets the first one in a slot is chance.
#[test]
fn ring() {
    let violations = all_planted(env!("CARGO_BIN_EXE_ring"));
    let (of_the_contract, of_slots): (Vec<_>, Vec<_>) = violations
        .iter()
        .partition(|violation| violation.first.contract == "tsvd_examples::ring::Ring");
    assert_eq!(of_the_contract.len(), 1, "{violations:?}");
    assert_eq!(of_the_contract[0].kind, Kind::WriteWrite);
    assert_eq!(operations(of_the_contract[0]), ["push", "push"]);
    let role = of_the_contract[0].first.role.as_deref();
    assert_eq!(role, Some("producer"));
    assert!(
        of_slots
            .iter()
            .all(|violation| violation.first.contract == "tsvd::cell::UnsafeCell"),
        "{of_slots:?}"
    );
}

#[test]
fn ring_fixed() {
    silent(env!("CARGO_BIN_EXE_ring_fixed"), &[]);
}

#[test]
fn bank() {
    let violations = all_planted(env!("CARGO_BIN_EXE_bank"));
    // Of the auditor's read and either of the two writes; maybe of both.
    for violation in &violations {
        assert_eq!(violation.kind, Kind::ReadWrite);
        assert_eq!(operations(violation), ["with", "with_mut"]);
        let r#type = violation.object.r#type.as_deref();
        assert_eq!(r#type, Some("tsvd::cell::UnsafeCell<i64>"));
    }
}

#[test]
fn bank_fixed() {
    silent(env!("CARGO_BIN_EXE_bank_fixed"), &[]);
}

/// What the loom models prove right is silent on real threads.
#[test]
fn systems() {
    for name in [
        "spinlock",
        "spinlock-looking-first",
        "ticket",
        "blocking",
        "peterson-fenced",
        "peterson-swapped",
        "peterson-sequentially-consistent",
        "bakery",
        "invariant",
        "ghost-bank",
        "ring",
    ] {
        println!("{name}");
        silent(env!("CARGO_BIN_EXE_systems"), &[name]);
    }
}
