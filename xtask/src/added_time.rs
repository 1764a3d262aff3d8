//! What detection adds to the time of a test suite: the 195 tests of `tsvd/tests/suite` that are right, with `TSVD=off` and with it
//! on, for the first time and again, in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::command::{Failure, Outcome, fail};
use crate::suite::{cargo, fresh, junit};
use crate::workspace::Workspace;

/// Of an odd number the median is one of them.
const ROUNDS: usize = 7;

/// To be reached, of what has nothing to find.
const TARGET: f64 = 0.10;

/// Measures and prints a table; `out` gets the same as JSON.
pub(crate) fn run(workspace: &Workspace, out: &Path) -> Outcome {
    let programs = programs(workspace)?;
    let folder = fresh(workspace, "added-time")?;
    let mut rows = vec![Row::new("cargo test (its programs alone)")];
    let has_nextest = workspace.command("cargo nextest --version").ask().is_some();
    if has_nextest {
        rows.push(Row::new("cargo nextest run"));
    } else {
        eprintln!("cargo-nextest is not installed: its row will be missing");
    }
    for _ in 0..ROUNDS {
        for (index, row) in rows.iter_mut().enumerate() {
            let folder = folder.join(index.to_string());
            let measure = |switch: &str| match index {
                0 => in_programs(&programs, &folder, switch),
                _ => in_nextest(workspace, &folder, switch),
            };
            row.off.push(measure("off")?);
            // Nothing is known, then what the first run has learnt.
            let _ = fs::remove_dir_all(&folder);
            row.first.push(measure("on")?);
            row.again.push(measure("on")?);
        }
    }
    println!(
        "\n{:<34} {:>8} {:>20} {:>20}",
        "195 tests, nothing to find", "off", "first run", "later run"
    );
    for row in &rows {
        println!("{row}");
    }
    let percent = TARGET * 100.0;
    println!(
        "medians of {ROUNDS}, in turns, with quartiles of the ratio; to reach: {percent} % added"
    );
    let json = Value::from_iter(rows.iter().map(|row| (row.name, row.json())));
    let text = serde_json::to_string_pretty(&json).unwrap_or_default();
    fs::write(out, text)
        .map_err(|error| Failure(format!("cannot write {}: {error}", out.display())))
}

struct Row {
    name: &'static str,
    off: Vec<f64>,
    first: Vec<f64>,
    again: Vec<f64>,
}

impl Row {
    fn new(name: &'static str) -> Self {
        let [off, first, again] = [const { Vec::new() }; 3];
        Self {
            name,
            off,
            first,
            again,
        }
    }

    /// Quartiles of what is added to the run before it.
    fn added(&self, on: &[f64]) -> [f64; 3] {
        let ratios = on.iter().zip(&self.off).map(|(on, off)| on / off - 1.0);
        quartiles(ratios.collect())
    }

    fn json(&self) -> Value {
        json!({
            "off_seconds": self.off, "first_seconds": self.first, "later_seconds": self.again,
            "first_added": self.added(&self.first)[1], "later_added": self.added(&self.again)[1],
        })
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [_, off, _] = quartiles(self.off.clone());
        write!(f, "{:<34} {off:>6.2} s", self.name)?;
        for on in [&self.first, &self.again] {
            let [low, median, high] = self.added(on).map(|added| added * 100.0);
            write!(
                f,
                " {:>20}",
                format!("{median:+.1} % ({low:+.1} .. {high:+.1})")
            )?;
        }
        Ok(())
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [last / 4, last / 2, last - last / 4].map(|at| values[at])
}

/// The suite's test programs, built.
fn programs(workspace: &Workspace) -> Outcome<Vec<PathBuf>> {
    let lines = cargo(workspace, "cargo test --no-run --message-format json")?.capture()?;
    let messages = lines.lines().map(serde_json::from_str::<Value>);
    let programs: Vec<_> = messages
        .filter_map(|message| Some(PathBuf::from(message.ok()?["executable"].as_str()?)))
        .collect();
    match programs.is_empty() {
        true => fail("cargo names no test program"),
        false => Ok(programs),
    }
}

/// Seconds of the programs one after the other, as `cargo test` runs them.
fn in_programs(programs: &[PathBuf], folder: &Path, switch: &str) -> Outcome<f64> {
    let begun = Instant::now();
    for program in programs {
        let output = std::process::Command::new(program)
            .args(["--skip", "planted::"])
            .envs([("TSVD", switch)])
            .env("TSVD_DIR", folder)
            .output();
        let output = output
            .map_err(|error| Failure(format!("cannot start {}: {error}", program.display())))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return fail(format!(
                "{} from {}\n{stderr}",
                output.status,
                program.display()
            ));
        }
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds of all tests, by nextest's own clock.
fn in_nextest(workspace: &Workspace, folder: &Path, switch: &str) -> Outcome<f64> {
    let line = "cargo nextest run --profile ci --status-level none --final-status-level none -E !test(planted::)";
    let command = cargo(workspace, line)?
        .env("TSVD", switch)
        .env("TSVD_DIR", folder);
    command.run()?;
    Ok(junit(workspace)?.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_a_ratio_of_neighbours() {
        let row = Row {
            off: vec![1.0, 2.0, 4.0],
            first: vec![1.5, 2.0, 8.0],
            ..Row::new("row")
        };
        assert_eq!(row.added(&row.first), [0.0, 0.5, 1.0]);
    }
}
