//! `cargo tsvd`: see the library of this package.

use std::panic::catch_unwind;
use std::process::ExitCode;

use cargo_tsvd::Exit;

fn main() -> ExitCode {
    // The panic has told what happened; the code tells a script that it was not a verdict.
    catch_unwind(|| cargo_tsvd::run(std::env::args_os()))
        .unwrap_or(Exit::Internal)
        .into()
}
