//! The declared rust-version: built with where that toolchain is installed; elsewhere clippy's `incompatible_msrv` alone,
//! which is denied in Cargo.toml and so part of `lint` as well.

use crate::command::Outcome;
use crate::workspace::Workspace;

/// As declared for the whole workspace; inherited by xtask.
const DECLARED: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let asked = workspace.command(&format!("cargo +{DECLARED} --version"));
    if asked.ask().is_none() {
        println!(
            "Rust {DECLARED} is not installed (`{asked}` fails), so nothing is built with it. What clippy knows has to do: \
             the uses of std, not syntax and dependencies. For the build itself:\n  \
             rustup toolchain install {DECLARED} --profile minimal && cargo xtask msrv"
        );
        return workspace
            .command("cargo clippy --workspace --all-features -- -D clippy::incompatible_msrv")
            .run();
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
