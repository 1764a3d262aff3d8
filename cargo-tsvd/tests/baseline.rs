//! `cargo tsvd baseline`, run as users run it in a package with reports.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use folders::{
    CLEAN, NOTHING, USAGE, VIOLATIONS, check, command, folder, leave, package, report, texts,
    violation,
};

mod folders;

const A: &str = "000000000000000a";
const B: &str = "000000000000000b";

/// Check-then-act in `take`, at these lines.
fn suspicion(id: &str, line: u32) -> Value {
    let mut suspicion = violation(id, "a");
    suspicion["kind"] = json!("atomicity");
    let mut next = suspicion["first"].clone();
    suspicion["first"]["operation"] = json!("get");
    for (party, line) in [(&mut suspicion["first"], line), (&mut next, line + 2)] {
        party["site"]["line"] = json!(line);
    }
    suspicion["second"]["operation"] = json!("remove");
    let accesses = json!([suspicion["first"], next]);
    suspicion["region"] =
        json!({"name": "app::take", "pattern": "R-W-W", "strict": false, "accesses": accesses});
    suspicion
}

fn suspected(suspicions: &[Value]) -> String {
    let mut report = report(1, &[]);
    report["suspicions"] = json!(suspicions);
    report.to_string()
}

/// Runs `cargo-tsvd baseline` in `folder`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    command()
        .arg("baseline")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn accepted(folder: &Path) -> String {
    fs::read_to_string(folder.join("tsvd-baseline.json")).unwrap()
}

#[test]
fn what_was_written_is_accepted() {
    let package = package(&[("1.json", suspected(&[suspicion(B, 7), suspicion(A, 7)]))]);
    let root = package.path();
    let denied = [
        "000000000000000a  atomicity R-W-W  app::take  `get` at src/main.rs:7, then `insert` at src/main.rs:9; in between `remove` at src/main.rs:3\n",
        "000000000000000b  ",
    ];
    let what_to_do = "2 suspicions not in ";
    check(
        &run(root, &["check"]),
        VIOLATIONS,
        &denied,
        &[what_to_do, "tsvd-baseline.json", "baseline write"],
    );
    // From a folder below the root, too.
    let written = run(&root.join("src"), &["write"]);
    let said = [
        "accepted: 000000000000000a  atomicity R-W-W  app::take",
        "accepts 2 suspicions: 2 new, 0 dropped",
    ];
    check(&written, CLEAN, &[], &said);
    let line = |id: &str| {
        format!(
            r#"{{"id":"{id}","kind":"atomicity R-W-W","function":"app::take","calls":"`get` at src/main.rs:7, then `insert` at src/main.rs:9; in between `remove` at src/main.rs:3"}}"#
        )
    };
    let expected = format!(
        "{{\"schema\": \"tsvd-baseline/1\", \"accepted\": [\n{},\n{}\n]}}\n",
        line(A),
        line(B)
    );
    assert_eq!(accepted(root), expected);
    let said = ["2 suspicions in the reports, none that is not in "];
    check(&run(root, &["check"]), CLEAN, &[], &said);
}

#[test]
fn writing_adds_and_keeps_what_is_there_as_it_stands() {
    let package = package(&[("1.json", suspected(&[suspicion(B, 7)]))]);
    let root = package.path();
    run(root, &["write"]);
    let noted = accepted(root).replace("\"kind\"", "\"note\":\"at the start\",\"kind\"");
    fs::write(root.join("tsvd-baseline.json"), &noted).unwrap();
    // The lines of its calls have moved, which is nothing new.
    leave(
        &root.join("target/tsvd"),
        &[("1.json", suspected(&[suspicion(B, 70)]))],
    );
    let said = ["accepts 1 suspicion: 0 new, 0 dropped"];
    check(&run(root, &["write"]), CLEAN, &[], &said);
    assert_eq!(accepted(root), noted, "nothing new changes nothing");

    leave(
        &root.join("target/tsvd"),
        &[("1.json", suspected(&[suspicion(A, 7)]))],
    );
    let said = ["accepts 2 suspicions: 1 new, 0 dropped"];
    check(&run(root, &["write"]), CLEAN, &[], &said);
    let both = accepted(root);
    assert_eq!(both.matches("src/main.rs:7,").count(), 2, "{both}");
    assert!(both.contains("\"note\":\"at the start\""), "{both}");
    let said = ["accepted, but not seen: 000000000000000b", "1 suspicion in"];
    check(&run(root, &["check"]), CLEAN, &[], &said);

    let said = [
        "dropped: 000000000000000b",
        "accepts 1 suspicion: 0 new, 1 dropped",
    ];
    check(&run(root, &["write", "--prune"]), CLEAN, &[], &said);
    assert!(!accepted(root).contains(B));
}

#[test]
fn violations_are_left_out() {
    let mut both = report(1, &[violation(A, "a")]);
    both["suspicions"] = json!([suspicion(B, 7)]);
    let package = package(&[("1.json", both.to_string())]);
    let said = ["1 new", "left out: 1 violation, which no baseline accepts"];
    check(&run(package.path(), &["write"]), CLEAN, &[], &said);
    assert!(!accepted(package.path()).contains(A));
    let said = ["left out: 1 violation", "1 suspicion in the reports"];
    check(&run(package.path(), &["check"]), CLEAN, &[], &said);
}

