//! The committed JSON Schema is that of the types, and reports satisfy it.
#![cfg(all(feature = "schema", not(loom)))]

use serde_json::{Value, json};

mod report;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/report.schema.json");
const COMMAND: &str = "UPDATE_SCHEMA=1 cargo test -p tsvd --features schema --test report_schema";

fn problems(report: &Value) -> Vec<String> {
    // The same as the committed one, by the first test.
    let schema = tsvd::report::json_schema();
    let validator = jsonschema::draft202012::new(&schema).expect("a valid schema");
    validator
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn committed() -> String {
    std::fs::read_to_string(COMMITTED).unwrap_or_default()
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let mut schema = serde_json::to_string_pretty(&tsvd::report::json_schema()).unwrap();
    schema.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(COMMITTED, &schema).unwrap();
    }
    assert!(
        committed() == schema,
        "tsvd/report.schema.json is not that of the types any more; to write it anew:\n  {COMMAND}"
    );
}

#[test]
fn reports_satisfy_the_schema() {
    for value in [report::full(), report::minimal()] {
        assert_eq!(problems(&value), Vec::<String>::new());
        // As written by this crate, not only as written by hand.
        let written = serde_json::to_value(report::report(value)).unwrap();
        assert_eq!(problems(&written), Vec::<String>::new());
    }
}

#[test]
fn every_variant_satisfies_the_schema() {
    let mut value = report::full();
    let mut region = report::violation();
    region["kind"] = json!("atomicity");
    region["detected_by"] = json!("overlap");
    region["object"] =
        json!({"kind": "id", "type": null, "address": null, "name": "1", "key": "7"});
    for pattern in ["R-W-R", "W-W-R", "R-W-W", "W-R-W"] {
        let accesses = json!([region["first"], region["second"]]);
        let mut suspicion = region.clone();
        suspicion["region"] = json!({"name": "get_or_create", "pattern": pattern, "strict": true, "accesses": accesses});
        suspicion["accepted"] = json!(true);
        value["suspicions"].as_array_mut().unwrap().push(suspicion);
    }
    for state in ["armed", "ordered", "decayed", "violated"] {
        let mut pair = value["pairs"][0].clone();
        pair["state"] = json!(state);
        value["pairs"].as_array_mut().unwrap().push(pair);
    }
    assert_eq!(problems(&value), Vec::<String>::new());
    assert_eq!(
        serde_json::to_value(report::report(value.clone())).unwrap(),
        value
    );
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    for (pointer, wrong) in [
        ("/schema", json!("tsvd-report/2")),
        ("/run/started_at", json!(5)),
        ("/violations/0/id", json!("short")),
        ("/violations/0/kind", json!("write-read")),
        ("/violations/0/first/site", json!(null)),
        ("/violations/0/first/access", json!("Write")),
        ("/summary/delays", json!(-1)),
        ("/pairs/0/state", json!("Armed")),
    ] {
        let mut value = report::full();
        *value.pointer_mut(pointer).expect(pointer) = wrong;
        assert_ne!(problems(&value), Vec::<String>::new(), "{pointer}");
    }
    let mut value = report::full();
    value["violations"][0]
        .as_object_mut()
        .unwrap()
        .remove("object");
    assert_ne!(problems(&value), Vec::<String>::new());
}
