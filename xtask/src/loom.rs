//! The loom models, and the tests of `tsvd` under loom.
//!
//! A run of the models that checked no model proves nothing and fails: besides the tests that passed, the lines are counted in which
//! `tsvd_loom_tests` says what was explored and which mutant was rejected.

use crate::command::{Outcome, fail};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// With `arguments` only what they select of the examples' models.
pub(crate) fn run(workspace: &Workspace, arguments: &[String], tally: &mut Tally) -> Outcome {
    if arguments.is_empty() {
        // The models of the engine's own protocol are unit tests of `tsvd`.
        models(workspace, "tsvd", arguments, tally)?;
    }
    models(workspace, "tsvd-loom-tests", arguments, tally)
}

fn models(
    workspace: &Workspace,
    package: &str,
    arguments: &[String],
    tally: &mut Tally,
) -> Outcome {
    let mut command = workspace.loom(&format!("cargo test -p {package} --profile loom"))?;
    for argument in arguments {
        command = command.arg(argument);
    }
    if !arguments.iter().any(|argument| argument == "--") {
        command = command.arg("--");
    }
    // Without it libtest keeps what a passed test says.
    let command = command.arg("--show-output");
    let before = tally.passed;
    let (mut models, mut mutants) = (0, 0);
    tally.add(&command, |line| {
        models += usize::from(is_model(line));
        mutants += usize::from(is_mutant(line));
    })?;
    // A selection may consist of mutants; the whole suite has both.
    let enough = if arguments.is_empty() {
        models.min(mutants)
    } else {
        models + mutants
    };
    if tally.passed == before || enough == 0 {
        tally.failed += 1;
        return fail(format!(
            "{models} loom models and {mutants} mutants were checked by `{command}`"
        ));
    }
    eprintln!("{package}: {models} loom models exhausted, {mutants} mutants rejected");
    Ok(())
}

fn is_model(line: &str) -> bool {
    line.starts_with("model  ") && line.contains(": exhausted, ")
}

fn is_mutant(line: &str) -> bool {
    line.starts_with("mutant ") && line.contains(": rejected with ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_explored_counts() {
        assert!(is_model(
            "model  two owners: exhausted, 544 executions in 0.100 s"
        ));
        assert!(!is_model(
            "model  two owners: not checked (no --cfg loom), 1 execution in 0.000 s"
        ));
        assert!(!is_model("test two_owners ... ok"));
        assert!(is_mutant(
            "mutant relaxed_release: rejected with \"Causality violation\""
        ));
        assert!(!is_mutant("mutant relaxed_release: survived"));
    }
}
