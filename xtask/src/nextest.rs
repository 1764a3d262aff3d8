//! Two hundred tests, five of them with a planted violation, under nextest and under `cargo test`: those five are named, by
//! the runner where a test has a process of its own, and by the reports in either case; the others are green.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::{Failure, Outcome, fail};
use crate::suite::{self, cargo, fresh, junit, violations};
use crate::workspace::Workspace;

const TESTS: usize = 200;

const PLANTED: [&str; 5] = [
    "planted::a_lock_for_each",
    "planted::a_reader_without_the_lock",
    "planted::changed_during_iteration",
    "planted::one_terminal",
    "planted::two_writers",
];

const RUN: &str = "cargo nextest run --profile ci";

/// Kills a test that takes longer, at once.
const LIMIT: &str = r#"[profile.limited]
slow-timeout = { period = "5s", terminate-after = 1, grace-period = "0s" }
"#;

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    if workspace.command("cargo nextest --version").ask().is_none() {
        return fail("cargo-nextest is missing: cargo install cargo-nextest --locked");
    }
    under_nextest(workspace)?;
    in_partitions(workspace)?;
    with_retries(workspace)?;
    under_cargo_test(workspace)?;
    ended_by_a_time_limit(workspace)
}

/// A first run, and one that knows what the first has learnt.
fn under_nextest(workspace: &Workspace) -> Outcome {
    let folder = fresh(workspace, "nextest")?;
    for _ in 0..2 {
        nextest(workspace, &folder, "")?;
        expect(junit(workspace)?.tests == TESTS, "not all tests were run")?;
        named(&junit(workspace)?.failed, "nextest")?;
        named_by_reports(&folder)?;
        let reports = folder.join("reports");
        fs::remove_dir_all(&reports)
            .map_err(|error| Failure(format!("cannot remove {}: {error}", reports.display())))?;
    }
    Ok(())
}

/// The parts of a run on several machines.
fn in_partitions(workspace: &Workspace) -> Outcome {
    let folder = fresh(workspace, "partitions")?;
    let mut failed = BTreeSet::new();
    let mut tests = 0;
    for part in ["--partition hash:1/2", "--partition hash:2/2"] {
        nextest(workspace, &folder, part)?;
        let junit = junit(workspace)?;
        tests += junit.tests;
        failed.extend(junit.failed);
    }
    expect(tests == TESTS, "the parts are not the whole")?;
    named(&failed, "nextest")?;
    named_by_reports(&folder)
}

/// A violation that was found is found again.
fn with_retries(workspace: &Workspace) -> Outcome {
    let folder = fresh(workspace, "retries")?;
    nextest(workspace, &folder, "--retries 2 -E test(planted::)")?;
    named(&junit(workspace)?.failed, "nextest")?;
    let found = violations(&folder)?.len();
    expect(
        found == 3 * PLANTED.len(),
        &format!("{found} violations in three attempts of five tests"),
    )
}

/// Many tests in each process. They pass, and the process fails.
pub(crate) fn under_cargo_test(workspace: &Workspace) -> Outcome {
    let folder = fresh(workspace, "cargo-test")?;
    let command = cargo(workspace, "cargo test --no-fail-fast")?.env("TSVD_DIR", &folder);
    let mut passed = 0;
    let outcome = command.watch(|line| {
        passed += usize::from(line.starts_with("test ") && line.ends_with(" ... ok"));
    });
    expect(outcome.is_err(), "`cargo test` has not failed")?;
    expect(passed == TESTS, &format!("{passed} tests passed"))?;
    named_by_reports(&folder)
}

/// What was found before a test is killed stays.
fn ended_by_a_time_limit(workspace: &Workspace) -> Outcome {
    let folder = fresh(workspace, "limit")?;
    let limits = folder.join("limits.toml");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&limits, LIMIT))
        .map_err(|error| Failure(format!("cannot write {}: {error}", limits.display())))?;
    let line = "cargo nextest run --features hanging --test hanging --profile limited";
    let command = cargo(workspace, line)?
        .env("TSVD_DIR", &folder)
        .arg("--tool-config-file")
        .arg(format!("limits:{}", limits.display()));
    expect(command.run().is_err(), "a test that hangs was not ended")?;
    let name = "violates_and_hangs".to_owned();
    expect(
        violations(&folder)? == [BTreeSet::from([name])],
        "a test that was killed has not left its violation",
    )?;
    let traps = suite::json(&folder.join("traps.json"))?;
    let pairs = traps["pairs"].as_array().map_or(0, Vec::len);
    expect(pairs > 0, "a test that was killed has left no trap file")
}

/// Runs the suite, which fails.
fn nextest(workspace: &Workspace, folder: &Path, arguments: &str) -> Outcome {
    let command = cargo(workspace, &format!("{RUN} {arguments}"))?.env("TSVD_DIR", folder);
    expect(command.run().is_err(), "nextest has not failed")
}

fn named_by_reports(folder: &Path) -> Outcome {
    let violations = violations(folder)?;
    // None without a name.
    let known = violations.iter().all(|tests| tests.len() == 1);
    expect(known, &format!("violations of {violations:?}"))?;
    named(&violations.into_iter().flatten().collect(), "the reports")
}

fn named(tests: &BTreeSet<String>, who: &str) -> Outcome {
    let planted = PLANTED.map(str::to_owned).into();
    expect(
        *tests == planted,
        &format!("{who} named {tests:?}, planted are {planted:?}"),
    )
}

fn expect(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { fail(otherwise) }
}
