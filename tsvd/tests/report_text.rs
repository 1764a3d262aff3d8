//! The text of violations, compared with committed copies.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p tsvd --features report --test report_text` writes the copies anew.
#![cfg(feature = "report")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tsvd::report::Rendering;

mod report;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report")
}

fn check(name: &str, text: &str) {
    let path = folder().join("snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(
        text, expected,
        "{name} differs; this file's header says how to update it"
    );
}

/// The first violation of `full`, changed by `change`.
fn rendered(rendering: &Rendering, change: impl FnOnce(&mut Value)) -> String {
    let mut value = report::full();
    change(&mut value["violations"][0]);
    let report = report::report(value);
    rendering.violation(&report.violations[0], &report.run)
}

fn with_sources() -> Rendering {
    Rendering::new()
        .sources(folder().join("sources"))
        .report("target/tsvd/reports/1.json")
}

#[test]
fn a_trap_on_a_value() {
    check("trap.txt", &rendered(&with_sources(), |_| {}));
}

#[test]
fn an_expected_one_says_so() {
    let plain = rendered(&Rendering::new(), |_| {});
    let expected = rendered(&Rendering::new(), |violation| {
        violation["expected"] = json!(true);
    });
    let line = "  The test expects it, so it does not fail the run.\n";
    assert_eq!(expected.replacen(line, "", 1), plain);
    assert_ne!(expected, plain);
}

#[test]
fn an_overlap_on_a_resource() {
    let text = rendered(&Rendering::new(), |violation| {
        violation["kind"] = json!("write-write");
        violation["detected_by"] = json!("overlap");
        violation["gap_ms"] = json!(0.01);
        violation["occurrences"] = json!(7);
        violation["cross_test"] = json!(true);
        violation["object"] = json!({
            "kind": "resource", "type": null, "address": null, "name": "environment", "key": "\"PATH\""
        });
        violation["second"] = violation["first"].clone();
        violation["second"]["stack"] = json!([]);
        violation["second"]["context"]["task"] = json!("12");
        violation["second"]["role"] = json!("producer");
    });
    check("overlap.txt", &text);
}

#[test]
fn an_interrupted_region() {
    let text = rendered(&with_sources(), |violation| {
        violation["kind"] = json!("atomicity");
        violation["object"] =
            json!({"kind": "id", "type": null, "address": null, "name": "17", "key": null});
        let next = violation["first"].clone();
        violation["first"] = violation["second"].clone();
        violation["first"]["stack"] = json!([]);
        violation["second"] = next.clone();
        violation["second"]["context"]["thread"] = json!("worker-2");
        let accesses = json!([violation["first"], next]);
        violation["region"] = json!({
            "name": "get_or_create", "pattern": "R-W-W", "strict": false, "accesses": accesses
        });
    });
    check("region.txt", &text);
}

#[test]
fn a_strict_region_interrupted_before_its_end() {
    let text = rendered(&Rendering::new(), |violation| {
        violation["kind"] = json!("atomicity");
        violation["detected_by"] = json!("overlap");
        let mut end = violation["second"].clone();
        end["contract"] = json!("app::state");
        end["operation"] = json!("snapshot");
        let accesses = json!([violation["second"], end]);
        violation["second"] = violation["first"].clone();
        violation["first"] = accesses[0].clone();
        violation["region"] = json!({
            "name": "snapshot", "pattern": "R-W-R", "strict": true, "accesses": accesses
        });
    });
    check("region_strict.txt", &text);
}

/// What it wrote first was not found to be anything.
#[test]
fn a_region_that_begins_with_a_write_expected_to_be_one_step() {
    let text = rendered(&Rendering::new(), |violation| {
        violation["kind"] = json!("atomicity");
        let accesses = json!([violation["first"], violation["first"]]);
        violation["region"] = json!({
            "name": "replace", "pattern": "W-R-W", "strict": false, "accesses": accesses
        });
    });
    let expected = "by replace, which expected to be one step with (1)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn colours_are_added_only_on_request() {
    let plain = rendered(&with_sources(), |_| {});
    let coloured = rendered(&with_sources().color(true), |_| {});
    assert!(!plain.contains('\u{1b}'));
    assert!(
        coloured.starts_with("\u{1b}[1;31mtsvd: thread-safety violation (read-write)\u{1b}[0m\n")
    );
    let stripped = ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m"]
        .iter()
        .fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
}

#[test]
fn nothing_from_the_program_reaches_the_terminal_raw() {
    const HOSTILE: &str = "\u{1b}]0;x\u{7}\r\n\u{202e}";
    /// Every text of the violation becomes hostile, but for the words of the format.
    fn spoil(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !["kind", "detected_by", "access"].contains(&name.as_str()) {
                        spoil(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(spoil),
            Value::String(text) => *text = HOSTILE.to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = report::full();
    spoil(&mut value["violations"]);
    value["run"]["command"] = json!([HOSTILE]);
    let report = report::report(value);
    let text = with_sources().violation(&report.violations[0], &report.run);
    let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(raw), "{text:?}");
    assert!(text.contains(r"\u{1b}]0;x\u{7}\r\n\u{202e}"), "{text}");
    assert!(
        text.contains("Run it again with TSVD_SEED=42 (process 4711)"),
        "{text}"
    );
}

#[test]
fn summaries_count() {
    let summary = |value| Rendering::new().summary(&report::report(value));
    check("summary.txt", &summary(report::full()));
    check("summary_nothing.txt", &summary(report::minimal()));
    let mut value = report::full();
    let mut cross = report::violation();
    cross["cross_test"] = json!(true);
    cross["occurrences"] = json!(3);
    value["violations"]
        .as_array_mut()
        .unwrap()
        .push(cross.clone());
    value["suspicions"] = json!([cross]);
    check("summary_cross_test.txt", &summary(value.clone()));
    cross["accepted"] = json!(true);
    value["suspicions"].as_array_mut().unwrap().push(cross);
    check("summary_accepted.txt", &summary(value));
    let mut value = report::full();
    value["violations"][0]["expected"] = json!(true);
    check("summary_expected.txt", &summary(value));
    let mut value = report::full();
    value["violations"] = json!([]);
    value["summary"]["sites_concurrent"] = json!(0);
    check("summary_one_context.txt", &summary(value));
}
