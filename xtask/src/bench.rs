//! What an annotated call costs: runs `tsvd/benches/hot_path`, whose header says how to read it, with the tools that are there; then
//! what a watched test suite costs.
//!
//! A tool that is missing leaves its rows out, and is named here and in the table: nothing is judged by this command.

use std::path::{Path, PathBuf};

use crate::added_time;
use crate::command::{Failure, Outcome};
use crate::tsan::SANITIZER;
use crate::workspace::Workspace;

/// `arguments` go to the benchmark, for example `--rounds 11`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure(format!("cannot make {}: {error}", folder.display())))?;
    let added_time = folder.join("added-time.json");
    if arguments == ["--suite"] {
        return added_time::run(workspace, &added_time);
    }
    let out = folder.join("hot-path.json");
    if workspace.command("valgrind --version").ask().is_none() {
        eprintln!("valgrind is not installed: the rows with instructions will be missing");
    }
    let sanitized = sanitized(workspace, &folder)?;
    let mut command = workspace
        .command("cargo bench -p tsvd --features detect,dashmap --bench hot_path")
        // Names for callgrind; the code is the same.
        .env("CARGO_PROFILE_BENCH_DEBUG", "1")
        .arg("--")
        .arg("--out")
        .arg(out);
    if let Some([plain, sanitized]) = sanitized {
        command = command.arg("--sanitized").arg(plain).arg(sanitized);
    }
    for argument in arguments {
        command = command.arg(argument);
    }
    command.run()?;
    added_time::run(workspace, &added_time)
}

/// The loops over a map, built by a nightly toolchain without and with ThreadSanitizer (std is not rebuilt).
fn sanitized(workspace: &Workspace, folder: &Path) -> Outcome<Option<[PathBuf; 2]>> {
    let toolchains = workspace.command("rustup toolchain list").ask();
    let Some(nightly) = toolchains.as_deref().and_then(nightly) else {
        eprintln!("no nightly toolchain: the rows of ThreadSanitizer will be missing");
        return Ok(None);
    };
    let source = "tsvd/benches/hot_path/sanitized.rs";
    let line = format!("rustc +{nightly} --edition 2024 -C opt-level=3");
    let build = |name: &str, flag: &str| {
        let program = folder.join(name);
        let command = workspace.command(&format!("{line} {flag} {source} -o"));
        command.arg(&program).run().map(|()| program)
    };
    let plain = build("map", "")?;
    match build("map-sanitized", SANITIZER) {
        Ok(sanitized) => Ok(Some([plain, sanitized])),
        Err(Failure(reason)) => {
            eprintln!("no ThreadSanitizer here ({reason}): its rows will be missing");
            Ok(None)
        }
    }
}

/// The first nightly of `rustup toolchain list`.
pub(crate) fn nightly(list: &str) -> Option<&str> {
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.into_iter().find(|name| name.starts_with("nightly"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nightly_is_found_among_toolchains() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\nnightly-2026-01-01-x86_64-unknown-linux-gnu (override)\n";
        assert_eq!(
            nightly(list),
            Some("nightly-2026-01-01-x86_64-unknown-linux-gnu")
        );
        assert_eq!(nightly("stable-x86_64-unknown-linux-gnu\n"), None);
    }
}
