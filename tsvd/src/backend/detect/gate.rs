//! When operations are watched, and by which settings: decided once, at the first operation or at [`enable`].

use std::ffi::OsString;
use std::fmt::Display;
use std::panic::Location;
use std::path::Path;
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use super::{NOW, SHARED, exit, heartbeat, recorder, threads, ticker};
use crate::config::{self, Config, Given, Suspicions, Switch, Wrong};
use crate::report::{Baseline, path, printable};

/// The settings that are followed, once operations are watched.
static CONFIG: OnceLock<Config> = OnceLock::new();
static DECIDING: Mutex<()> = Mutex::new(());

/// The exit status for settings that are not allowed, as of every `cargo tsvd` command.
const USAGE: i32 = 2;

pub(super) fn config() -> &'static Config {
    CONFIG.get_or_init(|| read(&[]))
}

/// What all places say; something wrong in one of them ends the process.
fn read(program: &[Given]) -> Config {
    settled(program).unwrap_or_else(|wrong| refuse(&wrong))
}

fn settled(program: &[Given]) -> Result<Config, Vec<Wrong>> {
    let root = path::workspace_root();
    config::resolve(program, std::env::vars_os(), root.as_deref())
}

/// The suspicions that are accepted. A file that is no baseline is refused as a wrong setting is: with an empty one in its place, all that it
/// accepts would fail the run.
fn accepted(config: &Config) -> Result<Baseline, Wrong> {
    if config.suspicions == Suspicions::Off {
        return Ok(Baseline::default());
    }
    let named = config.baseline.as_deref();
    let file = match (named, path::workspace_root()) {
        (Some(file), _) => file.to_owned(),
        (None, Some(root)) => root.join(Baseline::FILE),
        (None, None) => return Ok(Baseline::default()),
    };
    match Baseline::read(&file) {
        Err(error) if named.is_none() && error.is_missing() => Ok(Baseline::default()),
        baseline => baseline.map_err(Wrong::Baseline),
    }
}

fn refuse(wrong: &[Wrong]) -> ! {
    let lines = wrong.iter().map(|wrong| printable(&wrong.to_string()));
    let text: String = lines.map(|line| format!("tsvd: {line}\n")).collect();
    recorder::say(&format!(
        "{text}tsvd: nothing was run: correct this and run again."
    ));
    std::process::exit(USAGE);
}

/// What the program itself sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    given: Vec<Given>,
    /// Where the last one was given.
    site: Option<&'static Location<'static>>,
}

impl Chosen {
    pub(crate) fn set(&mut self, key: &str, value: &dyn Display, site: &'static Location<'static>) {
        self.given.push(Given::by_program(key, value, site));
        self.site = Some(site);
    }
}

/// Watches operations from now on, unless `TSVD=off`; also in programs that are no tests.
pub(crate) fn enable(chosen: Chosen) {
    // Its own allocations must not ask for a decision, should the allocator be watched.
    threads::unwatched(|| decide(true, &chosen));
    threads::forget_off();
}

/// At a thread's first operation, if nothing is decided yet.
pub(super) fn decide_at_operation() {
    decide(false, &Chosen::default());
}

/// Decides if nothing is decided yet. `wanted` is the program's own word.
fn decide(wanted: bool, chosen: &Chosen) {
    // First, for the rest takes a while, and a fork in it would leave the child undecided for ever.
    exit::forget_in_forked_children();
    if exit::is_forked_child() {
        return;
    }
    let one = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    // A program may enable what its first operation left off; a forked child stays off.
    let enables = wanted && NOW.is_off() && !recorder::is_forked();
    if !NOW.is_undecided() && !enables {
        drop(one);
        if !NOW.is_off() {
            complain_of_late(chosen);
        }
        return;
    }
    if this_is_a_tool() {
        NOW.switch_off();
        return;
    }
    let settled = settled(&chosen.given);
    // Wrong settings are nobody's concern where nothing is watched.
    let switch = match &settled {
        Ok(config) => config.switch,
        Err(_) => environment_says().unwrap_or(Switch::Auto),
    };
    let on = match switch {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => wanted || is_test(&std::env::args_os().collect::<Vec<_>>()),
    };
    if !on {
        NOW.switch_off();
        return;
    }
    let settled = settled.and_then(|config| match accepted(&config) {
        Ok(accepted) => Ok((config, accepted)),
        Err(wrong) => Err(vec![wrong]),
    });
    let (config, accepted) = match settled {
        Ok(settled) => settled,
        Err(wrong) => {
            drop(one);
            refuse(&wrong)
        }
    };
    CONFIG.get_or_init(|| config);
    let warning = recorder::begin(accepted);
    exit::at_exit();
    NOW.switch_on();
    drop(one);
    let troubles = warning.into_iter().chain(ticker::start());
    troubles.for_each(|text| recorder::say(&text));
}

