//! From evidence to report: described, deduplicated, written, then shown.

mod account;
mod describe;
mod judged;
mod output;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::attribution::{self, Seen};
use super::watch::{Found, Frame};
use super::{ENGINE, atomicity, gate, heartbeat, memory, threads};
use crate::config::{OnViolation, Suspicions};
use crate::contract::Operation;
use crate::engine::traps::Evidence;
use crate::report::{self, Baseline, Rendering, Report, Run, Violation, path};

pub(super) use judged::{accept, enlist, nearest, strangers};
pub(super) use output::say;

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

struct Recorder {
    report: Report,
    file: PathBuf,
    root: Option<PathBuf>,
    /// The violations by what makes them one: an unordered pair of call sites, or the three of a region.
    known: HashMap<Vec<SiteKey>, usize>,
    /// The same for suspicions; `None` for what turned out to be none.
    suspected: HashMap<Vec<SiteKey>, Option<usize>>,
    /// Suspicions that fail nothing.
    accepted: Baseline,
    /// For each violation how often it was seen and fails the run.
    failing: Vec<u64>,
    /// Bodies that are watched for their own violations.
    frames: Vec<Weak<Frame>>,
    /// Violations seen in none of those.
    strangers: u64,
    /// What could not be done was said once.
    complained: bool,
}

