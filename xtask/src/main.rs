//! One entry point for each check, the same for people and for CI: `cargo xtask <check>`.
//!
//! Every check prints each command before it runs it, in a form that can be pasted into a shell, and stops at the first
//! that fails. No check leaves a step out because something is missing: it fails instead. `bench` checks nothing; it names the
//! rows for which a tool is missing.

mod added_time;
mod asm;
mod bench;
mod command;
mod deny;
mod found;
mod lint;
mod loom;
mod msrv;
mod nextest;
mod suite;
mod tally;
mod test;
mod tsan;
mod workspace;

use std::process::ExitCode;

use command::{Failure, Outcome};
use tally::Tally;
use workspace::Workspace;

struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String], &mut Tally) -> Outcome,
}

const CHECKS: &[Check] = &[
    Check {
        name: "test",
        about: "every test, then the loom models, then `asm`",
        run: |workspace, _, tally| test::run(workspace, tally),
    },
    Check {
        name: "lint",
        about: "format, clippy and rustdoc in every mode, warnings denied",
        run: |workspace, _, _| lint::run(workspace),
    },
    Check {
        name: "loom",
        about: "the loom models alone, as a table; arguments go to `cargo test`, `--bench` compares with loom alone",
        run: loom::run,
    },
    Check {
        name: "nextest",
        about: "a suite of 200 tests under nextest and cargo test: the five that are wrong are named",
        run: |workspace, _, _| nextest::run(workspace),
    },
    Check {
        name: "found",
        about: "what is planted in the examples and in that suite is found 20 times of 20, and their fixed twins are silent",
        run: |workspace, _, _| found::run(workspace),
    },
    Check {
        name: "asm",
        about: "annotations cost nothing when off: same assembly, no dependency",
        run: |workspace, _, _| asm::run(workspace),
    },
    Check {
        name: "bench",
        about: "what an annotated call and a watched test suite cost; arguments go to the benchmark, `--suite` is the suite alone",
        run: |workspace, arguments, _| bench::run(workspace, arguments),
    },
    Check {
        name: "tsan",
        about: "no data race of our own in the runtime's tests; needs a nightly toolchain",
        run: |workspace, _, _| tsan::run(workspace),
    },
    Check {
        name: "msrv",
        about: "the declared rust-version is enough",
        run: |workspace, _, _| msrv::run(workspace),
    },
    Check {
        name: "deny",
        about: "licences, sources and duplicates of all dependencies",
        run: |workspace, _, _| deny::run(workspace),
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let name = match name.as_deref() {
        Some("help" | "--help" | "-h") => {
            println!("{}", usage());
            return ExitCode::SUCCESS;
        }
        Some(name) => name,
        None => return refuse("which check?"),
    };
    let Some(check) = CHECKS.iter().find(|check| check.name == name) else {
        return refuse(&format!("there is no check `{name}`"));
    };
    if !["bench", "loom"].contains(&check.name) && !rest.is_empty() {
        return refuse(&format!(
            "`{name}` takes no arguments, but got `{}`",
            rest.join(" ")
        ));
    }
    let mut tally = Tally::default();
    let outcome =
        Workspace::find().and_then(|workspace| (check.run)(&workspace, &rest, &mut tally));
    let code = match outcome {
        Ok(()) => {
            eprintln!("xtask {name}: ok");
            ExitCode::SUCCESS
        }
        Err(Failure(reason)) => {
            // The reason comes last, where it is looked for.
            let (reason, evidence) = reason.split_once('\n').unwrap_or((&reason, ""));
            eprintln!("{evidence}\nxtask {name} failed: {reason}");
            ExitCode::FAILURE
        }
    };
    if tally != Tally::default() {
        println!("{tally}");
    }
    code
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("xtask: {reason}\n\n{}", usage());
    ExitCode::from(2)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <check>\n\n");
    for check in CHECKS {
        text.push_str(&format!("  {:<7} {}\n", check.name, check.about));
    }
    text.push_str("\nCARGO_TARGET_DIR, RUSTFLAGS and RUSTDOCFLAGS are respected.");
    text
}
