//! Where an exploration was when its process ended, for the next process: a file per model.
//!
//! Loom's own file says nothing of the model it belongs to, and is replayed into any other. Here a file has the name of the model, a hash of
//! the program and what else shapes loom's tree of executions, and one that differs is refused.

use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::loom::model::Builder;
use serde_json::{Value, json};

use super::{Model, record};

/// The folder of checkpoints.
pub(super) const VARIABLE: &str = "TSVD_LOOM_CHECKPOINT";

pub(super) struct Checkpoint {
    file: PathBuf,
    /// What loom reads at its start and writes now and then.
    looms: PathBuf,
    head: Value,
    resumed: (usize, Duration),
}

impl Checkpoint {
    /// The checkpoint of a model, if checkpoints are wanted.
    ///
    /// # Panics
    ///
    /// If there is a file that cannot be read, or is of something else.
    pub(super) fn of(model: &Model, name: &str, builder: &Builder) -> Option<Self> {
        let from_environment = || std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
        let folder = match &model.checkpoint {
            Some(folder) => folder.clone(),
            None => PathBuf::from(from_environment()?),
        };
        let bound = builder
            .preemption_bound
            .map_or("unbounded".to_owned(), |bound| bound.to_string());
        let stem = format!("{}.{}.{bound}", record::target(), record::file_name(name));
        let file = folder.join(format!("{stem}.json"));
        let looms = folder.join(format!("{stem}.loom"));
        let head = json!({
            "model": name,
            "code": format!("{:016x}", hash_of_program()),
            "preemption_bound": builder.preemption_bound,
            "max_branches": builder.max_branches,
        });
        let cannot = |what: &str, error: &dyn std::fmt::Display| -> ! {
            panic!("tsvd: cannot {what} checkpoint {}: {error}", file.display())
        };
        if let Err(error) = fs::create_dir_all(&folder) {
            cannot("make the folder of", &error);
        }
        // Of a process that was killed: perhaps half a file.
        let _ = fs::remove_file(&looms);
        let mut resumed = (0, Duration::ZERO);
        if file.exists() {
            let text = fs::read_to_string(&file).unwrap_or_else(|error| cannot("read", &error));
            let saved: Value =
                serde_json::from_str(&text).unwrap_or_else(|error| cannot("read", &error));
            refuse_another(&file, &saved["head"], &head);
            resumed = (
                saved["executions"].as_u64().unwrap_or(0) as usize,
                Duration::from_secs_f64(saved["seconds"].as_f64().unwrap_or(0.0)),
            );
            if let Err(error) = fs::write(&looms, saved["path"].to_string()) {
                cannot("copy", &error);
            }
        }
        Some(Self {
            file,
            looms,
            head,
            resumed,
        })
    }

    pub(super) fn looms(&self) -> &Path {
        &self.looms
    }

    /// Executions and time before this process.
    pub(super) fn resumed(&self) -> (usize, Duration) {
        self.resumed
    }

    /// Loom has just written its file. What goes wrong is not the model's fault: it goes on without.
    pub(super) fn save(&mut self, executions: usize, elapsed: Duration) {
        let saved = fs::read_to_string(&self.looms)
            .map_err(|error| error.to_string())
            .and_then(|path| {
                let path: Value = serde_json::from_str(&path).map_err(|error| error.to_string())?;
                let whole = json!({
                    "head": self.head,
                    "executions": executions,
                    "seconds": elapsed.as_secs_f64(),
                    "path": path,
                });
                record::replace(&self.file, &whole).map_err(|error| error.to_string())
            });
        if let Err(error) = saved {
            eprintln!(
                "tsvd: cannot save checkpoint {}: {error}",
                self.file.display()
            );
        }
    }

    pub(super) fn end(self, is_whole: bool) {
        let _ = fs::remove_file(&self.looms);
        if is_whole {
            let _ = fs::remove_file(&self.file);
        }
    }
}

fn refuse_another(file: &Path, saved: &Value, wanted: &Value) {
    let Some(wanted) = wanted.as_object() else {
        return;
    };
    for (what, wanted) in wanted {
        let saved = &saved[what];
        assert!(
            saved == wanted,
            "tsvd: checkpoint {} is of another model: its {what} is {saved}, not {wanted}. Delete it, or unset {VARIABLE}",
            file.display()
        );
    }
}

/// Any change of the code makes another program.
fn hash_of_program() -> u64 {
    let program = std::env::current_exe().and_then(fs::read);
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(
        &program.unwrap_or_else(|error| panic!("tsvd: cannot read the program that runs: {error}")),
    );
    hasher.finish()
}
