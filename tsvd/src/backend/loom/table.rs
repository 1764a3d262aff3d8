//! The steps of a failed execution as people read them: a row each, a column per thread.

use std::fmt::Write as _;
use std::panic::Location;
use std::path::Path;

use super::steps::{Step, Value};

/// As many of the last steps are shown.
const MOST: usize = 200;

/// `done` in their order, then what each thread had begun and could not end.
pub(super) fn table(done: &[Step], begun: &[Step], threads: usize) -> String {
    let mut objects = Objects::default();
    let mut cells: Vec<(usize, String)> = done
        .iter()
        .chain(begun)
        .map(|step| (step.thread, cell(step, &mut objects)))
        .collect();
    let left_out = done.len().saturating_sub(MOST);
    cells.drain(..left_out);
    let mut widths: Vec<usize> = (0..threads).map(|number| heading(number).len()).collect();
    for (thread, cell) in &cells {
        widths[*thread] = widths[*thread].max(cell.chars().count());
    }
    let mut text = String::new();
    if left_out > 0 {
        let _ = writeln!(text, "({left_out} earlier steps left out)");
    }
    let headings: Vec<String> = (0..threads).map(heading).collect();
    row(&mut text, "", &widths, |thread| &headings[thread]);
    for (index, (thread, cell)) in cells.iter().enumerate() {
        let number = left_out + index + 1;
        let label = if number > done.len() {
            "never".to_owned()
        } else {
            number.to_string()
        };
        row(&mut text, &label, &widths, |column| {
            if column == *thread { cell } else { "" }
        });
    }
    text
}

fn heading(thread: usize) -> String {
    format!("thread {thread}")
}

fn row<'a>(text: &mut String, label: &str, widths: &[usize], cell: impl Fn(usize) -> &'a str) {
    let mut line = format!("{label:>5}");
    for (thread, width) in widths.iter().enumerate() {
        let _ = write!(line, " | {:width$}", cell(thread));
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Addresses say nothing: objects are numbered in the order in which they appear.
#[derive(Default)]
struct Objects(Vec<usize>);

impl Objects {
    fn number(&mut self, address: usize) -> usize {
        let known = self.0.iter().position(|other| *other == address);
        1 + known.unwrap_or_else(|| {
            self.0.push(address);
            self.0.len() - 1
        })
    }
}

/// `AtomicUsize#1.store(1, Relaxed) main.rs:12`
fn cell(step: &Step, objects: &mut Objects) -> String {
    let act = &step.act;
    let mut text = String::new();
    if let Some((kind, address)) = act.object {
        let kind = kind.rsplit("::").next().unwrap_or(kind);
        let _ = write!(text, "{kind}#{}.", objects.number(address));
    }
    text.push_str(act.name);
    let order = act.order.map(|order| format!("{order:?}"));
    let given = (act.given != Value::Nothing).then(|| act.given.to_string());
    let arguments: Vec<String> = [given, order].into_iter().flatten().collect();
    if !arguments.is_empty() {
        let _ = write!(text, "({})", arguments.join(", "));
    }
    match (act.got, step.failed) {
        (Value::Nothing, false) => {}
        (Value::Nothing, true) => text.push_str(" fails"),
        (got, false) => {
            let _ = write!(text, " = {got}");
        }
        (got, true) => {
            let _ = write!(text, " fails, {got}");
        }
    }
    text + "  " + &place(step.site)
}

fn place(site: &Location<'_>) -> String {
    let file = Path::new(site.file());
    let name = file
        .file_name()
        .map_or(site.file().into(), |name| name.to_string_lossy());
    format!("{name}:{}", site.line())
}
