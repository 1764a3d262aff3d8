//! From evidence to report: described, deduplicated, written, then shown.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{ENGINE, atomicity, declared, gate, memory, threads};
use crate::config::{OnViolation, Suspicions};
use crate::contract::{Access, Kind as Identity, Operation};
use crate::engine::Engine;
use crate::engine::sites::{Hits, Site as CallSite};
use crate::engine::trap_set::State;
use crate::engine::traps::{self, DetectedBy, Evidence};
use crate::report::{self, RawStack, Rendering, Report, Run, Violation, path};

use super::world::World;

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

struct Recorder {
    report: Report,
    file: PathBuf,
    root: Option<PathBuf>,
    /// The violations by what makes them one: an unordered pair of call sites, or the three of a region.
    known: HashMap<Vec<SiteKey>, usize>,
    /// The same for suspicions; `None` for what turned out to be none.
    suspected: HashMap<Vec<SiteKey>, Option<usize>>,
    /// What could not be done was said once.
    complained: bool,
}

type SiteKey = (usize, &'static str, u32, u32);

/// What the exit needs to know.
pub(super) struct Outcome {
    pub(super) failing: usize,
    pub(super) file: PathBuf,
}

/// Prepares the report, so that its folder does not depend on what the program does later.
/// Returns what is to be said.
pub(super) fn begin() -> Option<String> {
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
        complained: false,
    });
    warning
}

