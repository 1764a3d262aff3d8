//! Properties and mutants of loom models; a source file of both `tsvd-loom-tests` and the models inside of `tsvd`, each of
//! which brings its own `Model`.

use std::process::Command;

use super::{Exploration, Model, Verdict};

/// Tells a child process which mutant it is.
const MUTANT: &str = "TSVD_LOOM_MUTANT";

/// Checks a property without any bound, prints what was explored, and makes sure that it was.
///
/// # Panics
///
/// If an execution fails, or the model was not exhausted under `--cfg loom`.
#[track_caller]
pub fn holds(name: &str, body: impl Fn() + Send + Sync + 'static) -> Exploration {
    shows(Model::new().name(name), body)
}

/// As [`holds`], of a model with more than a name: its property, its goals.
///
/// # Panics
///
/// As there.
#[track_caller]
pub fn shows(model: Model, body: impl Fn() + Send + Sync + 'static) -> Exploration {
    let exploration = model.check(body);
    println!("model  {exploration}");
    assert_was_checked(&exploration);
    exploration
}

/// A run with `--cfg loom` that checks nothing must not look green.
#[track_caller]
fn assert_was_checked(exploration: &Exploration) {
    if cfg!(loom) {
        assert_eq!(exploration.verdict(), Verdict::Exhausted, "{exploration}");
        assert!(exploration.executions() > 1, "{exploration}");
    } else {
        assert_eq!(
            (exploration.verdict(), exploration.executions()),
            (Verdict::Unchecked, 1),
            "{exploration}"
        );
    }
}

/// Checks a mutant in a child process, and that it is rejected with a message that contains `message`.
///
/// `test` is the path of the calling test, which the child runs again.
///
/// # Panics
///
/// If the mutant survives or is rejected for another reason.
#[track_caller]
pub fn rejected(test: &str, message: &str, body: impl Fn() + Send + Sync + 'static) {
    fails(test, &[], message, || Model::new().name(test).check(body));
}

/// As [`rejected`], of any model, with variables added to the child's environment.
///
/// # Panics
///
/// If the model passes or fails for another reason.
#[track_caller]
pub fn fails(
    test: &str,
    environment: &[(&str, &str)],
    message: &str,
    check: impl FnOnce() -> Exploration,
) {
    if std::env::var_os(MUTANT).is_some_and(|name| name == *test) {
        println!("survived  {}", check());
        return;
    }
    let executable = std::env::current_exe().expect("a test knows its executable");
    let child = Command::new(executable)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(MUTANT, test)
        .envs(environment.iter().copied())
        .output()
        .expect("the test executable can be started again");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr),
    );
    let said = format!("--- its stdout\n{stdout}--- its stderr\n{stderr}");
    assert!(
        stdout.contains("running 1 test"),
        "`{test}` names no test of this file\n{said}"
    );
    assert!(!child.status.success(), "`{test}` survived\n{said}");
    assert!(
        stderr.contains(message),
        "`{test}` was not rejected with \"{message}\"\n{said}"
    );
    println!("mutant {test}: rejected with \"{message}\"");
    #[cfg(loom)]
    super::record_rejected(test, message);
}
