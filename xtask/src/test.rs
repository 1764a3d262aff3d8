//! Every test there is. The last line on standard output is the sum over all runs: `N passed, N failed`.

use crate::command::Outcome;
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{asm, loom};

/// `-p` where the features matter: with `--workspace` one member that asks for detection turns it on for all.
const RUNS: [&str; 4] = [
    "cargo test -p tsvd --features dashmap,tokio",
    "cargo test -p tsvd --features detect,schema,dashmap,tokio",
    "cargo test -p tsvd-annotations",
    "cargo test --workspace --exclude tsvd",
];

pub(crate) fn run(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    for line in RUNS {
        tally.add(&workspace.command(line), |_| ())?;
    }
    loom::run(workspace, &[], tally)?;
    asm::run(workspace).inspect_err(|_| tally.failed += 1)
}
