//! Reports for tests, as a run writes them.

#![allow(dead_code, reason = "no test needs all of it")]

use serde_json::{Value, json};
use tsvd::report::Report;

/// A report with everything that can stand in one.
pub(crate) fn full() -> Value {
    json!({
        "schema": "tsvd-report/1",
        "tool": {"name": "tsvd", "version": "0.1.0"},
        "run": {
            "id": "1763975449000000-4711", "command": ["target/debug/app", "--fill", "a b"], "pid": 4711,
            "started_at": "2026-11-24T09:10:49.000Z", "duration_ms": 1500, "strategy": "tsvd", "seed": 42, "round": 1
        },
        "summary": {
            "operations": 1200, "sites": 2, "sites_concurrent": 2, "objects_sampled": 3, "near_misses": 17,
            "pairs_armed": 1, "delays": 4, "delay_ms": 120, "violations": 1
        },
        "violations": [violation()],
        "suspicions": [],
        "coverage": [
            coverage("insert", site("src/fill.rs", 5, 14), 700),
            coverage("get", site("src/fill.rs", 10, 7), 500)
        ],
        "pairs": [{
            "first": site("src/fill.rs", 5, 14), "second": site("src/fill.rs", 10, 7),
            "state": "violated", "delays": 4, "probability": 0.6
        }]
    })
}

/// The report of a process in which nothing happened.
pub(crate) fn minimal() -> Value {
    json!({
        "schema": "tsvd-report/1",
        "tool": {"name": "tsvd", "version": "0.1.0"},
        "run": {
            "id": "1", "command": [], "pid": 1, "started_at": "2026-11-24T09:10:49Z", "duration_ms": 0,
            "strategy": "observe", "seed": 0, "round": 1
        },
        "summary": {
            "operations": 0, "sites": 0, "sites_concurrent": 0, "objects_sampled": 0, "near_misses": 0,
            "pairs_armed": 0, "delays": 0, "delay_ms": 0, "violations": 0
        },
        "violations": [], "suspicions": [], "coverage": [], "pairs": []
    })
}

/// A trap on a slab: `insert` is held, `get` comes.
pub(crate) fn violation() -> Value {
    json!({
        "id": "0123456789abcdef", "kind": "read-write", "cross_test": false,
        "object": {
            "kind": "place", "type": "app::Slab<u32>", "address": "0x7f0000001000", "name": null, "key": null
        },
        "detected_by": "trap", "gap_ms": 2.4, "occurrences": 1,
        "first": {
            "contract": "app::Slab", "operation": "insert", "access": "write", "role": null,
            "test": "tests::filling", "site": site("src/fill.rs", 5, 14),
            "context": {
                "thread": "worker-1", "thread_id": 3, "task": null, "spawned_at": site("src/main.rs", 20, 9)
            },
            "entered_ms": 812.5, "delayed_ms": 3.1,
            "stack": [
                {"function": "app::Slab<T>::insert", "file": "src/slab.rs", "line": 31},
                {"function": "app::fill", "file": "src/fill.rs", "line": 5},
                {"function": "app::main::{{closure}}", "file": "src/main.rs", "line": 20}
            ]
        },
        "second": {
            "contract": "app::Slab", "operation": "get", "access": "read", "role": null,
            "test": "tests::filling", "site": site("src/fill.rs", 10, 7),
            "context": {"thread": null, "thread_id": 4, "task": null, "spawned_at": null},
            "entered_ms": 814.9, "delayed_ms": 0.0,
            "stack": [
                {"function": "app::Slab<T>::get", "file": "src/slab.rs", "line": 40},
                {"function": "app::look", "file": "src/fill.rs", "line": 10},
                {"function": "<unknown>", "file": null, "line": null}
            ]
        },
        "region": null
    })
}

/// A call site.
pub(crate) fn site(file: &str, line: u32, column: u32) -> Value {
    json!({"file": file, "line": line, "column": column})
}

/// A line of coverage.
pub(crate) fn coverage(operation: &str, site: Value, hits: u64) -> Value {
    json!({"contract": "app::Slab", "operation": operation, "site": site, "hits": hits, "concurrent_hits": hits / 2})
}

/// `value` as a report.
pub(crate) fn report(value: Value) -> Report {
    serde_json::from_value(value).expect("the JSON of a report")
}
