//! A process that ran with detection and called no operation leaves a heartbeat; one that did leaves its report.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{attribution, declared, exit, recorder};
use crate::report::Heartbeat;

/// The test process that is to leave one; 0 in all others.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// This test process will leave one unless an operation runs. Before `main`, so nothing is allocated here.
pub(super) fn begin() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    exit::at_exit();
}

/// At the end of a process in which nothing was decided, for no operation ran.
pub(super) fn leave_if_begun() {
    // Not in a forked child.
    if PROCESS.load(Ordering::Relaxed) == std::process::id() {
        leave();
    }
}

/// Leaves one. That it cannot be written is no reason to complain: then no report can be read either.
pub(super) fn leave() {
    // Runners ask for a list of tests first.
    if std::env::args_os().any(|argument| argument == "--list") {
        return;
    }
    let is_listed = cfg!(all(target_os = "linux", not(miri)));
    let annotated = is_listed.then(|| declared::operations().len() as u64);
    let heartbeat = Heartbeat::of_this_process(attribution::process_test(), annotated);
    let program = std::env::current_exe().unwrap_or_default();
    let mut name = program.file_stem().unwrap_or_default().to_owned();
    name.push(".json");
    let file = recorder::folder(&program).join("heartbeat").join(name);
    let _ = heartbeat.write(&file);
}
