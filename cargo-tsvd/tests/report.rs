//! `cargo tsvd report`, run as users run it on folders of reports.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use folders::{
    CLEAN, NOTHING, USAGE, VIOLATIONS, check, command, folder, leave, package, report, texts,
    violation,
};

mod folders;

/// Runs `cargo-tsvd report` with `arguments` on the reports of `folder`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    command()
        .arg("report")
        .arg("--dir")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn violations_are_shown_on_stdout() {
    let folder = folder(&[(
        "1.json",
        report(42, &[violation("0123456789abcdef", "worker")]).to_string(),
    )]);
    let path = folder.path().join("reports/1.json");
    for arguments in [&[][..], &["--format", "human"]] {
        let output = run(folder.path(), arguments);
        let stdout = [
            "tsvd: thread-safety violation (read-write)",
            "`app::Slab::insert` and `app::Slab::get`",
            "TSVD_SEED=42 target/debug/app",
            path.to_str().unwrap(),
            "tsvd: 1 violation, seen once",
        ];
        check(&output, VIOLATIONS, &stdout, &[]);
        assert!(!texts(&output).0.contains('\u{1b}'), "no colours in a pipe");
    }
}

#[test]
fn json_is_the_merged_report() {
    let same = "0123456789abcdef";
    let folder = folder(&[
        ("1.json", report(1, &[violation(same, "a")]).to_string()),
        (
            "2.json",
            report(
                2,
                &[violation(same, "a"), violation("fedcba9876543210", "b")],
            )
            .to_string(),
        ),
    ]);
    let output = run(folder.path(), &["--format", "json"]);
    check(&output, VIOLATIONS, &["{"], &[]);
    let merged: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(merged["schema"], "tsvd-report/1");
    assert_eq!(merged["summary"]["operations"], 20);
    let violations = merged["violations"].as_array().unwrap();
    assert_eq!(violations.len(), 2);
    assert_eq!(violations[0]["id"], same);
    assert_eq!(violations[0]["occurrences"], 2);
}

#[test]
fn each_violation_names_the_run_it_was_seen_in() {
    let folder = folder(&[
        (
            "1.json",
            report(1, &[violation("1111111111111111", "a")]).to_string(),
        ),
        (
            "2.json",
            report(2, &[violation("2222222222222222", "b")]).to_string(),
        ),
    ]);
    let (stdout, _) = texts(&run(folder.path(), &[]));
    let of = |id: &str| {
        stdout
            .split("\n\ntsvd: ")
            .find(|text| text.contains(id))
            .unwrap()
    };
    assert!(of("1111111111111111").contains("TSVD_SEED=1 "), "{stdout}");
    assert!(of("2222222222222222").contains("TSVD_SEED=2 "), "{stdout}");
    assert!(of("2222222222222222").contains("2.json"), "{stdout}");
}

#[test]
fn a_clean_run_is_clean() {
    let folder = folder(&[("1.json", report(1, &[]).to_string())]);
    check(
        &run(folder.path(), &[]),
        CLEAN,
        &["tsvd: no violation\n"],
        &[],
    );
    check(
        &run(folder.path(), &["--format", "json"]),
        CLEAN,
        &["{"],
        &[],
    );
}

#[test]
fn a_violation_between_tests_does_not_fail() {
    let mut cross = violation("0123456789abcdef", "a");
    cross["cross_test"] = json!(true);
    let folder = folder(&[("1.json", report(1, &[cross]).to_string())]);
    check(
        &run(folder.path(), &[]),
        CLEAN,
        &["two different tests"],
        &[],
    );
}

#[test]
fn cargo_finds_it_as_a_subcommand() {
    let folder = folder(&[("1.json", report(1, &[]).to_string())]);
    let own = Path::new(env!("CARGO_BIN_EXE_cargo-tsvd"))
        .parent()
        .unwrap()
        .to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let output = Command::new("cargo")
        .args(["tsvd", "report", "--dir"])
        .arg(folder.path())
        .env("PATH", path)
        .output()
        .unwrap();
    check(&output, CLEAN, &["tsvd: no violation"], &[]);
}