type SiteKey = (usize, &'static str, u32, u32);

/// What the exit needs to know.
pub(super) struct Outcome {
    pub(super) violations: usize,
    /// Suspicions that fail the run as violations do.
    pub(super) denied: usize,
    pub(super) file: PathBuf,
}

/// Prepares the report, so that its folder does not depend on what the program does later.
/// Returns what is to be said.
pub(super) fn begin(accepted: Baseline) -> Option<String> {
    let mut recorder = RECORDER.lock();
    if recorder.is_some() {
        return None;
    }
    OWNER.store(std::process::id(), Ordering::Relaxed);
    let program = std::env::current_exe().unwrap_or_default();
    let name = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let world = ENGINE.env();
    let strategy = gate::config().parameters.strategy.as_str();
    let mut run = Run::of_this_process(world.started_at(), strategy, world.seed(), 1);
    run.id = format!("{name}-{}", run.id);
    let folder = folder(&program);
    let file = folder.join("reports").join(format!("{}.json", run.id));
    let warning = memory::begin(folder.join("traps.json"));
    let root = path::workspace_root();
    *recorder = Some(Recorder {
        report: Report::new(run),
        file,
        root,
        known: HashMap::new(),
        suspected: HashMap::new(),
        accepted,
        failing: Vec::new(),
        frames: Vec::new(),
        strangers: 0,
        complained: false,
    });
    warning
}

/// `TSVD_DIR`, else `tsvd` in the target folder the program lies in, else in the workspace's.
pub(super) fn folder(program: &Path) -> PathBuf {
    if let Some(dir) = &gate::config().dir {
        return absolute(dir);
    }
    // Cargo marks its target folder with this file, wherever it is.
    let built = program
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let target = built
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    absolute(&target.unwrap_or_else(|| path::workspace_root().unwrap_or_default().join("target")))
        .join("tsvd")
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Makes a violation safe: on return it is in the file, and on stderr if it is new.
pub(super) fn record(evidence: &Evidence<Seen>) {
    if is_forked() {
        return;
    }
    // The guest must not suffer from a bug of the report.
    let done = catch_unwind(AssertUnwindSafe(|| {
        threads::unwatched(|| {
            // Said without any lock: the guest may hold that of stderr while another of its threads waits for ours.
            let Some(news) = write(evidence) else { return };
            news.texts.iter().for_each(|text| say(text));
            memory::save();
            if news.fails && gate::config().on_violation == OnViolation::Abort {
                say("tsvd: aborting, as TSVD_ON_VIOLATION=abort says");
                std::process::abort();
            }
        })
    }));
    if done.is_err() {
        say("[tsvd internal bug] a violation could not be described; please report this");
    }
}

/// What is to be told of a violation.
struct News {
    texts: Vec<String>,
    fails: bool,
}

fn is_suspicion(evidence: &Evidence<Seen>) -> bool {
    let region = evidence.region.as_ref();
    region.is_some_and(|region| region.suspected)
}

/// Writes a violation, if there is anything new about it.
fn write(evidence: &Evidence<Seen>) -> Option<News> {
    let mut recorder = RECORDER.lock();
    recorder.as_mut()?.add(evidence)
}

impl Recorder {
    fn add(&mut self, evidence: &Evidence<Seen>) -> Option<News> {
        let key = pair_key(evidence);
        if is_suspicion(evidence) {
            return self.suspect(evidence, key);
        }
        let known = self.known.get(&key).copied();
        self.frames
            .retain(|frame| frame.upgrade().is_some_and(|frame| !frame.is_over()));
        if let Some(index) = known
            && self.failing[index] > 0
            && self.frames.is_empty()
        {
            // Nothing that anybody waits for.
            self.report.violations[index].occurrences += 1;
            self.failing[index] += 1;
            self.strangers += 1;
            return None;
        }
        let violation = self.describe(evidence);
        let text = self.rendering().violation(&violation, &self.report.run);
        let frames = self.frames_of(evidence);
        self.strangers += u64::from(frames.is_empty());
        let expected = frames.iter().any(|frame| frame.expects(&text));
        let fails = !violation.cross_test && !expected;
        let (index, is_news) = self.file(key, &violation, fails);
        if !violation.cross_test {
            for frame in &frames {
                frame.add(Found {
                    index,
                    violation: violation.clone(),
                    text: text.clone(),
                    unexpected: u64::from(fails),
                });
            }
        }
        if !is_news {
            return None;
        }
        let complaint = self.write();
        let shown = if fails && !frames.is_empty() {
            Some(self.announcement(&violation))
        } else if fails || violation.cross_test {
            let rendering = self.rendering().color(wants_color());
            Some(rendering.violation(&violation, &self.report.run))
        } else {
            None
        };
        Some(News {
            texts: complaint.into_iter().chain(shown).collect(),
            fails,
        })
    }

    /// Adds a violation to the report; which one it is there, and whether that is news.
    fn file(&mut self, key: Vec<SiteKey>, new: &Violation, fails: bool) -> (usize, bool) {
        let Some(&index) = self.known.get(&key) else {
            let index = self.report.violations.len();
            self.known.insert(key, index);
            self.failing.push(0);
            self.report.violations.push(new.clone());
            self.count(index, fails);
            return (index, true);
        };
        let known = &mut self.report.violations[index];
        let occurrences = known.occurrences + 1;
        // The description is that of the gravest.
        let graver = (fails && self.failing[index] == 0) || (known.cross_test && !new.cross_test);
        if graver {
            known.clone_from(new);
        }
        known.occurrences = occurrences;
        self.count(index, fails);
        (index, graver)
    }

    fn count(&mut self, index: usize, fails: bool) {
        self.failing[index] += u64::from(fails);
        let violation = &mut self.report.violations[index];
        violation.expected = !violation.cross_test && self.failing[index] == 0;
    }

    fn rendering(&self) -> Rendering {
        Rendering::new().report(shorter(&self.file)).sources_here()
    }
}

fn wants_color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// What happens to the second party once the report is safe.
pub(super) fn react(operation: &Operation) {
    let panics = gate::config().on_violation == OnViolation::Panic;
    // Whoever watches for violations judges them at its end.
    let is_judged = || attribution::current().frames().next().is_some();
    if panics && !is_judged() && !operation.drops() && !std::thread::panicking() {
        let file = RECORDER
            .lock()
            .as_ref()
            .map(|recorder| shorter(&recorder.file))
            .unwrap_or_default();
        panic!(
            "tsvd: thread-safety violation at `{}::{}`, reported above and in {}",
            operation.contract(),
            operation.name(),
            file.display()
        );
    }
}

/// The process whose report this is; 0 before there is one.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Whether this process is a child that was forked while being watched: its report is its parent's. Asks no lock, which
/// another thread may hold for as long as a report takes, and for ever in the child.
pub(super) fn is_forked() -> bool {
    let owner = OWNER.load(Ordering::Relaxed);
    owner != 0 && owner != std::process::id()
}

/// Writes the final report, numbers and all.
pub(super) fn finish() -> Option<Outcome> {
    if ENGINE.operations() == 0 {
        heartbeat::leave();
        return None;
    }
    let (outcome, complaint, suspicions) = {
        // Another thread may be writing a report; should it never end, the process has to.
        let mut recorder = RECORDER.try_lock_for(LAST_REPORT)?;
        let recorder = recorder.as_mut()?;
        let complaint = recorder.write();
        let suspicions = recorder.report.suspicions.iter();
        let suspicions = suspicions.filter(|suspicion| !suspicion.accepted);
        let suspicions: Vec<_> = suspicions.map(atomicity::brief).collect();
        let outcome = Outcome {
            violations: recorder.report.failing().count(),
            denied: match gate::config().suspicions {
                Suspicions::Deny => suspicions.len(),
                Suspicions::List | Suspicions::Off => 0,
            },
            file: shorter(&recorder.file),
        };
        (outcome, complaint, suspicions)
    };
    suspicions.iter().for_each(|text| say(text));
    complaint.iter().for_each(|text| say(text));
    memory::save();
    memory::spend();
    Some(outcome)
}

/// How long the end of the process waits for a report that is being written.
const LAST_REPORT: Duration = Duration::from_secs(10);

impl Recorder {
    /// Lists a suspicion, if it is one: what there is to complain of.
    fn suspect(&mut self, evidence: &Evidence<Seen>, key: Vec<SiteKey>) -> Option<News> {
        match self.suspected.get(&key) {
            Some(Some(index)) => self.report.suspicions[*index].occurrences += 1,
            Some(None) => {}
            None => {
                let is_one = atomicity::suspected(evidence).is_some();
                let index = is_one.then_some(self.report.suspicions.len());
                self.suspected.insert(key, index);
                if is_one {
                    let mut suspicion = self.describe(evidence);
                    suspicion.accepted = self.accepted.accepts(&suspicion.id);
                    self.report.suspicions.push(suspicion);
                    return self.write().map(|complaint| News {
                        texts: vec![complaint],
                        fails: false,
                    });
                }
            }
        }
        None
    }

    /// What there is to complain of, once.
    fn write(&mut self) -> Option<String> {
        self.report.summary = account::summary(&ENGINE, self.report.violations.len());
        self.report.pairs = self.pairs();
        self.report.coverage = self.coverage();
        let concurrent = self.report.coverage.iter();
        self.report.summary.sites_concurrent =
            concurrent.filter(|line| line.concurrent_hits > 0).count() as u64;
        self.report.run.disturbed = ENGINE.is_disturbed();
        self.report.run.duration_ms = now().as_millis() as u64;
        let error = report::write(&self.file, &self.report).err()?;
        let first = !std::mem::replace(&mut self.complained, true);
        first.then(|| {
            format!(
                "tsvd: {error}. Violations are still shown here; TSVD_DIR names another folder."
            )
        })
    }
}

fn pair_key(evidence: &Evidence<Seen>) -> Vec<SiteKey> {
    let next = evidence.region.iter().map(|region| &region.next);
    let parties = [&evidence.first, &evidence.second].into_iter().chain(next);
    let key = parties.map(|party| {
        let site = party.site;
        (
            ptr::from_ref(party.operation).addr(),
            site.file(),
            site.line(),
            site.column(),
        )
    });
    let mut key: Vec<_> = key.collect();
    if evidence.region.is_none() {
        key.sort_unstable();
    }
    key
}

fn now() -> Duration {
    use crate::engine::env::Environment;
    Duration::from_nanos(ENGINE.env().now())
}

/// Relative to the current folder where that is shorter to read.
fn shorter(file: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&current).unwrap_or(file).to_owned()
}
