//! Settings in real processes: a wrong one stops before the first test, a right one is followed.

#![cfg(not(loom))]

mod process;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use process::{Ended, folder_for_links, link, run_with, run_with_bytes};

struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[tsvd::write]
    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A workspace with this `tsvd.toml`.
fn workspace(toml: impl AsRef<[u8]>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("Cargo.lock"), "").unwrap();
    std::fs::write(root.path().join("tsvd.toml"), toml).unwrap();
    root
}

/// A process that has these settings ends before it runs a test, with all of these texts.
fn stops(variables: &[(&str, &OsStr)], toml: impl AsRef<[u8]>, texts: &[&str]) {
    stops_in(&workspace(toml), variables, texts);
}

/// The same in this workspace.
fn stops_in(root: &tempfile::TempDir, variables: &[(&str, &OsStr)], texts: &[&str]) {
    let mut variables = variables.to_vec();
    variables.push(("CARGO_MANIFEST_DIR", root.path().as_os_str()));
    let ended = run_with_bytes(&variables, || println!("a test ran"))
        .expect("only a child whose settings are right gets here");
    let Ended { stdout, stderr, .. } = &ended;
    assert_eq!(ended.status, Some(2), "{stdout}\n{stderr}");
    for text in texts {
        assert!(stderr.contains(text), "{text:?} is not in {stderr}");
    }
    assert!(
        stderr
            .trim_end()
            .ends_with("nothing was run: correct this and run again.")
    );
    // Not even the test harness began.
    assert_eq!(stdout, "");
    assert!(ended.report.is_none());
}

/// In the child of a test that expects it to stop: the child was not stopped, and its parent sees that.
macro_rules! in_child {
    () => {
        if std::env::var_os("CHILD_OF_TSVD_TEST").is_some() {
            println!("a test ran");
            return;
        }
    };
}

#[test]
fn a_wrong_value_stops_before_any_test() {
    in_child!();
    for (variable, value, allowed) in [
        ("TSVD", "maybe", "`off`"),
        ("TSVD_ON_VIOLATION", "explode", "`abort`"),
        ("TSVD_STRATEGY", "fast", "`tsvd-fixed`"),
        ("TSVD_SEED", "x", "a whole number from 0 to"),
        ("TSVD_OBJECT_HISTORY", "8", "a whole number from 1 to 7"),
        ("TSVD_DECAY", "NaN", "a number from 0 to 1"),
    ] {
        let named = format!("tsvd: {variable}={value:?} is not allowed; {variable} is ");
        stops(&[(variable, OsStr::new(value))], "", &[&named, allowed]);
    }
}

#[test]
fn nothing_is_wrong_for_a_process_that_watches_nothing() {
    for (name, value) in [("TSVD_SEED", "x"), ("TSVD_UNKNOWN", "1")] {
        let Some(ended) = run_with(&[("TSVD", "off"), (name, value)], || Store::new().insert())
        else {
            return;
        };
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("tsvd"), "{}", ended.stderr);
    }
}

#[test]
fn variables_of_the_models_are_no_settings() {
    let variable = ("TSVD_LOOM_CHECKPOINT", "folder");
    let Some(ended) = run_with(&[variable], || Store::new().insert()) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
}