/// `TSVD_DIR`, else `tsvd` in the target folder the program lies in, else in the workspace's.
fn folder(program: &Path) -> PathBuf {
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
pub(super) fn record(evidence: &Evidence<RawStack>) {
    if is_forked() {
        return;
    }
    // The guest must not suffer from a bug of the report.
    let done = catch_unwind(AssertUnwindSafe(|| {
        threads::unwatched(|| {
            // Said without any lock: the guest may hold that of stderr while another of its threads waits for ours.
            let Some(texts) = write(evidence) else { return };
            texts.iter().for_each(|text| say(text));
            memory::save();
            let aborts = gate::config().on_violation == OnViolation::Abort;
            if aborts && !is_suspicion(evidence) {
                say("tsvd: aborting, as TSVD_ON_VIOLATION=abort says");
                std::process::abort();
            }
        })
    }));
    if done.is_err() {
        say("[tsvd internal bug] a violation could not be described; please report this");
    }
}

fn is_suspicion(evidence: &Evidence<RawStack>) -> bool {
    let region = evidence.region.as_ref();
    region.is_some_and(|region| region.suspected)
}

/// Writes a violation, if it is new: what is to be said of it.
fn write(evidence: &Evidence<RawStack>) -> Option<Vec<String>> {
    let mut recorder = RECORDER.lock();
    let recorder = recorder.as_mut()?;
    let key = pair_key(evidence);
    if is_suspicion(evidence) {
        return recorder.suspect(evidence, key);
    }
    if let Some(index) = recorder.known.get(&key) {
        recorder.report.violations[*index].occurrences += 1;
        return None;
    }
    let violation = recorder.describe(evidence);
    recorder.known.insert(key, recorder.report.violations.len());
    recorder.report.violations.push(violation.clone());
    let complaint = recorder.write();
    let rendering = Rendering::new()
        .color(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .report(shorter(&recorder.file))
        .sources_here();
    let shown = rendering.violation(&violation, &recorder.report.run);
    Some(complaint.into_iter().chain([shown]).collect())
}

/// What happens to the second party once the report is safe.
pub(super) fn react(operation: &Operation) {
    let panics = gate::config().on_violation == OnViolation::Panic;
    if panics && !operation.drops() && !std::thread::panicking() {
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
        return None;
    }
    let (outcome, complaint, suspicions) = {
        // Another thread may be writing a report; should it never end, the process has to.
        let mut recorder = RECORDER.try_lock_for(LAST_REPORT)?;
        let recorder = recorder.as_mut()?;
        let complaint = recorder.write();
        let suspicions = &recorder.report.suspicions;
        let denied = match gate::config().suspicions {
            Suspicions::Deny => suspicions.len(),
            Suspicions::List | Suspicions::Off => 0,
        };
        let suspicions: Vec<_> = suspicions.iter().map(atomicity::brief).collect();
        let outcome = Outcome {
            failing: recorder.report.failing().count() + denied,
            file: shorter(&recorder.file),
        };
        (outcome, complaint, suspicions)
    };
    suspicions.iter().for_each(|text| say(text));
    complaint.iter().for_each(|text| say(text));
    memory::save();
    Some(outcome)
}

/// How long the end of the process waits for a report that is being written.
const LAST_REPORT: Duration = Duration::from_secs(10);

impl Recorder {
    /// Lists a suspicion, if it is one: what there is to complain of.
    fn suspect(&mut self, evidence: &Evidence<RawStack>, key: Vec<SiteKey>) -> Option<Vec<String>> {
        match self.suspected.get(&key) {
            Some(Some(index)) => self.report.suspicions[*index].occurrences += 1,
            Some(None) => {}
            None => {
                let is_one = atomicity::suspected(evidence).is_some();
                let index = is_one.then_some(self.report.suspicions.len());
                self.suspected.insert(key, index);
                if is_one {
                    self.report.suspicions.push(self.describe(evidence));
                    return self.write().map(|complaint| vec![complaint]);
                }
            }
        }
        None
    }

    /// What there is to complain of, once.
    fn write(&mut self) -> Option<String> {
        self.report.summary = summary(&ENGINE, self.report.violations.len());
        self.report.pairs = self.pairs();
        self.report.coverage = self.coverage();
        let concurrent = self.report.coverage.iter();
        self.report.summary.sites_concurrent =
            concurrent.filter(|line| line.concurrent_hits > 0).count() as u64;
        self.report.run.duration_ms = now().as_millis() as u64;
        let error = report::write(&self.file, &self.report).err()?;
        let first = !std::mem::replace(&mut self.complained, true);
        first.then(|| {
            format!(
                "tsvd: {error}. Violations are still shown here; TSVD_DIR names another folder."
            )
        })
    }

    fn describe(&self, evidence: &Evidence<RawStack>) -> Violation {
        let [first, second] = [&evidence.first, &evidence.second].map(|party| self.party(party));
        let [a, b] = [&first, &second].map(report::PartyIdentity::of);
        let kind = match evidence.first.operation.access() == Access::Read
            || evidence.second.operation.access() == Access::Read
        {
            true => report::Kind::ReadWrite,
            false => report::Kind::WriteWrite,
        };
        let object = evidence.object;
        let info = match object.kind() {
            Identity::Place => report::ObjectInfo::place(object.type_name(), object.words()[0]),
            Identity::Resource => {
                report::ObjectInfo::resource(object.resource_name().unwrap_or_default())
            }
            Identity::Id => report::ObjectInfo::id(object.words()[0]),
        };
        let mut violation = Violation {
            id: report::fingerprint(a, b),
            kind,
            cross_test: false,
            object: info.with_keys(
                evidence.first.key_text.as_deref(),
                evidence.second.key_text.as_deref(),
            ),
            detected_by: match evidence.detected_by {
                DetectedBy::Trap => report::DetectedBy::Trap,
                DetectedBy::Overlap => report::DetectedBy::Overlap,
            },
            gap_ms: millis(evidence.gap_ns),
            occurrences: 1,
            first,
            second,
            region: None,
        };
        if let Some(region) = &evidence.region {
            let function = region
                .suspected
                .then(|| atomicity::suspected(evidence))
                .flatten();
            atomicity::amend(&mut violation, region, function, |party| self.party(party));
        }
        violation
    }

    fn party(&self, party: &traps::Party<RawStack>) -> report::Party {
        let mut stack = party
            .stack
            .as_ref()
            .map(RawStack::resolve)
            .unwrap_or_default();
        name_the_method(&mut stack, party.operation);
        report::Party {
            contract: party.operation.contract().to_owned(),
            operation: party.operation.name().to_owned(),
            access: atomicity::access(party.operation.access()),
            role: party.operation.role().map(str::to_owned),
            test: None,
            site: report::call_site(party.site, &stack),
            context: report::Context {
                thread: party.thread.clone(),
                thread_id: party.context,
                task: None,
                spawned_at: party
                    .lineage
                    .as_ref()
                    .map(|lineage| self.site(lineage.spawned_at())),
            },
            entered_ms: millis(party.entered_ns),
            delayed_ms: millis(party.delayed_ns),
            stack,
        }
    }

    fn site(&self, location: &Location<'_>) -> report::Site {
        report::Site::new(
            path::normalise(location.file(), self.root.as_deref()),
            location.line(),
            location.column(),
        )
    }

    /// A line for each call site that was met, and for each operation that was never called.
    fn coverage(&self) -> Vec<report::Coverage> {
        let line = |operation: &Operation, site, hits: Hits, unwatched| report::Coverage {
            contract: operation.contract().to_owned(),
            operation: operation.name().to_owned(),
            site: self.site(site),
            hits: hits.all,
            concurrent_hits: hits.concurrent,
            unwatched,
        };
        let met = ENGINE.coverage();
        let called: HashSet<_> = met
            .iter()
            .map(|(site, _)| ptr::from_ref(site.operation))
            .collect();
        let mut coverage: Vec<_> = met
            .iter()
            .map(|(site, hits)| line(site.operation, site.location, *hits, None))
            .collect();
        let idle = declared::operations();
        let idle = idle
            .iter()
            .filter(|operation| !called.contains(&ptr::from_ref(**operation)));
        coverage.extend(idle.map(|operation| {
            let unwatched = if operation.is_declared() {
                Some(report::Unwatched::Declared)
            } else {
                declared::was_unwatched(operation).then_some(report::Unwatched::NoIdentity)
            };
            line(
                operation,
                operation.definition(),
                Hits::default(),
                unwatched,
            )
        }));
        coverage.sort_by(|a, b| {
            let of = |line: &report::Coverage| {
                (
                    line.contract.clone(),
                    line.operation.clone(),
                    line.site.clone(),
                )
            };
            of(a).cmp(&of(b))
        });
        coverage
    }

    fn pairs(&self) -> Vec<report::Pair> {
        let sites = ENGINE.sites();
        let site = |site: CallSite| self.site(site.location);
        let pairs = ENGINE
            .trap_set()
            .pairs()
            .into_iter()
            .filter_map(|((a, b), pair)| {
                Some(report::Pair {
                    first: site(sites.get(a)?),
                    second: site(sites.get(b)?),
                    state: match pair.state {
                        State::Armed => report::PairState::Armed,
                        State::Ordered => report::PairState::Ordered,
                        State::Decayed => report::PairState::Decayed,
                        State::Violated => report::PairState::Violated,
                    },
                    delays: u64::from(pair.delays),
                    probability: pair.probability,
                })
            });
        pairs.collect()
    }
}

/// Debug information has all that an attribute makes on the attribute's line: the method's own frame gets its own.
fn name_the_method(stack: &mut [report::Frame], operation: &Operation) {
    let Some(method) = stack.first_mut() else {
        return;
    };
    let definition = report::call_site(operation.definition(), &[]);
    if method.file.as_ref() == Some(&definition.file) && method.function.ends_with(operation.name())
    {
        method.line = Some(definition.line);
    }
}

fn pair_key(evidence: &Evidence<RawStack>) -> Vec<SiteKey> {
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

fn summary(engine: &Engine<World>, violations: usize) -> report::Summary {
    let statistics = engine.statistics();
    report::Summary {
        operations: engine.operations(),
        sites: engine.sites().len() as u64,
        near_misses: statistics.near_misses.load(Ordering::Relaxed),
        pairs_armed: engine.trap_set().pairs().len() as u64,
        delays: statistics.delays.load(Ordering::Relaxed),
        delay_ms: statistics.delay_ns.load(Ordering::Relaxed) / 1_000_000,
        objects_sampled: engine.objects(),
        violations: violations as u64,
        ..report::Summary::default()
    }
}

fn now() -> Duration {
    use crate::engine::env::Environment;
    Duration::from_nanos(ENGINE.env().now())
}

fn millis(ns: u64) -> f64 {
    report::millis(Duration::from_nanos(ns))
}

/// Relative to the current folder where that is shorter to read.
fn shorter(file: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&current).unwrap_or(file).to_owned()
}

#[cfg(unix)]
fn stderr() -> Option<std::fs::File> {
    use std::os::fd::AsFd;
    let stderr = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    Some(stderr.into())
}

#[cfg(windows)]
fn stderr() -> Option<std::fs::File> {
    use std::os::windows::io::AsHandle;
    let stderr = std::io::stderr().as_handle().try_clone_to_owned().ok()?;
    Some(stderr.into())
}

#[cfg(not(any(unix, windows)))]
fn stderr() -> Option<std::io::Stderr> {
    Some(std::io::stderr())
}

/// To stderr in one piece; that it cannot be written is nobody's problem but ours.
pub(super) fn say(text: &str) {
    let mut line = String::with_capacity(text.len() + 1);
    let _ = writeln!(line, "{}", text.trim_end_matches('\n'));
    // Not by std's handle, whose lock the guest may hold for as long as it likes.
    if let Some(mut stderr) = stderr() {
        let _ = stderr.write_all(line.as_bytes());
    }
}
