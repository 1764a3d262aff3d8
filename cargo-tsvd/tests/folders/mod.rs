//! Folders of reports as runs leave them, and `cargo-tsvd` run on them.

#![allow(dead_code, reason = "each test executable uses a part")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CLEAN: i32 = 0;
pub(crate) const VIOLATIONS: i32 = 1;
pub(crate) const USAGE: i32 = 2;
pub(crate) const NOTHING: i32 = 5;

/// The report of a process that watched some operations.
pub(crate) fn report(seed: u64, violations: &[Value]) -> Value {
    json!({
        "schema": "tsvd-report/1", "tool": {"name": "tsvd", "version": "0.1.0"},
        "run": {
            "id": seed.to_string(), "command": ["target/debug/app"], "pid": 1, "started_at": "2026-11-24T09:10:49.000Z",
            "duration_ms": 1, "strategy": "tsvd", "seed": seed, "round": 1
        },
        "summary": {
            "operations": 10, "sites": 2, "sites_concurrent": 2, "objects_sampled": 1, "near_misses": 1,
            "pairs_armed": 1, "delays": 1, "delay_ms": 2, "violations": violations.len()
        },
        "violations": violations, "suspicions": [], "coverage": [], "pairs": []
    })
}

pub(crate) fn violation(id: &str, thread: &str) -> Value {
    let party = |operation: &str, access: &str, line: u32| {
        json!({
            "contract": "app::Slab", "operation": operation, "access": access, "role": null, "test": null,
            "site": {"file": "src/main.rs", "line": line, "column": 5},
            "context": {"thread": thread, "thread_id": line, "task": null, "spawned_at": null},
            "entered_ms": 1.0, "delayed_ms": 0.0, "stack": []
        })
    };
    json!({
        "id": id, "kind": "read-write", "cross_test": false,
        "object": {"kind": "place", "type": "app::Slab", "address": "0x1000", "name": null, "key": null},
        "detected_by": "trap", "gap_ms": 1.5, "occurrences": 1,
        "first": party("insert", "write", 2), "second": party("get", "read", 3), "region": null
    })
}

/// A folder as runs leave it, with these files among its reports.
pub(crate) fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    leave(folder.path(), files);
    folder
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tsvd"));
    for variable in ["TSVD_DIR", "TSVD_BASELINE", "NO_COLOR", "CARGO_TARGET_DIR"] {
        command.env_remove(variable);
    }
    command
}

#[track_caller]
pub(crate) fn check(output: &Output, status: i32, in_stdout: &[&str], in_stderr: &[&str]) {
    let (stdout, stderr) = texts(output);
    let all = format!(
        "status {:?}\nstdout:\n{stdout}\nstderr:\n{stderr}",
        output.status.code()
    );
    assert_eq!(output.status.code(), Some(status), "{all}");
    for (stream, expected) in [(&stdout, in_stdout), (&stderr, in_stderr)] {
        assert_eq!(stream.is_empty(), expected.is_empty(), "{all}");
        for part in expected {
            assert!(stream.contains(part), "{part:?} is not in\n{all}");
        }
    }
}

pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// A package without any code, whose reports these files are.
pub(crate) fn package(files: &[(&str, String)]) -> TempDir {
    let package = tempfile::tempdir().unwrap();
    fs::create_dir(package.path().join("src")).unwrap();
    fs::write(package.path().join("src/lib.rs"), "").unwrap();
    fs::write(
        package.path().join("Cargo.toml"),
        "[package]\nname = \"app\"\nedition = \"2024\"\n",
    )
    .unwrap();
    leave(&package.path().join("target/tsvd"), files);
    package
}

/// Leaves these reports in the folder of all that runs leave.
pub(crate) fn leave(folder: &Path, files: &[(&str, String)]) {
    fs::create_dir_all(folder.join("reports")).unwrap();
    for (name, text) in files {
        fs::write(folder.join("reports").join(name), text).unwrap();
    }
}