#[test]
fn files_that_are_no_reports_are_named_and_the_run_goes_on() {
    let whole = report(1, &[violation("0123456789abcdef", "a")]).to_string();
    let mut later = report(2, &[]);
    later["schema"] = json!("tsvd-report/2");
    let folder = folder(&[
        ("torn.json", whole[..whole.len() / 2].to_owned()),
        ("later.json", later.to_string()),
        ("foreign.json", "[]".to_owned()),
        ("whole.json", whole),
    ]);
    let stderr = [
        "torn.json ends in its middle",
        r#"later.json has schema "tsvd-report/2", this version of tsvd reads "tsvd-report/1""#,
        "foreign.json is not a report of tsvd",
    ];
    for format in ["human", "json"] {
        let output = run(folder.path(), &["--format", format]);
        check(&output, VIOLATIONS, &["0123456789abcdef"], &stderr);
        assert_eq!(texts(&output).1.matches("warning: ").count(), 3);
    }
}

#[test]
fn nothing_to_judge_is_not_all_clear() {
    let what_to_do = "#[tsvd::contract]";
    let empty = folder(&[]);
    check(
        &run(empty.path(), &[]),
        NOTHING,
        &[],
        &[
            "error: nothing to report: there is no report in",
            what_to_do,
        ],
    );
    let none = empty.path().join("none");
    check(
        &run(&none, &["--format", "json"]),
        NOTHING,
        &[],
        &["there is no folder", "none", what_to_do],
    );
    let torn = folder(&[("1.json", "{".to_owned())]);
    check(
        &run(torn.path(), &[]),
        NOTHING,
        &[],
        &["1.json ends in its middle", "none of 1 file", what_to_do],
    );
    let mut idle = report(1, &[]);
    idle["summary"]["operations"] = json!(0);
    let idle = folder(&[("1.json", idle.to_string())]);
    check(
        &run(idle.path(), &[]),
        NOTHING,
        &["no violation"],
        &["no annotated operation ran", what_to_do],
    );
}

#[test]
fn files_can_be_named() {
    let folder = folder(&[
        (
            "1.json",
            report(1, &[violation("0123456789abcdef", "a")]).to_string(),
        ),
        ("2.json", report(2, &[]).to_string()),
    ]);
    let file = |name: &str| folder.path().join("reports").join(name);
    let run = |files: &[&str]| {
        command()
            .arg("report")
            .args(files.iter().map(|name| file(name)))
            .output()
            .unwrap()
    };
    check(&run(&["2.json"]), CLEAN, &["no violation"], &[]);
    check(
        &run(&["1.json", "2.json"]),
        VIOLATIONS,
        &["0123456789abcdef"],
        &[],
    );
    check(
        &run(&["2.json", "3.json"]),
        CLEAN,
        &["no violation"],
        &["warning: cannot read report", "3.json"],
    );
}

#[test]
fn the_folder_is_found_by_variable_or_cargo() {
    let moved = folder(&[("1.json", report(1, &[]).to_string())]);
    let output = command()
        .arg("report")
        .env("TSVD_DIR", moved.path())
        .output()
        .unwrap();
    check(&output, CLEAN, &["no violation"], &[]);
    // What is asked for on the command line wins.
    let output = command()
        .args(["report", "--dir"])
        .arg(moved.path())
        .env("TSVD_DIR", "/nowhere")
        .output()
        .unwrap();
    check(&output, CLEAN, &["no violation"], &[]);

    let package = package(&[]);
    let with_one = [(
        "1.json",
        report(1, &[violation("0123456789abcdef", "a")]).to_string(),
    )];
    leave(&package.path().join("elsewhere/tsvd"), &with_one);
    // An empty variable is an unset one.
    for variable in [None, Some("")] {
        let output = command()
            .arg("report")
            .current_dir(package.path().join("src"))
            .env("CARGO_TARGET_DIR", package.path().join("elsewhere"))
            .envs(variable.map(|empty| ("TSVD_DIR", empty)))
            .output()
            .unwrap();
        check(&output, VIOLATIONS, &["0123456789abcdef"], &[]);
    }
}

