//! The crates of README.md, as their reader has them: outside of this workspace, made of the text that stands there.
#![cfg(all(feature = "detect", not(loom)))]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

const MAILBOX: &str = "### A bug that no native run finds";
const RATES: &str = "## Five minutes with tokio";

fn readme() -> String {
    fs::read_to_string(Path::new(HERE).join("../README.md")).expect("README.md")
}

/// The block of code that follows `mark` in a chapter of README.md.
fn block(chapter: &str, mark: &str) -> String {
    let readme = readme();
    let (_, chapter) = readme.split_once(chapter).expect("the chapter is there");
    let (_, rest) = chapter.split_once(mark).expect("the file is named");
    let (_, rest) = rest.split_once("\n```").expect("a block follows");
    let (_, rest) = rest.split_once('\n').expect("the block has lines");
    let (block, _) = rest.split_once("```\n").expect("the block ends");
    block.to_owned()
}

/// Writes the crate of a chapter, with each of `replaced` in its source.
fn write_crate(folder: &Path, chapter: &str, replaced: &[(&str, &str)]) {
    let manifest = block(chapter, "`Cargo.toml`:").replace("../tsvd/tsvd", HERE);
    let mut source = block(chapter, "`src/lib.rs`");
    for (old, new) in replaced {
        assert!(source.contains(old), "{old} in {source}");
        source = source.replace(old, new);
    }
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(folder.join("src/lib.rs"), source).expect("a source file");
    fs::copy(
        Path::new(HERE).join("../Cargo.lock"),
        folder.join("Cargo.lock"),
    )
    .expect("the workspace has a lock file");
}

fn cargo_test(folder: &Path, loom: bool) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--lib", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(if loom {
            "crates-loom"
        } else {
            "crates"
        }))
        .current_dir(folder)
        .env_remove("TSVD")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("TSVD_DIR", folder.join("tsvd"))
        .env("RUSTFLAGS", if loom { "--cfg loom" } else { "" });
    command.output().expect("cargo runs")
}

#[track_caller]
fn passes(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn loom_finds_what_no_native_run_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_crate(folder, MAILBOX, &[]);
    for _ in 0..5 {
        // The second run and those after it know what the first one learnt.
        passes(&cargo_test(folder, false));
    }
    let output = cargo_test(folder, true);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{said}");
    let message = block(MAILBOX, "to say");
    assert!(said.contains(message.trim_end()), "{message} in {said}");

    write_crate(
        folder,
        MAILBOX,
        &[
            ("Ordering::Relaxed;", "Ordering::{Acquire, Release};"),
            ("load(Relaxed)", "load(Acquire)"),
            ("store(true, Relaxed)", "store(true, Release)"),
        ],
    );
    passes(&cargo_test(folder, true));
    passes(&cargo_test(folder, false));
}

#[test]
fn two_tasks_of_one_thread_suffice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_crate(folder, RATES, &[]);
    let output = cargo_test(folder, false);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    let message = block(RATES, "`cargo test` says");
    assert!(said.contains(message.trim_end()), "{message} in {said}");

    write_crate(
        folder,
        RATES,
        &[
            (
                "Rates::default();",
                "tokio::sync::Mutex::new(Rates::default());",
            ),
            (
                "tokio::join!(rates.rate(\"EUR\", fetch(2)), rates.rate(\"EUR\", fetch(2)));",
                "tokio::join!(
                    async { rates.lock().await.rate(\"EUR\", fetch(2)).await },
                    async { rates.lock().await.rate(\"EUR\", fetch(2)).await },
                );",
            ),
        ],
    );
    passes(&cargo_test(folder, false));
}