#[test]
fn an_unknown_variable_stops_with_the_nearest_right_one() {
    in_child!();
    stops(
        &[("TSVD_WINDW_MS", OsStr::new("5"))],
        "",
        &["tsvd: there is no setting TSVD_WINDW_MS; did you mean `TSVD_WINDOW_MS`?"],
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_stops() {
    use std::os::unix::ffi::OsStrExt;
    in_child!();
    stops(
        &[("TSVD_SEED", OsStr::from_bytes(b"4\xff2"))],
        "",
        &["tsvd: TSVD_SEED=\"4\\xFF2\" is not allowed"],
    );
}

#[test]
fn a_wrong_file_stops_with_its_line() {
    in_child!();
    let cases: [(&[u8], &str); 5] = [
        (
            b"\nwindw_ms = 5",
            "tsvd.toml:2: there is no setting \"windw_ms\"; did you mean `window_ms`?",
        ),
        (
            b"window_ms = \"5\"",
            "tsvd.toml:1: window_ms = \"5\" is not allowed; window_ms is a whole number from 1 to 3600000",
        ),
        (
            b"strategy = 'fast'",
            "tsvd.toml:1: strategy = \"fast\" is not allowed; strategy is `tsvd`",
        ),
        (b"seed = 1\nwindow_ms 5", "tsvd.toml:2: not TOML: "),
        (
            b"dir = \"\xff\"",
            "tsvd.toml: stream did not contain valid UTF-8",
        ),
    ];
    for (toml, text) in cases {
        stops(&[], toml, &[text]);
    }
}

#[test]
fn a_wrong_baseline_stops_with_its_line() {
    in_child!();
    let root = workspace("");
    let baseline = |text: &[u8]| {
        std::fs::write(root.path().join("tsvd-baseline.json"), text).unwrap();
    };
    let cases: [(&[u8], &str); 4] = [
        (
            b"{\"schema\": \"tsvd-baseline/1\", \"accepted\": [\n<<<<<<< HEAD\n]}",
            "tsvd-baseline.json:2: no baseline: expected value",
        ),
        (
            b"{\"schema\": \"tsvd-baseline/1\", \"accepted\": [\n{\"id\": \"1\"}\n]}",
            "tsvd-baseline.json:2: no baseline: invalid value: string \"1\", expected an id",
        ),
        (
            b"{\"schema\": \"tsvd-report/1\"}",
            "its schema is \"tsvd-report/1\", this version of tsvd reads \"tsvd-baseline/1\"",
        ),
        (b"\xff", "stream did not contain valid UTF-8"),
    ];
    for (text, message) in cases {
        baseline(text);
        stops_in(&root, &[], &[message]);
    }
    std::fs::rename(
        root.path().join("tsvd-baseline.json"),
        root.path().join("named.json"),
    )
    .unwrap();
    let named = ("TSVD_BASELINE", OsStr::new("named.json"));
    stops_in(&root, &[named], &["named.json", "UTF-8"]);
    let missing = ("TSVD_BASELINE", OsStr::new("none.json"));
    stops_in(
        &root,
        &[missing],
        &["TSVD_BASELINE=\"none.json\" is not allowed; TSVD_BASELINE is a file that is there"],
    );
}

#[test]
fn a_baseline_that_nobody_reads_is_not_wrong() {
    let root = workspace("");
    std::fs::write(root.path().join("tsvd-baseline.json"), "").unwrap();
    let there = ("CARGO_MANIFEST_DIR", root.path().to_str().unwrap());
    for setting in [("TSVD", "off"), ("TSVD_SUSPICIONS", "off")] {
        let Some(ended) = run_with(&[there, setting], || Store::new().insert()) else {
            return;
        };
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("baseline"), "{}", ended.stderr);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    in_child!();
    stops(
        &[("TSVD_SEED", OsStr::new("x")), ("TSVD_X", OsStr::new("1"))],
        "decay = 2\nwindow = 5",
        &[
            "TSVD_SEED=",
            "TSVD_X;",
            "tsvd.toml:1: decay",
            "tsvd.toml:2: there",
        ],
    );
}

/// Calls that meet again and again if one is held, and how they were watched.
fn work() {
    let store = Store::new();
    let call = || {
        for _ in 0..200 {
            store.insert();
            let begun = std::time::Instant::now();
            while begun.elapsed().as_micros() < 100 {
                std::hint::spin_loop();
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(call);
        scope.spawn(call);
    });
}

/// The strategy and number of delays of a process that works with these settings.
fn strategy(
    variables: &[(&str, &str)],
    toml: &str,
    first: impl FnOnce(),
) -> Option<(String, u64, Ended)> {
    let root = workspace(toml);
    let root = root.path().to_str().unwrap();
    let mut variables = variables.to_vec();
    variables.extend([
        ("CARGO_MANIFEST_DIR", root),
        ("TSVD_ON_VIOLATION", "record"),
    ]);
    let ended = run_with(&variables, || {
        first();
        work();
    })?;
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let report = ended.report.as_ref().expect("a report");
    Some((report.run.strategy.clone(), report.summary.delays, ended))
}

#[test]
fn the_file_is_followed() {
    let Some((name, delays, _)) = strategy(&[], "strategy = \"observe\"", || ()) else {
        return;
    };
    assert_eq!((name.as_str(), delays), ("observe", 0));
}

#[test]
fn without_any_setting_the_same_work_is_delayed() {
    let Some((name, delays, ended)) = strategy(&[], "", || ()) else {
        return;
    };
    assert_eq!(name, "tsvd");
    assert!(delays > 0, "{}", ended.stderr);
    assert_eq!(ended.report.unwrap().violations.len(), 1);
}

#[test]
fn the_environment_comes_before_the_file() {
    let Some((name, delays, _)) = strategy(
        &[("TSVD_STRATEGY", "observe")],
        "strategy = \"tsvd\"",
        || (),
    ) else {
        return;
    };
    assert_eq!((name.as_str(), delays), ("observe", 0));
}

#[test]
fn the_program_comes_before_both() {
    let settings = || {
        tsvd::settings()
            .set("strategy", "observe")
            .set("seed", 7)
            .enable()
    };
    let Some((name, delays, ended)) = strategy(
        &[("TSVD_STRATEGY", "random")],
        "strategy = \"tsvd\"\nseed = 8",
        settings,
    ) else {
        return;
    };
    assert_eq!((name.as_str(), delays), ("observe", 0));
    assert_eq!(ended.report.unwrap().run.seed, 7);
}

#[test]
fn settings_that_come_too_late_are_said_to_and_not_followed() {
    let Some((name, delays, ended)) = strategy(&[], "strategy = \"observe\"", || {
        Store::new().insert();
        tsvd::settings().set("strategy", "random").enable();
        tsvd::settings().set("strategy", "tsvd").enable();
        // Says nothing of settings.
        tsvd::enable();
    }) else {
        return;
    };
    assert_eq!((name.as_str(), delays), ("observe", 0));
    let Ended { stderr, .. } = ended;
    assert_eq!(stderr.matches("come too late").count(), 1, "{stderr}");
    assert!(stderr.contains("tsvd/tests/settings.rs:"), "{stderr}");
}

#[test]
fn a_wrong_setting_of_the_program_stops_where_it_is_enabled() {
    let Some(ended) = run_with(&[], || {
        tsvd::settings().set("strateg", "random").enable();
        println!("it went on");
    }) else {
        return;
    };
    assert_eq!(ended.status, Some(2), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("there is no setting \"strateg\"; did you mean `strategy`?"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("tsvd/tests/settings.rs:"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stdout.contains("it went on"));
}

/// Runs this executable under another name; it lists its tests.
fn list_as(program: &Path, variables: &[(&str, &str)]) -> Output {
    link(program);
    Command::new(program)
        .arg("--list")
        .env_remove("TSVD")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn only_processes_that_may_be_watched_look_at_settings_before_main() {
    let folder = folder_for_links();
    let wrong = ("TSVD_SEED", "x");
    for (name, switch, stops) in [
        ("deps/app-0123456789abcdef", None, true),
        ("plain/app", None, false),
        ("on/app", Some("on"), true),
        ("rustc", Some("on"), false),
        ("build-script-build", Some("on"), false),
    ] {
        let program = folder.path().join(name);
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        let mut variables = vec![wrong];
        variables.extend(switch.map(|switch| ("TSVD", switch)));
        let output = list_as(&program, &variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let status = if stops { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(status), "{name}: {stderr}");
        assert_eq!(stderr.contains("TSVD_SEED"), stops, "{name}: {stderr}");
        assert_eq!(output.stdout.is_empty(), stops, "{name}");
    }
}
