//! The table of models.

use std::collections::BTreeSet;

use super::records::Records;

const HEADINGS: [&str; 6] = [
    "model",
    "property",
    "verdict",
    "executions",
    "seconds",
    "mutants",
];

/// A row per model, under its system, whose first row has the mutants killed of those planted.
pub(super) fn table(records: &Records, listed: &BTreeSet<(String, String)>) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for (target, system) in &records.0 {
        let mutants = format!(
            "{} of {}",
            records.killed(target),
            records.planted(target, listed)
        );
        rows.push([
            format!("[{target}]"),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            mutants,
        ]);
        for model in &system.models {
            let mark = if model.accepted { "" } else { " (!)" };
            rows.push([
                model.name.clone(),
                model.property.clone(),
                // The bound is in the detail, in a failed model's a whole message.
                if model.verdict == "failed" {
                    "failed".to_owned()
                } else {
                    model.detail.clone()
                } + mark,
                grouped(model.executions),
                format!("{:.2}", model.seconds),
                String::new(),
            ]);
        }
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells =
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    3..5 => format!("{cell:>width$}"),
                    _ => format!("{cell:width$}"),
                });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::{listed, model, records};
    use super::*;

    #[test]
    fn a_row_per_model_under_its_system() {
        let records = records(&[
            model("audit", "exhausted", true),
            model("transfer", "vacuous", false),
        ]);
        let expected = "\
model     property       verdict      executions  seconds  mutants
[bank]                                                     0 of 1
audit     money is kept  exhausted     1,234,567     1.50
transfer  money is kept  vacuous (!)   1,234,567     1.50";
        assert_eq!(table(&records, &listed(&["mutants::order"])), expected);
    }
}
