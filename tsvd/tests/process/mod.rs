//! Runs a scenario as a process of its own: the test executable again, with one test and its own report folder.
//!
//! The parent then sees what a user sees: exit status, output, report on disk.

#![allow(dead_code, reason = "each test executable uses a part")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use tsvd::report::{Report, load_dir};

/// Not `TSVD_…`: those are settings.
const CHILD: &str = "CHILD_OF_TSVD_TEST";

/// Settings for scenarios that plant a violation and are about what follows it, or about one way to it. On a busy machine a thread may
/// be without the processor for longer than a delay, which looks as if something ordered its calls; and no budget is to end before
/// the violation is found.
pub(crate) const UNTIL_CAUGHT: [(&str, &str); 3] = [
    ("TSVD_ORDER_AGREE", "0"),
    ("TSVD_BUDGET_PROCESS_MS", "60000"),
    ("TSVD_BUDGET_THREAD_MS", "60000"),
];

/// How a scenario's process ended.
pub(crate) struct Ended {
    /// `None` after a signal.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The report, if one was written.
    pub(crate) report: Option<Report>,
    /// The report folder, kept as long as this value.
    pub(crate) dir: tempfile::TempDir,
}

/// In the parent: runs the calling test again as a child with `environment` and returns how it ended. In the child: runs
/// `body` and returns `None`. The calling test's thread must be libtest's, which bears its name.
pub(crate) fn run_with(environment: &[(&str, &str)], body: impl FnOnce()) -> Option<Ended> {
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, OsStr::new(*value)))
        .collect();
    run_in(None, &environment, body)
}

/// The same with values that need not be text.
pub(crate) fn run_with_bytes(environment: &[(&str, &OsStr)], body: impl FnOnce()) -> Option<Ended> {
    run_in(None, environment, body)
}

/// The same in the report folder of an earlier process, whose reports are removed and whose trap file is there.
pub(crate) fn run_again(after: Ended, body: impl FnOnce()) -> Option<Ended> {
    std::fs::remove_dir_all(after.dir.path().join("reports")).expect("reports of the earlier run");
    run_in(Some(after.dir), &[], body)
}

/// A folder for [`link`]s: beside this executable, since links do not cross file systems.
pub(crate) fn folder_for_links() -> tempfile::TempDir {
    let here = std::env::current_exe().expect("this executable has a path");
    tempfile::tempdir_in(here.parent().expect("in a folder")).expect("a folder that cargo wrote to")
}

/// This executable under another name, in a folder of [`folder_for_links`]. A link, for a copy just written may still be open
/// for writing in a child that another test has forked, and then cannot be run (`ETXTBSY`).
pub(crate) fn link(program: &Path) {
    let here = std::env::current_exe().expect("this executable has a path");
    std::fs::hard_link(here, program).expect("a link on the same file system");
}

fn run_in(
    dir: Option<tempfile::TempDir>,
    environment: &[(&str, &OsStr)],
    body: impl FnOnce(),
) -> Option<Ended> {
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let test = std::thread::current()
        .name()
        .expect("libtest names its threads")
        .to_owned();
    let dir = dir.unwrap_or_else(|| tempfile::tempdir().expect("a temporary folder"));
    let mut command = Command::new(std::env::current_exe().expect("this executable"));
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]);
    command
        // Whoever runs the parent says nothing of the child.
        .env_remove("NEXTEST")
        .env(CHILD, "1")
        .env("TSVD_DIR", dir.path())
        .env_remove("TSVD")
        .env_remove("TSVD_ON_VIOLATION");
    command
        // Panics that are part of a scenario are to be quick.
        .env("RUST_BACKTRACE", "0")
        .env_remove("TSVD_SEED")
        .envs(environment.iter().copied());
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the child runs");
    let mut reports = load_dir(&dir.path().join("reports")).map(|loaded| {
        assert!(
            loaded.problems.is_empty(),
            "unreadable reports: {:?}",
            loaded.problems
        );
        loaded.reports
    });
    let report = reports
        .as_mut()
        .ok()
        .and_then(Vec::pop)
        .map(|(_, report)| report);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(Ended {
        status: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
        report,
        dir,
    })
}

/// A correct program: no report, the status of a passed test. `tempted` says that delays have to have been injected, so that
/// silence means something.
pub(crate) fn silent(tempted: bool, body: impl FnOnce()) {
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report, for operations ran");
    assert!(report.violations.is_empty(), "{}", ended.stderr);
    assert!(report.summary.operations > 0, "nothing was watched");
    assert_eq!(report.summary.delays > 0, tempted, "{:?}", report.summary);
}

/// A program with a planted violation: status 66 and exactly one violation, which is returned to the parent.
pub(crate) fn found(body: impl FnOnce()) -> Option<tsvd::report::Violation> {
    found_with(&[], body)
}

pub(crate) fn found_with(
    environment: &[(&str, &str)],
    body: impl FnOnce(),
) -> Option<tsvd::report::Violation> {
    let ended = run_with(environment, body)?;
    assert_eq!(ended.status, Some(66), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert_eq!(report.violations.len(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("tsvd: thread-safety violation"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .trim_end()
            .ends_with("TSVD_ON_VIOLATION=record would leave it as it is."),
        "{}",
        ended.stderr
    );
    report.violations.into_iter().next()
}
