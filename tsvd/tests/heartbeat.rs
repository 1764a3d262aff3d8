//! What a test process leaves in which no operation ran, and in which processes nothing is watched at all.

#![cfg(not(loom))]

mod process;

use std::path::Path;
use std::process::Command;

use tsvd::report::{Heartbeat, load_dir, load_heartbeats};

use process::{folder_for_links, link};

/// Tests of this program that only a child runs.
const CHILD: &str = "CHILD_OF_TSVD_HEARTBEAT";

#[tsvd::write(resource = "something")]
fn operate() {}

#[test]
fn idle() {}

#[test]
fn busy() {
    if std::env::var_os(CHILD).is_some() {
        operate();
    }
}

/// Forks a child that ends as programs do.
#[cfg(unix)]
#[test]
fn forks() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    // SAFETY: the child ends at once, by way of its exit handlers; nothing else runs in this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::process::exit(0);
    }
    let mut status = 0;
    // SAFETY: `status` is a place for the status of a child of this process.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0));
    // What the child left.
    let dir = std::env::var_os("TSVD_DIR").unwrap();
    assert_eq!(heartbeats(Path::new(&dir)), []);
}

fn heartbeats(dir: &Path) -> Vec<Heartbeat> {
    load_heartbeats(&dir.join("heartbeat"))
}

fn reports(dir: &Path) -> usize {
    load_dir(&dir.join("reports")).map_or(0, |loaded| loaded.reports.len())
}

/// Runs this program again with `arguments`, in a folder of its own.
fn child(dir: &Path, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("TSVD_DIR", dir)
        .env(CHILD, "1")
        .env_remove("TSVD")
        .env_remove("NEXTEST")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{stdout}");
    stdout
}

fn this() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

#[test]
fn a_process_without_operations_leaves_a_heartbeat_once() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        child(dir.path(), &this(), &["idle", "--exact"], &[]);
    }
    let [heartbeat] = &heartbeats(dir.path())[..] else {
        panic!("one program, one heartbeat")
    };
    assert!(heartbeat.command.contains(&"idle".to_owned()));
    assert_eq!(heartbeat.test, None);
    let listed = cfg!(target_os = "linux").then_some(1);
    assert_eq!(heartbeat.annotated, listed);
    assert_eq!(reports(dir.path()), 0);
}

#[test]
fn a_process_with_operations_leaves_a_report_instead() {
    let dir = tempfile::tempdir().unwrap();
    child(dir.path(), &this(), &["busy", "--exact"], &[]);
    assert_eq!((heartbeats(dir.path()), reports(dir.path())), (vec![], 1));
}

#[test]
fn nextest_names_the_test_of_a_heartbeat() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("NEXTEST", "1"),
        ("NEXTEST_EXECUTION_MODE", "process-per-test"),
        ("NEXTEST_TEST_NAME", "idle"),
    ];
    child(dir.path(), &this(), &["--exact", "idle"], &variables);
    let heartbeats = heartbeats(dir.path());
    assert_eq!(heartbeats[0].test.as_deref(), Some("idle"));
}

#[test]
fn a_process_that_is_only_asked_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let list = child(dir.path(), &this(), &["--list"], &[]);
    assert!(list.contains("idle: test"), "{list}");
    child(dir.path(), &this(), &["idle"], &[("TSVD", "off")]);
    assert_eq!((heartbeats(dir.path()), reports(dir.path())), (vec![], 0));
}

#[cfg(unix)]
#[test]
fn a_forked_child_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    child(dir.path(), &this(), &["forks", "--exact"], &[]);
    assert_eq!(heartbeats(dir.path()).len(), 1);
}

/// As cargo calls a benchmark (`--test`, so that libtest runs tests all the same); and the same program under names of programs that carry our code by the way.
#[test]
fn benchmarks_and_tools_are_not_watched() {
    let dir = tempfile::tempdir().unwrap();
    let links = folder_for_links();
    child(dir.path(), &this(), &["--test", "--bench", "busy"], &[]);
    assert_eq!((heartbeats(dir.path()), reports(dir.path())), (vec![], 0));
    for name in [
        "build-script-build",
        "rustc",
        "rustdoc",
        "rust-analyzer-proc-macro-srv",
        "clippy-driver",
        "an-ordinary-program",
    ] {
        let program = links.path().join(name);
        link(&program);
        // Not even where all are asked for, but for what is no tool.
        let on = match name {
            "an-ordinary-program" => &[][..],
            _ => &[("TSVD", "on")],
        };
        child(dir.path(), &program, &["busy", "--exact"], on);
        assert_eq!(reports(dir.path()), 0, "{name}");
        assert_eq!(heartbeats(dir.path()), [], "{name}");
    }
    // What is done to be watched works.
    child(
        dir.path(),
        &this(),
        &["--test", "--bench", "busy"],
        &[("TSVD", "on")],
    );
    assert_eq!(reports(dir.path()), 1);
}

/// They are programs called `rust_out`.
#[test]
fn doctests_are_watched() {
    let dir = tempfile::tempdir().unwrap();
    let links = folder_for_links();
    let program = links.path().join("rust_out");
    link(&program);
    child(dir.path(), &program, &["busy", "--exact"], &[]);
    assert_eq!(reports(dir.path()), 1);
}