#[test]
fn the_folder_that_the_workspace_sets_is_found() {
    let package = package(&[("1.json", report(1, &[]).to_string())]);
    let with_one = [(
        "1.json",
        report(1, &[violation("0123456789abcdef", "a")]).to_string(),
    )];
    leave(&package.path().join("out"), &with_one);
    let run = |toml: &str| {
        fs::write(package.path().join("tsvd.toml"), toml).unwrap();
        command()
            .arg("report")
            .current_dir(package.path().join("src"))
            .output()
            .unwrap()
    };
    check(&run("seed = 1"), CLEAN, &["no violation"], &[]);
    check(&run("dir = 'out'"), VIOLATIONS, &["0123456789abcdef"], &[]);
    check(
        &run("seed = 1\ndir = 1"),
        USAGE,
        &[],
        &["tsvd.toml:2: dir is a path"],
    );
}

#[test]
fn outside_of_a_package_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = command()
        .arg("report")
        .current_dir(folder.path())
        .output()
        .unwrap();
    check(
        &output,
        USAGE,
        &[],
        &[
            "cannot find cargo's target folder",
            "Cargo.toml",
            "--dir DIR",
        ],
    );
}

#[test]
fn hostile_texts_do_not_reach_the_terminal() {
    let hostile = "\u{1b}]0;title\u{7}\u{1b}[2J\r\n\u{202e}";
    let mut violation = violation("0123456789abcdef", hostile);
    violation["object"]["key"] = json!(hostile);
    violation["first"]["site"]["file"] = json!(hostile);
    let mut unknown = report(1, &[]);
    unknown["schema"] = json!("tsvd-report/1\u{1b}[2J");
    let mut kind = report(1, std::slice::from_ref(&violation));
    kind["violations"][0]["kind"] = json!(hostile);
    let folder = folder(&[
        ("1.json", report(1, &[violation]).to_string()),
        ("2\u{1b}[2J.json", unknown.to_string()),
        ("3.json", kind.to_string()),
    ]);
    let output = run(folder.path(), &[]);
    check(
        &output,
        VIOLATIONS,
        &[r#"thread "\u{1b}]0;title\u{7}\u{1b}[2J\r\n\u{202e}""#],
        &["warning: "],
    );
    let (stdout, stderr) = texts(&output);
    let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!stdout.contains(raw), "{stdout:?}");
    assert!(!stderr.contains(raw), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    // More than a pipe holds, so that the writer is still at it when the reader leaves.
    let violations: Vec<_> = (0..2_000)
        .map(|number| violation(&format!("{number:016x}"), "a"))
        .collect();
    let folder = folder(&[("1.json", report(1, &violations).to_string())]);
    for format in ["human", "json"] {
        let mut child = command()
            .args(["report", "--format", format, "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        // The reader is gone: the verdict is the same, and nothing is said.
        check(&child.wait_with_output().unwrap(), VIOLATIONS, &[], &[]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = folder(&[("1.json", report(1, &[]).to_string())]);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command()
        .args(["report", "--dir"])
        .arg(folder.path())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    check(&output, 70, &[], &["error: cannot write to stdout: "]);
}

#[test]
fn wrong_arguments_are_refused() {
    let run = |arguments: &[&str]| command().args(arguments).output().unwrap();
    check(
        &run(&["report", "--format", "xml"]),
        USAGE,
        &[],
        &["'xml'", "human, json"],
    );
    check(
        &run(&["report", "--dir", "a", "b.json"]),
        USAGE,
        &[],
        &["cannot be used with"],
    );
    check(&run(&["raport"]), USAGE, &[], &["'raport'", "report"]);
    check(&run(&[]), USAGE, &[], &["cargo tsvd <COMMAND>"]);
    check(
        &run(&["report", "--help"]),
        CLEAN,
        &["cargo tsvd report", "nothing to judge"],
        &[],
    );
    check(
        &run(&["tsvd", "--version"]),
        CLEAN,
        &[env!("CARGO_PKG_VERSION")],
        &[],
    );
}

/// What a process without operations leaves.
fn heartbeat(folder: &Path, program: &str, annotated: Option<u64>) {
    let heartbeat = json!({
        "schema": "tsvd-heartbeat/1", "command": [program], "pid": 1, "test": null, "annotated": annotated
    });
    let folder = folder.join("heartbeat");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join(program).with_extension("json"),
        heartbeat.to_string(),
    )
    .unwrap();
}

#[test]
fn heartbeats_tell_why_there_is_no_report() {
    let none = tempfile::tempdir().unwrap();
    check(
        &run(none.path(), &[]),
        NOTHING,
        &[],
        &["there is no folder"],
    );
    heartbeat(none.path(), "a", Some(0));
    let texts = ["nothing was instrumented: 1 program has run with detection"];
    check(&run(none.path(), &[]), NOTHING, &[], &texts);
    heartbeat(none.path(), "b", Some(7));
    let texts = [
        "no operation ran: 2 programs have run with detection and called no annotated operation of 7.",
    ];
    check(&run(none.path(), &[]), NOTHING, &[], &texts);
    heartbeat(none.path(), "c", None);
    let texts =
        ["no operation ran: 3 programs have run with detection and called no annotated operation."];
    check(&run(none.path(), &[]), NOTHING, &[], &texts);
    // Not one of this version.
    fs::write(none.path().join("heartbeat/a.json"), "{}").unwrap();
    check(
        &run(none.path(), &[]),
        NOTHING,
        &[],
        &["2 programs have run"],
    );
}

#[test]
fn a_heartbeat_beside_reports_says_nothing() {
    let folder = folder(&[("1.json", report(1, &[]).to_string())]);
    heartbeat(folder.path(), "a", Some(0));
    check(&run(folder.path(), &[]), CLEAN, &["no violation"], &[]);
}

#[test]
fn the_first_resolver_is_told() {
    let package = tempfile::tempdir().unwrap();
    fs::create_dir(package.path().join("src")).unwrap();
    fs::write(package.path().join("src/lib.rs"), "").unwrap();
    let ask = |edition: &str| {
        let manifest = format!("[package]\nname = \"app\"\nedition = \"{edition}\"\n");
        fs::write(package.path().join("Cargo.toml"), manifest).unwrap();
        let mut command = command();
        command.arg("report").current_dir(package.path());
        texts(&command.env_remove("CARGO_TARGET_DIR").output().unwrap()).1
    };
    assert!(ask("2018").contains("note: this workspace has the feature resolver 1"));
    assert!(!ask("2021").contains("resolver"));
}

#[test]
fn an_expected_violation_fails_nobody() {
    let mut expected = violation("0123456789abcdef", "worker");
    expected["expected"] = json!(true);
    let folder = folder(&[("1.json", report(1, &[expected]).to_string())]);
    let texts = ["The test expects it", "1 expected by the test"];
    check(&run(folder.path(), &[]), CLEAN, &texts, &[]);
}

#[test]
fn clean_removes_what_runs_left_and_keeps_what_they_learnt() {
    let folder = folder(&[
        ("1.json", report(1, &[]).to_string()),
        ("mine.txt", String::new()),
    ]);
    heartbeat(folder.path(), "a", None);
    let traps = folder.path().join("traps.json");
    fs::write(&traps, "{}").unwrap();
    let clean = |arguments: &[&str]| {
        let mut command = command();
        command.args(["clean", "--dir"]).arg(folder.path());
        command.args(arguments).output().unwrap()
    };
    check(&clean(&[]), CLEAN, &[], &["removed 2 file(s) from"]);
    assert!(traps.exists() && folder.path().join("reports/mine.txt").exists());
    assert!(!folder.path().join("reports/1.json").exists());
    assert!(!folder.path().join("heartbeat/a.json").exists());
    check(&clean(&["--all"]), CLEAN, &[], &["removed 1 file(s) from"]);
    assert!(!traps.exists());
    check(&clean(&["--all"]), CLEAN, &[], &["removed 0 file(s) from"]);
}
