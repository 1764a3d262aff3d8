//! Annotations in crates of other editions, under strict lints and under another name for `tsvd`.
//!
//! The crates are a workspace of their own, built in a target folder of their own with the versions that are locked here.
#![cfg(not(loom))]

use std::path::Path;
use std::process::Command;

/// Runs cargo on the crates of `tests/crates`.
#[track_caller]
fn cargo(arguments: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = here.join("tests/crates");
    let lock = crates.join("Cargo.lock");
    std::fs::copy(here.join("../Cargo.lock"), lock).expect("the workspace has a lock file");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args([
            "--offline",
            "--target-dir",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/crates"),
        ])
        .current_dir(crates)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {arguments:?} failed:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn annotations_work_alike_in_all_editions_and_please_strict_lints() {
    // One test, since one target folder serves one cargo at a time.
    cargo(&["test", "--workspace"]);
    cargo(&["clippy", "--package", "strict"]);
    cargo(&["clippy", "--package", "strict", "--no-default-features"]);
}