#[test]
fn the_file_is_found_by_argument_variable_or_workspace() {
    let package = package(&[("1.json", suspected(&[suspicion(A, 7)]))]);
    let root = package.path();
    fs::write(root.join("tsvd.toml"), "baseline = 'set.json'").unwrap();
    let written = |arguments: &[&str], variable: Option<&str>, file: &str| {
        let output = command()
            .args(["baseline", "write"])
            .args(arguments)
            .envs(variable.map(|value| ("TSVD_BASELINE", value)))
            .current_dir(root.join("src"))
            .output()
            .unwrap();
        check(&output, CLEAN, &[], &["1 new"]);
        // Only there is anything to remove.
        fs::remove_file(root.join(file)).unwrap();
    };
    written(&[], None, "set.json");
    written(&[], Some(""), "set.json");
    written(&[], Some("ci/of_variable.json"), "ci/of_variable.json");
    // Seen from where it is typed, as all arguments.
    let argument = ["--baseline", "typed.json"];
    written(&argument, Some("of_variable.json"), "src/typed.json");
    fs::remove_file(root.join("tsvd.toml")).unwrap();
    written(&[], None, "tsvd-baseline.json");
}

#[test]
fn a_named_file_that_is_missing_is_an_error_that_write_ends() {
    let package = package(&[]);
    let root = package.path();
    fs::write(root.join("tsvd.toml"), "baseline = 'set.json'").unwrap();
    let said = ["error: there is no ", "set.json", "baseline write"];
    check(&run(root, &["check"]), USAGE, &[], &said);
    // Before there is any report, for none comes without the file.
    let said = ["set.json accepts 0 suspicions: 0 new, 0 dropped"];
    check(&run(root, &["write"]), CLEAN, &[], &said);
    check(&run(root, &["check"]), NOTHING, &[], &["no report"]);
    check(&run(root, &["write"]), NOTHING, &[], &["no report"]);
}

#[test]
fn nothing_to_judge_is_not_all_accepted() {
    let package = package(&[]);
    for command in ["check", "write"] {
        let said = ["nothing to report", "there is no report"];
        check(&run(package.path(), &[command]), NOTHING, &[], &said);
    }
    assert!(!package.path().join("tsvd-baseline.json").exists());
    let mut idle = report(1, &[]);
    idle["summary"]["operations"] = json!(0);
    leave(
        &package.path().join("target/tsvd"),
        &[("1.json", idle.to_string())],
    );
    let said = ["no annotated operation ran"];
    check(&run(package.path(), &["check"]), NOTHING, &[], &said);
}

#[test]
fn a_broken_file_is_refused_and_left_as_it_is() {
    let package = package(&[("1.json", suspected(&[suspicion(A, 7)]))]);
    let file = package.path().join("tsvd-baseline.json");
    for (text, problem) in [
        ("", "tsvd-baseline.json:1: no baseline: EOF"),
        (
            "{\"schema\": \"tsvd-baseline/1\", \"accepted\": [\n<<<<<<< HEAD\n]}",
            "tsvd-baseline.json:2: no baseline: expected value",
        ),
        (
            "{\"schema\": \"tsvd-baseline/2\"}",
            "its schema is \"tsvd-baseline/2\", this version of tsvd reads \"tsvd-baseline/1\"",
        ),
    ] {
        fs::write(&file, text).unwrap();
        for command in ["check", "write"] {
            let said = ["error: ", problem];
            check(&run(package.path(), &[command]), USAGE, &[], &said);
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}

#[test]
fn reports_of_another_folder_or_file_are_judged() {
    let elsewhere = folder(&[("1.json", suspected(&[suspicion(A, 7)]))]);
    let none = tempfile::tempdir().unwrap();
    let baseline = none.path().join("b.json");
    let baseline = ["--baseline", baseline.to_str().unwrap()];
    let dir = ["--dir", elsewhere.path().to_str().unwrap()];
    let file = elsewhere.path().join("reports/1.json");
    let file = [file.to_str().unwrap()];
    // No package is needed where all is named.
    let run = |command, reports: &[&str]| {
        run(none.path(), &[&[command], &baseline[..], reports].concat())
    };
    check(&run("write", &dir), CLEAN, &[], &["1 new"]);
    check(&run("check", &file), CLEAN, &[], &["1 suspicion in"]);
    let said = ["cannot find the workspace", "--baseline BASELINE"];
    let unnamed = [&["check"], &dir[..]].concat();
    check(&self::run(none.path(), &unnamed), USAGE, &[], &said);
}

#[test]
fn hostile_texts_do_not_reach_the_terminal() {
    let hostile = "\u{1b}]0;title\u{7}\r\n\u{202e}";
    let mut suspicion = suspicion(A, 7);
    suspicion["region"]["name"] = json!(hostile);
    suspicion["first"]["site"]["file"] = json!(hostile);
    let package = package(&[("1.json", suspected(&[suspicion]))]);
    let root = package.path();
    for command in ["check", "write", "check"] {
        let (stdout, stderr) = texts(&run(root, &[command]));
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!stdout.contains(raw), "{stdout:?}");
        assert!(!stderr.contains(raw), "{stderr:?}");
    }
    assert_eq!(accepted(root).lines().count(), 3);
}

#[test]
fn wrong_arguments_are_refused() {
    let package = package(&[]);
    let run = |arguments: &[&str]| run(package.path(), arguments);
    check(&run(&[]), USAGE, &[], &["write", "check"]);
    check(&run(&["check", "--prune"]), USAGE, &[], &["'--prune'"]);
    let help = ["--prune", "kept as it stands", "--baseline"];
    check(&run(&["write", "--help"]), CLEAN, &help, &[]);
}
