//! Reports on disk: whole or not at all, and read with errors that name the file.
#![cfg(all(feature = "report", not(loom)))]

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::json;
use tsvd::report::{Report, load_dir, read, write};

mod report;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/1.json");
    let first = report::report(report::full());
    write(&path, &first).unwrap();
    assert_eq!(read(&path).unwrap(), first);
    let second = report::report(report::minimal());
    write(&path, &second).unwrap();
    assert_eq!(read(&path).unwrap(), second);
    assert_eq!(names(path.parent().unwrap()), ["1.json"]);
}

#[test]
fn the_json_is_that_of_the_design() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.json");
    write(&path, &report::report(report::full())).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        report::full()
    );
}

#[test]
fn a_bare_file_name_is_a_path_too() {
    // No test of this process depends on the current folder but this one.
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    write(Path::new("bare.json"), &report::report(report::minimal())).unwrap();
    assert_eq!(names(folder.path()), ["bare.json"]);
}

#[test]
fn a_write_that_fails_names_the_path_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A folder stands where the report should go.
    let path = folder.path().join("1.json");
    fs::create_dir(&path).unwrap();
    let error = write(&path, &report::report(report::minimal())).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot write report "),
        "{error}"
    );
    assert!(error.to_string().contains("1.json: "), "{error}");
    assert_eq!(names(folder.path()), ["1.json"]);
    // A file stands where the folder should be.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(write(&file.join("1.json"), &report::report(report::minimal())).is_err());
    assert!(write(Path::new("/"), &report::report(report::minimal())).is_err());
}

#[test]
fn readers_always_find_a_whole_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.json");
    let reports = [report::full(), report::minimal()].map(report::report);
    write(&path, &reports[0]).unwrap();
    std::thread::scope(|scope| {
        for report in &reports {
            scope.spawn(|| {
                for _ in 0..200 {
                    write(&path, report).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let seen = read(&path).unwrap();
            assert!(reports.contains(&seen));
        }
    });
    assert_eq!(names(folder.path()), ["1.json"]);
}

#[test]
fn fields_of_later_versions_are_skipped() {
    let mut value = report::full();
    value["new"] = json!({"a": 1});
    value["violations"][0]["first"]["new"] = json!([1]);
    assert_eq!(report::report(value), report::report(report::full()));
}

#[test]
fn problems_say_what_is_wrong_with_which_file() {
    let folder = tempfile::tempdir().unwrap();
    let whole = serde_json::to_string(&report::full()).unwrap();
    let mut later = report::minimal();
    later["schema"] = json!("tsvd-report/2");
    later["run"] = json!("something else");
    let mut no_run = report::minimal();
    no_run.as_object_mut().unwrap().remove("run");
    let files = [
        ("a-whole.json", whole.clone()),
        ("b-torn.json", whole[..whole.len() / 2].to_owned()),
        ("c-later.json", later.to_string()),
        (
            "d-foreign.json",
            r#"{"schema": "https://example.org/x"}"#.to_owned(),
        ),
        ("e-other.json", "[1, 2]".to_owned()),
        ("f-empty.json", String::new()),
        ("g-no-run.json", no_run.to_string()),
        ("h-no-schema.json", "{}".to_owned()),
        (".1.json.12-0.tmp", whole[..9].to_owned()),
        (".hidden.json", "torn".to_owned()),
        ("notes.txt", "no report".to_owned()),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::create_dir(folder.path().join("i-folder.json")).unwrap();
    let loaded = load_dir(folder.path()).unwrap();
    let reports: Vec<_> = loaded
        .reports
        .iter()
        .map(|(path, _)| path.file_name().unwrap())
        .collect();
    assert_eq!(reports, ["a-whole.json"]);
    let problems: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
    let expected = [
        ("b-torn.json", "ends in its middle"),
        (
            "c-later.json",
            r#"has schema "tsvd-report/2", this version of tsvd reads "tsvd-report/1""#,
        ),
        (
            "d-foreign.json",
            r#"is not a report of tsvd: its schema is "https://example.org/x""#,
        ),
        ("e-other.json", "is not a report of tsvd"),
        ("f-empty.json", "ends in its middle"),
        ("g-no-run.json", "missing field `run`"),
        ("h-no-schema.json", "it has no schema"),
        ("i-folder.json", "cannot read report"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (name, reason)) in problems.iter().zip(expected) {
        assert!(
            problem.contains(name) && problem.contains(reason),
            "{problem}"
        );
    }
}

#[test]
fn a_missing_folder_is_told_from_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = load_dir(&folder.path().join("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("none"), "{error}");
    assert!(load_dir(folder.path()).unwrap().reports.is_empty());
}

#[test]
fn a_new_report_is_of_this_version_and_empty() {
    let new = Report::new(report::report(report::minimal()).run);
    let mut expected = report::minimal();
    expected["tool"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    assert_eq!(serde_json::to_value(new).unwrap(), expected);
}

#[test]
fn problems_are_safe_to_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut value = report::full();
    value["violations"][0]["kind"] = json!("\u{1b}[2J");
    let path = folder.path().join("a\u{1b}]0;b.json");
    fs::write(&path, value.to_string()).unwrap();
    let problem = read(&path).unwrap_err();
    let text = problem.to_string();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(
        text.contains(r"a\u{1b}]0;b.json") && text.contains(r"\u{1b}[2J"),
        "{text}"
    );
    assert_eq!(problem.path(), path);
}
