//! Dependencies: licences, bans and sources, by `deny.toml`.
//!
//! Advisories are left out: their database is not reachable everywhere. cargo-deny is built in the target folder where it
//! is not there yet, without optimisation, which takes a third of the time.

use crate::command::Outcome;
use crate::workspace::Workspace;

/// The version `deny.toml` is written for.
const VERSION: &str = "0.20.2";

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let tools = workspace.target.join("tools");
    let program = tools.join("bin/cargo-deny");
    let version = workspace.command("").arg(&program).arg("--version").ask();
    if version.is_none_or(|version| version.trim() != format!("cargo-deny {VERSION}")) {
        workspace
            .command(&format!(
                "cargo install --locked --debug cargo-deny@{VERSION} --root"
            ))
            .arg(&tools)
            .run()?;
    }
    workspace
        .command("")
        .arg(&program)
        .arg("--all-features")
        .arg("check")
        .arg("licenses")
        .arg("bans")
        .arg("sources")
        .run()
}
