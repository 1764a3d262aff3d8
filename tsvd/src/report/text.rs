//! Violations as text for people: what collided, on what, who was where, what to do next.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::escape::{printable, shell, shown};
use super::frame::first_workspace_frame;
use super::model::{
    DetectedBy, Frame, Kind, ObjectInfo, ObjectKind, Party, Pattern, Region, Report, Run, Site,
    Violation,
};
use super::path::workspace_root;
use super::quote::quote;

/// Names and keys longer than this are cut.
const MAX_NAME: usize = 160;

/// Stacks longer than this are cut; the JSON has them whole.
const MAX_FRAMES: usize = 16;

/// Commands longer than this are left to the JSON.
const MAX_COMMAND: usize = 400;

/// How violations are shown: plain text, without source lines, unless set otherwise.
#[derive(Clone, Debug, Default)]
pub struct Rendering {
    color: bool,
    report: Option<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Rendering {
    /// Plain text without source lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether headings are coloured with terminal codes.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// The file that holds the whole of it, to be named.
    pub fn report(mut self, path: impl Into<PathBuf>) -> Self {
        self.report = Some(path.into());
        self
    }

    /// A folder that paths of sources are relative to. Several are tried in the order they are given.
    pub fn sources(mut self, root: impl Into<PathBuf>) -> Self {
        self.roots.push(root.into());
        self
    }

    /// Looks for sources in this process's workspace, then in the current folder and those above it.
    pub fn sources_here(mut self) -> Self {
        self.roots.extend(workspace_root());
        if let Ok(current) = std::env::current_dir() {
            self.roots.extend(current.ancestors().map(PathBuf::from));
        }
        self
    }

    /// A violation, seen in `run`. Several lines, the last one ended.
    pub fn violation(&self, violation: &Violation, run: &Run) -> String {
        let mut text = String::new();
        let title = format!(
            "tsvd: thread-safety violation ({})",
            violation.kind.as_str()
        );
        line(&mut text, 0, &self.strong(&title, RED));
        text.push('\n');
        line(&mut text, 2, &what_collided(violation));
        line(&mut text, 2, &how_caught(violation));
        if violation.cross_test {
            line(
                &mut text,
                2,
                "The calls belong to two different tests, so this does not fail the run.",
            );
        }
        if violation.expected {
            line(
                &mut text,
                2,
                "The test expects it, so it does not fail the run.",
            );
        }
        text.push('\n');
        line(
            &mut text,
            2,
            &format!("object: {}", object(&violation.object)),
        );
        self.party(
            &mut text,
            "(1)",
            &role_of_first(violation),
            &violation.first,
        );
        self.party(
            &mut text,
            "(2)",
            role_of_second(violation),
            &violation.second,
        );
        if let Some(region) = &violation.region
            && let Some(next) = region.accesses.get(1)
        {
            self.party(&mut text, "(3)", &role_of_next(region), next);
        }
        self.advice(&mut text, violation, run);
        text
    }

    /// What a report says in all, in a line or two, the last one ended.
    pub fn summary(&self, report: &Report) -> String {
        let summary = &report.summary;
        let mut text = String::from("tsvd: ");
        if report.violations.is_empty() {
            text.push_str("no violation");
        } else {
            let occurrences = report
                .violations
                .iter()
                .fold(0_u64, |sum, v| sum.saturating_add(v.occurrences));
            let found = count(report.violations.len() as u64, "violation");
            let _ = write!(text, "{found}, seen {}", times(occurrences));
            let those = |which: fn(&Violation) -> bool| {
                report.violations.iter().filter(|v| which(v)).count()
            };
            let cross = those(|violation| violation.cross_test);
            if cross > 0 {
                let _ = write!(
                    text,
                    "; {cross} between different tests, which do not fail the run"
                );
            }
            let expected = those(|violation| violation.expected && !violation.cross_test);
            if expected > 0 {
                let _ = write!(text, "; {expected} expected by the test");
            }
        }
        if !report.suspicions.is_empty() {
            let suspicions = count(report.suspicions.len() as u64, "suspicion");
            let _ = write!(text, "; {suspicions} (see `cargo tsvd baseline check`)");
            let accepted = report.suspicions.iter().filter(|one| one.accepted);
            match accepted.count() {
                0 => {}
                accepted => {
                    let _ = write!(text, ", {accepted} accepted");
                }
            }
        }
        text.push('\n');
        let numbers = format!(
            "{} at {} ({} concurrent), {}, {} armed, {} ({} ms)",
            count(summary.operations, "operation"),
            count(summary.sites, "call site"),
            summary.sites_concurrent,
            if summary.near_misses == 1 {
                "1 near miss".to_owned()
            } else {
                format!("{} near misses", summary.near_misses)
            },
            count(summary.pairs_armed, "pair"),
            count(summary.delays, "delay"),
            summary.delay_ms,
        );
        line(&mut text, 6, &numbers);
        let idle = report.coverage.iter();
        let idle = idle.filter(|line| line.hits == 0 && line.unwatched.is_none());
        match idle.count() {
            0 => {}
            1 => line(
                &mut text,
                6,
                "1 operation was never called (`coverage` in the JSON).",
            ),
            n => line(
                &mut text,
                6,
                &format!("{n} operations were never called (`coverage` in the JSON)."),
            ),
        }
        if summary.operations > 0 && summary.sites_concurrent == 0 && report.violations.is_empty() {
            line(
                &mut text,
                6,
                "Never was more than one thread or task active: such runs cannot show a violation.",
            );
        }
        text
    }

    fn party(&self, text: &mut String, number: &str, part: &str, party: &Party) {
        text.push('\n');
        let role = party
            .role
            .as_deref()
            .map_or_else(String::new, |role| format!(", role {}", name(role)));
        let title = format!(
            "{number} {} ({}{role}), {part}",
            operation(party),
            party.access.as_str()
        );
        line(text, 2, &self.strong(&title, PLAIN));
        line(text, 6, &context(party));
        self.site(text, &party.site);
        stack(text, &party.stack);
    }

    fn site(&self, text: &mut String, site: &Site) {
        line(
            text,
            6,
            &format!("at {}", place(&site.file, site.line, site.column)),
        );
        let Some(quote) = quote(site, &self.roots) else {
            return;
        };
        let number = site.line.to_string();
        let blank = " ".repeat(number.len());
        line(text, 8, &format!("{number} | {}", quote.code));
        if !quote.mark.is_empty() {
            line(
                text,
                8,
                &format!("{blank} | {}", self.strong(&quote.mark, RED)),
            );
        }
    }

    fn advice(&self, text: &mut String, violation: &Violation, run: &Run) {
        text.push('\n');
        line(text, 2, &self.strong("what to do", PLAIN));
        for advice in advice(violation) {
            line(text, 4, &format!("- {advice}"));
        }
        let seed = run.seed;
        match shell(&run.command, MAX_COMMAND) {
            Some(command) => line(
                text,
                4,
                &format!("- Run it again: TSVD_SEED={seed} {command}"),
            ),
            None => line(
                text,
                4,
                &format!(
                    "- Run it again with TSVD_SEED={seed} (process {}).",
                    run.pid
                ),
            ),
        }
        if let Some(report) = &self.report {
            line(
                text,
                4,
                &format!("- Read all of it: {}", printable(&report.to_string_lossy())),
            );
        }
        let seen = times(violation.occurrences);
        line(
            text,
            4,
            &format!(
                "- Its id is {}, the same in every run; seen {seen} so far.",
                name(&violation.id)
            ),
        );
    }

    fn strong(&self, text: &str, code: &str) -> String {
        if self.color {
            format!("\u{1b}[1{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

const PLAIN: &str = "";
const RED: &str = ";31";

fn what_collided(violation: &Violation) -> String {
    let Violation { first, second, .. } = violation;
    let same = (&first.contract, &first.operation) == (&second.contract, &second.operation);
    let parties = if same {
        format!("Two calls of {}", operation(first))
    } else {
        format!("{} and {}", operation(first), operation(second))
    };
    match (violation.kind, &violation.region) {
        (Kind::WriteWrite, _) => {
            format!("{parties} were in flight on one object at the same time, and both write.")
        }
        (Kind::ReadWrite, _) => {
            let writer = if first.access == super::Access::Read {
                "(2)"
            } else {
                "(1)"
            };
            format!("{parties} were in flight on one object at the same time, and {writer} writes.")
        }
        (Kind::Atomicity, Some(region)) => {
            let happened = match region.pattern {
                Pattern::ReadWriteRead => "it read twice, and another context wrote in between",
                Pattern::WriteWriteRead => {
                    "it wrote and read back, and another context wrote in between"
                }
                Pattern::ReadWriteWrite => {
                    "it read and then wrote, and another context wrote in between"
                }
                Pattern::WriteReadWrite => "it wrote twice, and another context read in between",
            };
            let until = if region.strict {
                " until it returns"
            } else {
                ""
            };
            let region = name(&region.name);
            format!("{region} is expected to be atomic{until}: {happened}.")
        }
        (Kind::Atomicity, None) => format!("{parties} interleaved where that must not happen."),
    }
}

fn how_caught(violation: &Violation) -> String {
    let gap = millis(violation.gap_ms);
    if violation.region.is_some() {
        return match violation.detected_by {
            DetectedBy::Trap => format!(
                "tsvd held it before (3), and meanwhile, {gap} after (1), (2) came and went: nothing made it wait."
            ),
            DetectedBy::Overlap => {
                format!("{gap} after (1), (2) came and went before (3): nothing made it wait.")
            }
        };
    }
    match violation.detected_by {
        DetectedBy::Trap => format!(
            "tsvd held (1) before its body (a trap), and {gap} later (2) was called: nothing made it wait."
        ),
        DetectedBy::Overlap => format!(
            "(1) was still inside its body when, {gap} later, (2) was called (an overlap): nothing made it wait."
        ),
    }
}

fn role_of_first(violation: &Violation) -> String {
    match (&violation.region, violation.detected_by) {
        (Some(region), _) => format!("by {}", name(&region.name)),
        (None, DetectedBy::Trap) => "held before its body".to_owned(),
        (None, DetectedBy::Overlap) => "still inside".to_owned(),
    }
}

fn role_of_second(violation: &Violation) -> &'static str {
    if violation.region.is_some() {
        "in between"
    } else {
        "called meanwhile"
    }
}

/// The end of a strict region is an access that has its name.
fn role_of_next(region: &Region) -> String {
    let ends = region.strict
        && region
            .accesses
            .get(1)
            .is_some_and(|next| next.operation == region.name);
    let end = if ends { "the end of" } else { "by" };
    let expected = match region.pattern {
        Pattern::ReadWriteRead | Pattern::ReadWriteWrite => "what (1) found to be true",
        Pattern::WriteWriteRead | Pattern::WriteReadWrite => "to be one step with (1)",
    };
    format!("{end} {}, which expected {expected}", name(&region.name))
}

fn advice(violation: &Violation) -> Vec<&'static str> {
    if violation.kind == Kind::Atomicity {
        return vec![
            "Make check and act one step: hold one lock over both, or use an operation that does both.",
            "If the code checks again or copes with the change, the region need not be atomic: take the mark away.",
        ];
    }
    let apart = if violation.object.kind == ObjectKind::Resource {
        "If these calls must not overlap, order them: one lock, of the whole process, around both."
    } else {
        "If these calls must not overlap, order them: the same lock around both, or one thread that owns the object."
    };
    vec![
        apart,
        "If they may overlap, the contract says too much: correct its access (read, write), key or role.",
    ]
}

fn operation(party: &Party) -> String {
    format!("`{}::{}`", name(&party.contract), name(&party.operation))
}

fn object(object: &ObjectInfo) -> String {
    let part = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), name);
    let mut text = match object.kind {
        ObjectKind::Place => format!("{} at {}", part(&object.r#type), part(&object.address)),
        ObjectKind::Resource => format!("the resource \"{}\"", part(&object.name)),
        ObjectKind::Id => format!("the object with id {}", part(&object.name)),
    };
    if let Some(key) = &object.key {
        let _ = write!(text, ", key {}", name(key));
    }
    text
}

fn context(party: &Party) -> String {
    let context = &party.context;
    let mut text = match &context.thread {
        Some(thread) => format!("by thread \"{}\" ({})", name(thread), context.thread_id),
        None => format!("by thread {}, which has no name", context.thread_id),
    };
    if let Some(task) = &context.task {
        let _ = write!(text, ", task {}", name(task));
    }
    if let Some(test) = &party.test {
        let _ = write!(text, ", in test {}", name(test));
    }
    if let Some(spawned) = &context.spawned_at {
        let _ = write!(
            text,
            ", spawned at {}",
            place(&spawned.file, spawned.line, spawned.column)
        );
    }
    text
}

fn stack(text: &mut String, stack: &[Frame]) {
    if stack.is_empty() {
        line(
            text,
            6,
            "no stack: the call was cut off or had already left, or there is no debug information",
        );
        return;
    }
    line(text, 6, "stack, innermost first:");
    let mut left = MAX_FRAMES;
    // A run of library frames says nothing of the bug; the JSON has them all.
    for run in stack.chunk_by(|a, b| is_library(a) && is_library(b)) {
        if left == 0 {
            line(text, 8, "and more, in the JSON");
            return;
        }
        left -= 1;
        if run.len() > 1 {
            line(text, 8, &format!("... {} library frames", run.len()));
            continue;
        }
        let frame = &run[0];
        let function = shown(&frame.function, 2 * MAX_NAME);
        match (&frame.file, frame.line) {
            (Some(file), Some(number)) => {
                line(text, 8, &format!("{function} ({})", place(file, number, 0)));
            }
            (Some(file), None) => line(text, 8, &format!("{function} ({})", name(file))),
            (None, _) => line(text, 8, &function),
        }
    }
}

fn is_library(frame: &Frame) -> bool {
    first_workspace_frame(std::slice::from_ref(frame)).is_none()
}

fn place(file: &str, line: u32, column: u32) -> String {
    let file = shown(file, 4 * MAX_NAME);
    if column == 0 {
        format!("{file}:{line}")
    } else {
        format!("{file}:{line}:{column}")
    }
}

fn name(text: &str) -> String {
    shown(text, MAX_NAME)
}

fn millis(millis: f64) -> String {
    if millis < 0.05 {
        "less than 0.1 ms".to_owned()
    } else {
        format!("{millis:.1} ms")
    }
}

fn count(number: u64, thing: &str) -> String {
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}

fn times(number: u64) -> String {
    if number == 1 {
        "once".to_owned()
    } else {
        format!("{number} times")
    }
}

fn line(text: &mut String, indent: usize, content: &str) {
    text.extend(std::iter::repeat_n(' ', indent));
    text.push_str(content);
    text.push('\n');
}
