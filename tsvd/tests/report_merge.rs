//! Merged reports: a union, whatever the order and grouping.
#![cfg(all(feature = "report", not(loom)))]

use proptest::prelude::*;
use serde_json::{Value, json};
use tsvd::report::{Report, merge, origin};

mod report;

fn merged(values: &[Value]) -> Value {
    let reports: Vec<_> = values.iter().cloned().map(report::report).collect();
    serde_json::to_value(merge(&reports).unwrap()).unwrap()
}

#[test]
fn nothing_merges_to_nothing() {
    assert_eq!(merge(&[]), None);
}

#[test]
fn one_report_stays_as_it_is() {
    for mut value in [report::full(), report::minimal()] {
        assert_eq!(
            merged(std::slice::from_ref(&value)),
            value_with_sorted_coverage(&mut value)
        );
    }
}

fn value_with_sorted_coverage(value: &mut Value) -> Value {
    let coverage = value["coverage"].as_array_mut().unwrap();
    coverage.sort_by_key(|line| line["operation"].as_str().unwrap().to_owned());
    value.clone()
}

#[test]
fn the_same_violation_is_one_with_its_occurrences_added() {
    let mut other = report::full();
    other["violations"][0]["occurrences"] = json!(4);
    other["violations"][0]["first"]["context"]["thread"] = json!("another");
    let mut new = report::violation();
    new["id"] = json!("fedcba9876543210");
    other["violations"].as_array_mut().unwrap().push(new);
    let merged = merged(&[report::full(), other]);
    let violations = merged["violations"].as_array().unwrap();
    assert_eq!(violations.len(), 2);
    assert_eq!(violations[0]["id"], "0123456789abcdef");
    assert_eq!(violations[0]["occurrences"], 5);
    assert_eq!(merged["summary"]["violations"], 2);
}

#[test]
fn the_more_telling_description_is_kept() {
    let kept = |change: fn(&mut Value)| {
        let mut less = report::full();
        change(&mut less["violations"][0]);
        let merged = merged(&[less, report::full()]);
        let mut expected = report::violation();
        expected["occurrences"] = json!(2);
        assert_eq!(merged["violations"], json!([expected]));
    };
    kept(|violation| violation["cross_test"] = json!(true));
    kept(|violation| violation["expected"] = json!(true));
    kept(|violation| violation["accepted"] = json!(true));
    kept(|violation| violation["second"]["stack"] = json!([]));
    kept(|violation| violation["second"]["entered_ms"] = json!(9999.0));
}

#[test]
fn numbers_of_events_are_added_and_things_known_to_both_are_not() {
    let mut other = report::full();
    other["coverage"][0]["site"]["line"] = json!(77);
    let merged = merged(&[report::full(), other]);
    assert_eq!(merged["summary"]["operations"], 2400);
    assert_eq!(merged["summary"]["delay_ms"], 240);
    assert_eq!(merged["summary"]["sites"], 3);
    assert_eq!(merged["summary"]["sites_concurrent"], 3);
    let hits: Vec<_> = merged["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["site"]["line"].as_u64().unwrap(),
                line["hits"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(hits, [(10, 1000), (5, 700), (77, 700)]);
}

#[test]
fn pairs_are_one_whichever_site_comes_first() {
    let mut other = report::full();
    let pair = &mut other["pairs"][0];
    (pair["first"], pair["second"]) = (pair["second"].clone(), pair["first"].clone());
    pair["state"] = json!("decayed");
    pair["probability"] = json!(0.9);
    let merged = merged(&[other, report::full()]);
    let mut expected = report::full()["pairs"][0].clone();
    expected["delays"] = json!(8);
    expected["probability"] = json!(0.9);
    assert_eq!(merged["pairs"], json!([expected]));
}

#[test]
fn the_run_of_a_violation_is_found_again() {
    let mut early = report::minimal();
    early["run"]["seed"] = json!(1);
    let mut late = report::full();
    late["run"]["started_at"] = json!("2027-01-01T00:00:00Z");
    late["run"]["seed"] = json!(2);
    let reports = [early, late].map(report::report);
    let merged = merge(&reports).unwrap();
    assert_eq!(merged.run.seed, 1);
    let run = origin(&merged.violations[0], &reports).unwrap();
    assert_eq!(run.seed, 2);
    assert_eq!(origin(&merged.violations[0], &reports[..1]), None);
}

/// Reports over few ids, sites and starts, so that they meet.
fn any_report() -> impl Strategy<Value = Report> {
    let flags = [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()];
    let violation = (0..3_u8, 0..3_u64, flags, 0..3_u32).prop_map(
        |(id, occurrences, [cross_test, expected, accepted, stack], thread)| {
            let mut violation = report::violation();
            violation["id"] = json!(format!("{id:016x}"));
            violation["occurrences"] = json!(occurrences);
            violation["cross_test"] = json!(cross_test);
            if expected {
                violation["expected"] = json!(true);
            }
            if accepted {
                violation["accepted"] = json!(true);
            }
            violation["first"]["context"]["thread_id"] = json!(thread);
            violation["second"]["site"]["line"] = json!(thread);
            if !stack {
                violation["first"]["stack"] = json!([]);
            }
            violation
        },
    );
    let line = (0..3_u32, 0..5_u64)
        .prop_map(|(line, hits)| report::coverage("get", report::site("a.rs", line, 1), hits));
    let pair = (0..2_u32, 0..2_u32, 0..4_usize, 0..3_u64, 0..3_u8).prop_map(
        |(first, second, state, delays, tenths)| {
            let state = ["armed", "ordered", "decayed", "violated"][state];
            json!({
                "first": report::site("a.rs", first, 1), "second": report::site("a.rs", second, 1),
                "state": state, "delays": delays, "probability": f64::from(tenths) / 10.0
            })
        },
    );
    let several = 0..4_usize;
    (
        (0..3_u8, 0..3_u64, 0..9_u64),
        proptest::collection::vec(violation.clone(), several.clone()),
        proptest::collection::vec(violation, several.clone()),
        proptest::collection::vec(line, several.clone()),
        proptest::collection::vec(pair, several),
    )
        .prop_map(
            |((start, seed, operations), violations, suspicions, coverage, pairs)| {
                let mut value = report::minimal();
                value["run"]["started_at"] = json!(format!("2026-11-24T09:10:4{start}.000Z"));
                value["run"]["seed"] = json!(seed);
                value["summary"]["operations"] = json!(operations);
                value["summary"]["sites"] = json!(operations / 2);
                value["violations"] = json!(violations);
                value["suspicions"] = json!(suspicions);
                value["coverage"] = json!(coverage);
                value["pairs"] = json!(pairs);
                report::report(value)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_does_not_matter(a in any_report(), b in any_report(), c in any_report()) {
        let one = merge([&a, &b, &c]);
        prop_assert_eq!(&merge([&c, &a, &b]), &one);
        prop_assert_eq!(&merge([&b, &a, &c]), &one);
    }

    #[test]
    fn grouping_does_not_matter(a in any_report(), b in any_report(), c in any_report()) {
        let one = merge([&a, &b, &c]);
        let left = merge([&a, &b]).unwrap();
        let right = merge([&b, &c]).unwrap();
        prop_assert_eq!(&merge([&left, &c]), &one);
        prop_assert_eq!(&merge([&a, &right]), &one);
    }

    #[test]
    fn every_violation_has_a_run(a in any_report(), b in any_report()) {
        let merged = merge([&a, &b]).unwrap();
        for violation in merged.violations.iter().chain(&merged.suspicions) {
            prop_assert!(origin(violation, [&a, &b]).is_some());
        }
    }
}
