//! The declared rust-version, tried out where that toolchain is installed.

use crate::command::Outcome;
use crate::workspace::Workspace;

/// As declared for the whole workspace; inherited by xtask.
const DECLARED: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let asked = workspace.command(&format!("cargo +{DECLARED} --version"));
    if asked.ask().is_none() {
        println!(
            "Rust {DECLARED} is not installed (`{asked}` fails), so nothing was built with it. clippy's incompatible_msrv, \
             denied in Cargo.toml and run by `cargo xtask lint`, has to do; for the build itself:\n  \
             rustup toolchain install {DECLARED} --profile minimal && cargo xtask msrv"
        );
        return Ok(());
    }
    // The version is promised to users: of the libraries and the program, not of their tests.
    for packages in ["-p tsvd", "-p tsvd --features detect", "-p cargo-tsvd"] {
        workspace
            .command(&format!("cargo +{DECLARED} check {packages}"))
            .run()?;
    }
    println!("built with Rust {DECLARED}");
    Ok(())
}
