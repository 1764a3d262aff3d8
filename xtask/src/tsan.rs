//! ThreadSanitizer over the runtime's own tests, where a nightly toolchain is installed.
//!
//! std is not rebuilt, so the sanitizer does not see what it orders, and most of its reports are of that: a value made in a
//! `LazyLock` and read after it, or the body of a test that a barrier orders. Counted is a report whose two accesses are both in
//! the runtime's own source, `tsvd/src`; the others are named by number. That such a report would be seen is shown first, by a program with a data race.
//!
//! The sanitizer slows the tests down, and their verdicts are `test`'s business: one that fails here is said, and not judged.

use std::fs;
use std::path::Path;

use crate::bench::nightly;
use crate::command::{Failure, Outcome, fail};
use crate::workspace::{Workspace, flags};

/// std is not rebuilt, which the compiler wants to be told.
pub(crate) const SANITIZER: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";

/// Where both accesses of a report that counts are.
const RUNTIME: &str = "tsvd/src/";

/// Where those of the control are.
const CONTROL: &str = "xtask/tsan/";

const TESTS: [&str; 4] = ["found", "never_reported", "contexts", "stress"];

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let toolchains = workspace.command("rustup toolchain list").ask();
    let Some(nightly) = toolchains.as_deref().and_then(nightly) else {
        return fail(
            "there is no nightly toolchain, which ThreadSanitizer needs: nothing was checked",
        );
    };
    let folder = workspace.target.join("tsan");
    control(workspace, nightly, &folder)?;
    let version = workspace
        .command(&format!("rustc +{nightly} -vV"))
        .capture()?;
    let Some(host) = version.lines().find_map(|line| line.strip_prefix("host: ")) else {
        return fail(format!("`rustc +{nightly} -vV` names no host"));
    };
    let logs = fresh(&folder.join("reports"))?;
    let tests = TESTS.map(|test| format!("--test {test}")).join(" ");
    // A target, so that build scripts and macros are built without the sanitizer.
    let line = format!(
        "cargo +{nightly} test -p tsvd --features detect --no-fail-fast --target {host} {tests}"
    );
    let (mut passed, mut failed) = (0, 0);
    let outcome = workspace
        .command(&line)
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", flags("RUSTFLAGS", SANITIZER)?)
        .env("TSAN_OPTIONS", options(&logs))
        .watch(|line| {
            passed += usize::from(line.starts_with("test ") && line.ends_with(" ... ok"));
            failed += usize::from(line.starts_with("test ") && line.ends_with(" ... FAILED"));
        });
    if passed == 0 {
        outcome?;
        return fail("no test ran under ThreadSanitizer");
    }
    let found = read(workspace, &logs, RUNTIME)?;
    println!(
        "ThreadSanitizer: {passed} tests passed and {failed} failed under it; {} reports, {} with both accesses in {RUNTIME}",
        found.all,
        found.own.len()
    );
    if found.own.is_empty() {
        return Ok(());
    }
    fail(format!(
        "ThreadSanitizer reports {} data races of {RUNTIME}\n{}",
        found.own.len(),
        found.own.join("\n")
    ))
}

/// A program with a data race is reported, and the report is one that counts.
fn control(workspace: &Workspace, nightly: &str, folder: &Path) -> Outcome {
    let logs = fresh(&folder.join("control"))?;
    let program = folder.join("race");
    workspace
        .command(&format!(
            "rustc +{nightly} --edition 2024 -g {SANITIZER} xtask/tsan/race.rs -o"
        ))
        .arg(&program)
        .run()?;
    workspace
        .command("")
        .arg(&program)
        .env("TSAN_OPTIONS", options(&logs))
        .run()?;
    match read(workspace, &logs, CONTROL)?.own.len() {
        0 => fail("ThreadSanitizer does not see the data race of xtask/tsan/race.rs"),
        _ => Ok(()),
    }
}

/// Reports go to files of `logs`, one a process, and change no status.
fn options(logs: &Path) -> String {
    format!("exitcode=0 log_path={}", logs.join("report").display())
}

fn fresh(folder: &Path) -> Outcome<std::path::PathBuf> {
    let cannot = |error| Failure(format!("cannot make {}: {error}", folder.display()));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(cannot)?;
    }
    fs::create_dir_all(folder).map_err(cannot)?;
    Ok(folder.to_path_buf())
}

#[derive(Default)]
struct Found {
    all: usize,
    /// Those with both accesses in the sources that count.
    own: Vec<String>,
}

fn read(workspace: &Workspace, logs: &Path, sources: &str) -> Outcome<Found> {
    let root = format!("{}/{sources}", workspace.root.display());
    let cannot = |error| Failure(format!("cannot read {}: {error}", logs.display()));
    let mut found = Found::default();
    for file in fs::read_dir(logs).map_err(cannot)? {
        let text = fs::read(file.map_err(cannot)?.path()).map_err(cannot)?;
        let text = String::from_utf8_lossy(&text);
        for report in reports(&text) {
            found.all += 1;
            if is_own(report, &root) {
                found.own.push(report.to_owned());
            }
        }
    }
    Ok(found)
}

/// The reports of one process.
fn reports(text: &str) -> impl Iterator<Item = &str> {
    text.split("WARNING: ThreadSanitizer: ").skip(1)
}

/// Whether the innermost frame of each access, past the sanitizer's own, is in `root`.
fn is_own(report: &str, root: &str) -> bool {
    let accesses: Vec<_> = report
        .split("\n\n")
        .take(2)
        .map(|stack| {
            let mut frames = stack
                .lines()
                .filter(|line| line.trim_start().starts_with('#'));
            frames.find(|frame| !frame.contains("/compiler-rt/"))
        })
        .collect();
    accesses.len() == 2
        && accesses
            .iter()
            .all(|frame| frame.is_some_and(|frame| frame.contains(&format!(" {root}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(first: &str, second: &str) -> String {
        format!(
            "==================\nWARNING: ThreadSanitizer: data race (pid=7)\n  Write of size 8 at 0x7b by thread T1:\n{first}\n\n  \
             Previous read of size 8 at 0x7b by main thread:\n{second}\n\n  Location is heap block of size 8\n    #0 malloc /home/me/tsvd/x.rs:1:1 (t+0x1)\n"
        )
    }

    const OWN: &str = "    #0 memcpy /rustc/llvm/src/llvm-project/compiler-rt/lib/tsan/rtl/a.inc:117:5 (t+0x1)\n    #1 tsvd::f /home/me/tsvd/src/a.rs:7:9 (t+0x2)";
    const STD: &str = "    #0 core::f /rustc/e50a/library/core/src/a.rs:7:9 (t+0x2)\n    #1 tsvd::f /home/me/tsvd/src/a.rs:7:9 (t+0x2)";

    #[test]
    fn only_reports_with_both_accesses_in_the_folder_count() {
        let root = "/home/me/tsvd/";
        for (first, second, own) in [(OWN, OWN, true), (OWN, STD, false), (STD, OWN, false)] {
            let text = report(first, second);
            let all: Vec<_> = reports(&text).collect();
            assert_eq!(all.len(), 1);
            assert_eq!(is_own(all[0], root), own, "{text}");
        }
        assert!(!is_own(
            reports(&report(OWN, "    [failed to restore the stack]"))
                .next()
                .unwrap(),
            root
        ));
        assert_eq!(reports("nothing at all").count(), 0);
    }
}
