//! What came of each model, as JSON: `loom/<target>/<model>.json` in the folder of `TSVD_DIR`, else `target/tsvd`.

use std::any::Any;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Exploration, Verdict};

/// Tells a child process that it is a mutant, whose fate its parent writes down.
const MUTANT: &str = "TSVD_LOOM_MUTANT";

/// An exploration that came to its end; `accepted` if the test passes with that verdict.
pub(super) fn explored(exploration: &Exploration, accepted: bool) {
    let word = match exploration.verdict() {
        Verdict::Exhausted => "exhausted",
        Verdict::Bounded { .. } => "bounded",
        Verdict::TimedOut { .. } => "timed out",
        Verdict::Vacuous | Verdict::Unreached { .. } => "vacuous",
        Verdict::Unchecked => return,
    };
    write(
        exploration,
        word,
        &exploration.verdict().to_string(),
        accepted,
    );
}

/// An execution failed.
pub(super) fn failed(exploration: &Exploration, payload: &(dyn Any + Send)) {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    write(
        exploration,
        "failed",
        text.unwrap_or("a panic without a message"),
        false,
    );
}

fn write(exploration: &Exploration, verdict: &str, detail: &str, accepted: bool) {
    let rungs: Vec<Value> = exploration
        .rungs()
        .iter()
        .map(|rung| {
            json!({
                "preemption_bound": rung.preemptions,
                "executions": rung.executions,
                "seconds": rung.elapsed.as_secs_f64(),
            })
        })
        .collect();
    save(
        exploration.name(),
        &json!({
            "kind": "model",
            "target": target(),
            "test": test(),
            "model": exploration.name(),
            "property": exploration.property(),
            "verdict": verdict,
            "detail": detail,
            "accepted": accepted,
            "executions": exploration.executions(),
            "seconds": exploration.elapsed().as_secs_f64(),
            "rungs": rungs,
        }),
    );
}

/// A mutant was rejected with `message`.
pub fn rejected(test: &str, message: &str) {
    save(
        test,
        &json!({
            "kind": "mutant",
            "target": target(),
            "test": test,
            "rejected_with": message,
        }),
    );
}

fn save(name: &str, record: &Value) {
    if std::env::var_os(MUTANT).is_some() {
        return;
    }
    let file = folder()
        .join("loom")
        .join(target())
        .join(format!("{}.json", file_name(name)));
    if let Err(error) = replace(&file, record) {
        eprintln!("tsvd: cannot write {}: {error}", file.display());
    }
}

/// Writes a file whole or not at all.
pub(super) fn replace(file: &Path, content: &Value) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, format!("{content:#}\n"))?;
    fs::rename(&new, file)
}

/// The name of the test, which is its thread's.
fn test() -> Option<String> {
    let thread = std::thread::current();
    thread
        .name()
        .filter(|name| *name != "main")
        .map(str::to_owned)
}

/// The test program's name, without cargo's hash.
pub(super) fn target() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_stem().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('-') {
        Some((name, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            name.to_owned()
        }
        _ => name.into_owned(),
    }
}

pub(super) fn file_name(name: &str) -> String {
    let plain = |character: char| {
        if character.is_alphanumeric() {
            character
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// `TSVD_DIR`, else `tsvd` in the target folder that the program lies in.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("TSVD_DIR").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let program = std::env::current_exe().unwrap_or_default();
    // Cargo marks its target folder with this file, wherever it is.
    let target = program
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(Path::new("target")).join("tsvd")
}
