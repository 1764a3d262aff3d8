//! The tables, and the same as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::figures::{Figure, Target};
use crate::measure::Spread;
use crate::rows::Measured;

/// Where it was measured.
pub(crate) struct Machine {
    processor: String,
    threads: usize,
    load: String,
}

impl Machine {
    /// This one. What the system does not tell is `unknown`.
    pub(crate) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let unknown = || "unknown".to_owned();
        Self {
            processor: read("/proc/cpuinfo")
                .lines()
                .find_map(|line| {
                    Some(
                        line.strip_prefix("model name")?
                            .split_once(": ")?
                            .1
                            .to_owned(),
                    )
                })
                .unwrap_or_else(unknown),
            threads: std::thread::available_parallelism().map_or(0, usize::from),
            load: read("/proc/loadavg")
                .split_whitespace()
                .next()
                .map_or_else(unknown, str::to_owned),
        }
    }
}

pub(crate) fn print(machine: &Machine, rounds: usize, measured: &[Measured], figures: &[Figure]) {
    println!("{}", text(machine, rounds, measured, figures));
}

fn text(machine: &Machine, rounds: usize, measured: &[Measured], figures: &[Figure]) -> String {
    let Machine {
        processor,
        threads,
        load,
    } = machine;
    let mut text = format!(
        "{processor}, {threads} hardware threads, load {load} at start; {rounds} rounds\n\n\
         {:<50} {:>9} {:>17} {:>12}\n",
        "row", "ns/call", "quartiles", "processor ns",
    );
    for row in measured {
        let wall = row.wall();
        let quartiles = format!("{:.2} to {:.2}", wall.low, wall.high);
        let processor = row.processor().median;
        let _ = writeln!(
            text,
            "{:<50} {:>9.2} {quartiles:>17} {processor:>12.2}",
            row.name, wall.median
        );
    }
    let _ = writeln!(
        text,
        "\n{:<62} {:>9} {:>17} {:>9}",
        "figure", "measured", "quartiles", "to reach"
    );
    for figure in figures {
        let target = match figure.target {
            Target::AtMost(most) => format!("≤ {}", short(most)),
            Target::AtLeast(least) => format!("≥ {}", short(least)),
            Target::Reference => String::new(),
        };
        let _ = match &figure.value {
            Err(reason) => writeln!(text, "{:<62} missing: {reason}", figure.what),
            Ok(Spread { low, median, high }) => {
                let quartiles = format!("{} to {}", short(*low), short(*high));
                let verdict = match figure.reached() {
                    Some(true) => "reached",
                    Some(false) => "NOT reached",
                    None => "",
                };
                let line = format!(
                    "{:<62} {:>9} {quartiles:>17} {target:>9} {verdict}",
                    figure.what,
                    short(*median)
                );
                writeln!(text, "{}", line.trim_end())
            }
        };
    }
    text
}

/// Three digits or so.
fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Writes `out`, or says why not and fails.
pub(crate) fn write(
    out: &Path,
    machine: &Machine,
    rounds: usize,
    measured: &[Measured],
    figures: &[Figure],
) {
    let text = format!("{:#}\n", json(machine, rounds, measured, figures));
    let folder = out.parent().unwrap_or(Path::new(""));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(out, text));
    if let Err(error) = written {
        eprintln!("hot_path: cannot write {}: {error}", out.display());
        std::process::exit(1);
    }
    println!("written to {}", out.display());
}

fn json(machine: &Machine, rounds: usize, measured: &[Measured], figures: &[Figure]) -> Value {
    let rows: Vec<Value> = measured
        .iter()
        .map(|row| {
            json!({
                "row": row.name,
                "wall_ns": spread(row.wall()),
                "processor_ns": spread(row.processor()),
            })
        })
        .collect();
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            let (at_most, at_least) = match figure.target {
                Target::AtMost(most) => (Some(most), None),
                Target::AtLeast(least) => (None, Some(least)),
                Target::Reference => (None, None),
            };
            json!({
                "figure": figure.what,
                "measured": figure.value.as_ref().ok().copied().map(spread),
                "missing": figure.value.as_ref().err(),
                "at_most": at_most,
                "at_least": at_least,
                "reached": figure.reached(),
            })
        })
        .collect();
    json!({
        "schema": "tsvd-hot-path/1",
        "machine": {
            "processor": machine.processor,
            "hardware_threads": machine.threads,
            "load_at_start": machine.load,
        },
        "rounds": rounds,
        "rows": rows,
        "figures": figures,
    })
}

fn spread(spread: Spread) -> Value {
    json!({ "low": spread.low, "median": spread.median, "high": spread.high })
}