/// Says once that settings which come after the decision change nothing.
fn complain_of_late(chosen: &Chosen) {
    static ONCE: Once = Once::new();
    if let Some(site) = chosen.site {
        ONCE.call_once(|| {
            recorder::say(&format!(
                "tsvd: {site}: these settings come too late and are not followed: operations are watched already. \
                 Set them before the first operation."
            ));
        });
    }
}

/// Looks at the settings before `main`, so that a wrong one stops a test process before any of its tests.
mod before_main {
    // SAFETY: runs before `main`, when std has its arguments and environment on every platform that has tests, and uses no
    // thread and no thread-local value with a destructor.
    ctor::declarative::ctor! {
        #[ctor(unsafe)]
        fn check() {
            // Unwinding out of it would abort, and its allocations must decide nothing, should the allocator be watched.
            let _ = std::panic::catch_unwind(|| super::threads::unwatched(super::check));
        }
    }
}

/// Nothing is looked at, and nothing said, in a process that is none of ours: rustc with a proc macro, a build script.
fn check() {
    let arguments: Vec<_> = std::env::args_os().collect();
    let concerned = match environment_says() {
        Some(Switch::On) => true,
        Some(Switch::Off) => false,
        Some(Switch::Auto) | None => is_test(&arguments),
    };
    if concerned && !this_is_a_tool() {
        let config = read(&[]);
        let switch = config.switch;
        if switch == Switch::On || switch == Switch::Auto && is_test(&arguments) {
            if let Err(wrong) = accepted(&config) {
                refuse(&[wrong]);
            }
            heartbeat::begin();
            // With one thread it takes no time: with two the system waits some milliseconds for all processors.
            SHARED.fences.choose();
        }
    }
}

/// The variable `TSVD` alone, for when the rest cannot be settled or is not looked at.
fn environment_says() -> Option<Switch> {
    match std::env::var("TSVD").ok()?.as_str() {
        "on" | "1" => Some(Switch::On),
        "off" | "0" => Some(Switch::Off),
        _ => None,
    }
}

fn this_is_a_tool() -> bool {
    std::env::current_exe().is_ok_and(|program| is_tool(&program))
}

/// Whether this program builds others and has our code by the way.
fn is_tool(program: &Path) -> bool {
    let stem = program.file_stem().and_then(|name| name.to_str());
    stem.is_some_and(|stem| {
        stem.starts_with("build-script-")
            || stem.starts_with("rust-analyzer")
            || ["rustc", "rustdoc", "clippy-driver", "miri"].contains(&stem)
    })
}

/// Whether this process is one that `cargo test` or nextest runs: a test executable lies in `deps` under a name that ends
/// in a hash, a doctest is called `rust_out`; a benchmark is told `--bench`.
fn is_test(arguments: &[OsString]) -> bool {
    let bench = arguments.iter().any(|argument| argument == "--bench");
    !bench && std::env::current_exe().is_ok_and(|program| is_test_program(&program))
}

fn is_test_program(program: &Path) -> bool {
    let folder = program
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let Some(name) = program.file_stem().and_then(|name| name.to_str()) else {
        return false;
    };
    let hashed = name.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    (folder == Some("deps") && hashed) || name == "rust_out"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_programs() {
        for test in [
            "/t/debug/deps/app-0123456789abcdef",
            "/tmp/rustdoctestX/rust_out",
            "/t/debug/deps/a-b-00000000ffffffff.exe",
        ] {
            assert!(is_test_program(Path::new(test)), "{test}");
        }
        for program in [
            "/t/debug/app",
            "/t/debug/deps/app",
            "/t/debug/build/app-0123456789abcdef/build-script-build",
            "/t/debug/examples/app-0123456789abcdef",
            "/usr/bin/rustc",
        ] {
            assert!(!is_test_program(Path::new(program)), "{program}");
        }
    }

    #[test]
    fn tools_that_carry_our_code_are_told_from_programs() {
        for tool in [
            "/usr/bin/rustc",
            "C:/bin/rustdoc.exe",
            "/usr/libexec/rust-analyzer-proc-macro-srv",
            "/t/debug/build/app-0123456789abcdef/build-script-build",
        ] {
            assert!(is_tool(Path::new(tool)), "{tool}");
        }
        for program in ["/t/debug/app", "/t/debug/deps/app-0123456789abcdef"] {
            assert!(!is_tool(Path::new(program)), "{program}");
        }
    }
}
