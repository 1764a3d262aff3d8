//! When operations are watched: decided once, at the first operation or at [`enable`].

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{NOW, exit, recorder, threads, ticker};
use crate::config::{Config, Switch};

static CONFIG: OnceLock<Config> = OnceLock::new();
static DECIDING: Mutex<()> = Mutex::new(());

/// The exit status for settings that are not allowed, as of every `cargo tsvd` command.
const USAGE: i32 = 2;

/// The settings; a wrong one ends the process before anything is watched.
pub(super) fn config() -> &'static Config {
    CONFIG.get_or_init(|| {
        Config::from_environment().unwrap_or_else(|wrong| {
            eprintln!("tsvd: {wrong}. Nothing was run: correct or unset it and run again.");
            std::process::exit(USAGE);
        })
    })
}

/// Watches operations from now on, unless `TSVD=off`; also in programs that are no tests.
pub(crate) fn enable() {
    // Its own allocations must not ask for a decision, should the allocator be watched.
    threads::unwatched(|| decide(true));
}

/// Decides if nothing is decided yet. `wanted` is the program's own word.
pub(super) fn decide(wanted: bool) {
    // First, for the rest takes a while, and a fork in it would leave the child undecided for ever.
    exit::forget_in_forked_children();
    let one = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    // A program may enable what its first operation left off; a forked child stays off.
    let enables = wanted && NOW.is_off() && !recorder::is_forked();
    if !NOW.is_undecided() && !enables {
        return;
    }
    let on = match config().switch {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => wanted || is_test(&std::env::args_os().collect::<Vec<_>>()),
    };
    if !on {
        NOW.switch_off();
        return;
    }
    let warning = recorder::begin();
    exit::at_exit();
    NOW.switch_on();
    drop(one);
    let troubles = warning.into_iter().chain(ticker::start());
    troubles.for_each(|text| recorder::say(&text));
}

/// Whether this process is one that `cargo test` or nextest runs: a test executable lies in `deps` under a name that ends
/// in a hash, a doctest is called `rust_out`; a benchmark is told `--bench`.
fn is_test(arguments: &[std::ffi::OsString]) -> bool {
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
}
