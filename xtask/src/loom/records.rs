//! What `tsvd` wrote down of each model and mutant, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::cannot;
use crate::command::Outcome;

/// A test: its target and its name.
type Test = (String, String);

pub(super) struct Model {
    pub(super) test: String,
    pub(super) name: String,
    pub(super) property: String,
    pub(super) verdict: String,
    pub(super) detail: String,
    pub(super) accepted: bool,
    pub(super) executions: u64,
    pub(super) seconds: f64,
}

/// All of one test program.
#[derive(Default)]
pub(super) struct System {
    pub(super) models: Vec<Model>,
    /// Tests of mutants that were rejected.
    pub(super) killed: BTreeSet<String>,
}

#[derive(Default)]
pub(super) struct Records(pub(super) BTreeMap<String, System>);

impl Records {
    /// Those of the tests in `listed`: others check models to see them fail, or are examples in documentation.
    pub(super) fn read(folder: &Path, listed: &BTreeSet<Test>) -> Outcome<Self> {
        let mut records = Self::default();
        if !folder.exists() {
            return Ok(records);
        }
        for system in entries(folder)? {
            for file in entries(&system)? {
                let text =
                    fs::read_to_string(&file).map_err(|error| cannot("read", &file, &error))?;
                let value: Value =
                    serde_json::from_str(&text).map_err(|error| cannot("read", &file, &error))?;
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                if listed.contains(&(text("target"), text("test"))) {
                    records.add(&value);
                }
            }
        }
        Ok(records)
    }

    fn add(&mut self, record: &Value) {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        let system = self.0.entry(text("target")).or_default();
        if record["kind"] == "mutant" {
            system.killed.insert(text("test"));
            return;
        }
        system.models.push(Model {
            test: text("test"),
            name: text("model"),
            property: text("property"),
            verdict: text("verdict"),
            detail: text("detail"),
            accepted: record["accepted"] == true,
            executions: record["executions"].as_u64().unwrap_or(0),
            seconds: record["seconds"].as_f64().unwrap_or(0.0),
        });
    }

    /// Mutants of a system: those that are named so, and those that were rejected.
    pub(super) fn planted(&self, target: &str, listed: &BTreeSet<Test>) -> usize {
        let mut planted = self
            .0
            .get(target)
            .map(|system| system.killed.clone())
            .unwrap_or_default();
        planted.extend(
            listed
                .iter()
                .filter(|(of, test)| of == target && is_mutant(test))
                .map(|(_, test)| test.clone()),
        );
        planted.len()
    }

    pub(super) fn killed(&self, target: &str) -> usize {
        self.0.get(target).map_or(0, |system| system.killed.len())
    }

    /// One line for each model and mutant that does not show what it should.
    pub(super) fn complaints(&self, listed: &BTreeSet<Test>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (target, system) in &self.0 {
            for model in system.models.iter().filter(|model| !model.accepted) {
                complaints.push(format!(
                    "{target}: {}: {}: {}",
                    model.name, model.verdict, model.detail
                ));
            }
        }
        for (target, test) in listed {
            let system = self.0.get(target);
            let killed = system.is_some_and(|system| system.killed.contains(test));
            let checked =
                system.is_some_and(|system| system.models.iter().any(|model| model.test == *test));
            if is_mutant(test) && !killed {
                complaints.push(format!("{target}: mutant {test} was not rejected"));
            } else if !killed && !checked {
                complaints.push(format!("{target}: {test} checked no model"));
            }
        }
        if !self
            .0
            .values()
            .any(|system| !system.models.is_empty() || !system.killed.is_empty())
        {
            complaints.push("no model was checked".to_owned());
        }
        complaints
    }

    pub(super) fn json(&self, listed: &BTreeSet<Test>) -> Value {
        let systems: Vec<Value> = self
            .0
            .iter()
            .map(|(target, system)| {
                let models: Vec<Value> = system.models.iter().map(Model::json).collect();
                json!({
                    "system": target,
                    "models": models,
                    "mutants_killed": self.killed(target),
                    "mutants_planted": self.planted(target, listed),
                })
            })
            .collect();
        json!({ "systems": systems, "complaints": self.complaints(listed) })
    }
}

impl Model {
    fn json(&self) -> Value {
        json!({
            "model": self.name,
            "property": self.property,
            "verdict": self.verdict,
            "accepted": self.accepted,
            "executions": self.executions,
            "seconds": self.seconds,
        })
    }
}

fn is_mutant(test: &str) -> bool {
    test.split("::").any(|part| part == "mutants")
}

fn entries(folder: &Path) -> Outcome<Vec<std::path::PathBuf>> {
    let read = || -> std::io::Result<Vec<_>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        Ok(paths)
    };
    read().map_err(|error| cannot("read", folder, &error))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn model(name: &str, verdict: &str, accepted: bool) -> Value {
        json!({
            "kind": "model", "target": "bank", "test": name, "model": name, "property": "money is kept",
            "verdict": verdict, "detail": verdict, "accepted": accepted, "executions": 1234567, "seconds": 1.5,
        })
    }

    pub(crate) fn records(all: &[Value]) -> Records {
        let mut records = Records::default();
        all.iter().for_each(|record| records.add(record));
        records
    }

    pub(crate) fn listed(tests: &[&str]) -> BTreeSet<Test> {
        tests
            .iter()
            .map(|test| ("bank".to_owned(), (*test).to_owned()))
            .collect()
    }

    fn mutant(test: &str) -> Value {
        json!({ "kind": "mutant", "target": "bank", "test": test, "rejected_with": "deadlock" })
    }

    #[test]
    fn what_was_exhausted_and_rejected_is_no_complaint() {
        let records = records(&[model("audit", "exhausted", true), mutant("mutants::order")]);
        let listed = listed(&["audit", "mutants::order"]);
        assert_eq!(records.complaints(&listed), [""; 0]);
        assert_eq!(
            (records.killed("bank"), records.planted("bank", &listed)),
            (1, 1)
        );
    }

    #[test]
    fn what_proves_nothing_is_one_each() {
        let records = records(&[
            model("audit", "vacuous", false),
            model("transfer", "bounded", true),
        ]);
        let listed = listed(&["audit", "transfer", "unrun", "mutants::order"]);
        assert_eq!(
            records.complaints(&listed),
            [
                "bank: audit: vacuous: vacuous",
                "bank: mutant mutants::order was not rejected",
                "bank: unrun checked no model",
            ]
        );
        assert_eq!(
            (records.killed("bank"), records.planted("bank", &listed)),
            (0, 1)
        );
    }

    #[test]
    fn no_model_at_all_is_one() {
        assert_eq!(
            Records::default().complaints(&BTreeSet::new()),
            ["no model was checked"]
        );
    }
}
