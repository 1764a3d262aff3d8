//! Format, clippy and rustdoc, in every mode a crate can be built in, with warnings denied.

use std::fs;
use std::path::Path;

use crate::command::{Command, Failure, Outcome, fail};
use crate::workspace::{Workspace, flags};

/// Workspaces of their own.
const APART: [&str; 4] = [
    "tsvd/tests/crates",
    "tsvd/tests/suite",
    "xtask/asm/annotated",
    "xtask/asm/plain",
];

/// Each on its own, since features are unified: with `--workspace` the examples turn detection on for all.
const PACKAGES: [&str; 6] = [
    "--workspace",
    "-p tsvd",
    "-p tsvd --features dashmap,tokio",
    "-p tsvd --features detect,schema,dashmap,tokio",
    "-p tsvd-annotations",
    // The one that has `tsvd` with the feature `report` alone.
    "-p cargo-tsvd",
];

/// Without features but the drop-ins', and with the detection that the examples ask for. Of these the programs are left out: some
/// have a runtime that is not to be built there.
const UNDER_LOOM: [&str; 3] = [
    "-p tsvd --features dashmap,tokio --all-targets",
    "-p tsvd -p tsvd-loom-tests --all-targets",
    "-p tsvd-examples --lib",
];

/// What users read, in both modes.
const DOCS: [&str; 2] = [
    "-p tsvd -p tsvd-annotations --features tsvd/dashmap,tsvd/tokio",
    "--workspace --features tsvd/detect,tsvd/schema,tsvd/dashmap,tsvd/tokio",
];

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    one_door(workspace)?;
    workspace.command("cargo fmt --all --check").run()?;
    for folder in APART {
        // Not `--all`, which would go on to the path dependencies.
        workspace.apart(folder, "cargo fmt --check")?.run()?;
    }
    for packages in PACKAGES {
        clippy(workspace.command(&format!("cargo clippy {packages} --all-targets")))?;
    }
    for packages in UNDER_LOOM {
        clippy(workspace.loom(&format!("cargo clippy {packages}"))?)?;
    }
    // `strict` is left to tsvd/tests/annotations_crates.rs, which wants it free of warnings in two modes. The target folder
    // is the one of that test.
    let line = "cargo clippy --workspace --exclude strict --all-targets";
    let target = workspace.target.join("tmp/crates");
    clippy(
        workspace
            .apart(APART[0], line)?
            .env("CARGO_TARGET_DIR", target),
    )?;
    let denied = flags("RUSTDOCFLAGS", "-D warnings")?;
    for packages in DOCS {
        workspace
            .command(&format!("cargo doc --no-deps {packages}"))
            .env("RUSTDOCFLAGS", &denied)
            .run()?;
    }
    let denied = format!("{denied} --cfg loom");
    workspace
        .loom("cargo doc --no-deps -p tsvd")?
        .env("RUSTDOCFLAGS", denied)
        .run()
}

fn clippy(command: Command) -> Outcome {
    command.arg("--").arg("-D").arg("warnings").run()
}

/// What the engine names in its doors only.
const ELSEWHERE: [&str; 5] = [
    "std::sync",
    "std::thread",
    "parking_lot",
    "Instant::now",
    "SystemTime::now",
];

/// The engine names std's threads, locks, atomics and clocks in `primitive.rs` and `env/` only, so that they can be
/// exchanged for a model's there. (Its tests run real threads.)
fn one_door(workspace: &Workspace) -> Outcome {
    let folder = workspace.root.join("tsvd/src/engine");
    println!(
        "searching {} for {}",
        folder.display(),
        ELSEWHERE.join(", ")
    );
    search(workspace, &folder)
}

fn search(workspace: &Workspace, folder: &Path) -> Outcome {
    let cannot = |error| Failure(format!("cannot read {}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if ["primitive.rs", "env", "tests", "models", "defect.rs"].contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            search(workspace, &path)?;
            continue;
        }
        let source = fs::read_to_string(&path).map_err(cannot)?;
        if let Some((number, word)) = first_of(&source, &ELSEWHERE) {
            let place = format!(
                "{}:{number}",
                path.strip_prefix(&workspace.root)
                    .unwrap_or(Path::new(""))
                    .display()
            );
            return fail(format!(
                "{place} names `{word}`: the engine does so in primitive.rs and env/ only"
            ));
        }
    }
    Ok(())
}

/// The first line that has one of `words` outside of comments.
fn first_of<'a>(source: &str, words: &[&'a str]) -> Option<(usize, &'a str)> {
    source.lines().enumerate().find_map(|(at, line)| {
        let code = line.split("//").next()?;
        let word = words.iter().find(|word| code.contains(**word))?;
        Some((at + 1, *word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_outside_of_comments() {
        let words = ["std::sync", "Instant::now"];
        assert_eq!(
            first_of("// std::sync\nlet x = Instant::now();", &words),
            Some((2, "Instant::now"))
        );
        assert_eq!(
            first_of("use super::primitive::Mutex; // not std::sync", &words),
            None
        );
    }
}
