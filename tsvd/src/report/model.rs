//! The report as types: one field for each field of the JSON, under the same name.

use serde::{Deserialize, Serialize};

/// The format these types describe, as it stands in [`Report::schema`].
pub const SCHEMA: &str = "tsvd-report/1";

/// What one process, or several merged ones, saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// The format: always [`SCHEMA`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    pub schema: String,
    /// What wrote the report.
    pub tool: Tool,
    /// The process that was watched; of a merged report, the one that started first.
    pub run: Run,
    /// The run in numbers.
    pub summary: Summary,
    /// What was caught, one entry per fingerprint.
    pub violations: Vec<Violation>,
    /// Unserialisable interleavings that were seen where nothing declares a region.
    pub suspicions: Vec<Violation>,
    /// Every call site that was reached.
    pub coverage: Vec<Coverage>,
    /// The pairs of call sites that were suspected.
    pub pairs: Vec<Pair>,
}

impl Report {
    /// The report of a run that has seen nothing yet, written by this version of this crate.
    pub fn new(run: Run) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool {
                name: "tsvd".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            run,
            summary: Summary::default(),
            violations: Vec::new(),
            suspicions: Vec::new(),
            coverage: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// The violations that fail a run: all but those between two tests on a keyed resource, and those a test expected.
    pub fn failing(&self) -> impl Iterator<Item = &Violation> {
        self.violations
            .iter()
            .filter(|violation| !violation.cross_test && !violation.expected)
    }
}

/// What wrote a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Tool {
    /// `tsvd`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The process that was watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Run {
    /// Names the process among others, also on other machines; a file name without its extension.
    pub id: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The process id.
    pub pid: u32,
    /// When the process began to be watched, in UTC (RFC 3339).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub started_at: String,
    /// From then to the writing of this report, in milliseconds.
    pub duration_ms: u64,
    /// How delays were chosen.
    pub strategy: String,
    /// The seed of every random choice: `TSVD_SEED` repeats it.
    pub seed: u64,
    /// The round of `cargo tsvd test`, from 1.
    pub round: u32,
    /// Whether a future was dropped while it was delayed, perhaps for that reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disturbed: bool,
}

#[cfg(all(feature = "detect", not(loom)))]
impl Run {
    /// This process, watched since `started`.
    pub(crate) fn of_this_process(
        started: std::time::SystemTime,
        strategy: &str,
        seed: u64,
        round: u32,
    ) -> Self {
        let pid = std::process::id();
        let since_epoch = started
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            id: format!("{}-{pid}", since_epoch.as_micros()),
            command: std::env::args_os()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            pid,
            started_at: super::rfc3339(started),
            duration_ms: 0,
            strategy: strategy.to_owned(),
            seed,
            round,
            disturbed: false,
        }
    }
}

/// A run in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Summary {
    /// Operations that were watched.
    pub operations: u64,
    /// Call sites they came from.
    pub sites: u64,
    /// Call sites that were reached while another context was active too.
    pub sites_concurrent: u64,
    /// Objects seen; an estimate.
    pub objects_sampled: u64,
    /// Times two contexts came close to a violation.
    pub near_misses: u64,
    /// Pairs of call sites that became suspects.
    pub pairs_armed: u64,
    /// Delays injected.
    pub delays: u64,
    /// Their total length, in milliseconds.
    pub delay_ms: u64,
    /// Entries of [`Report::violations`].
    pub violations: u64,
}

/// Two operations on one object that nothing kept apart, at least one of them a write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Violation {
    /// The [fingerprint](super::fingerprint()): the same bug has the same id in every run and on every machine.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[0-9a-f]{16}$")))]
    pub id: String,
    /// Which rule was broken.
    pub kind: Kind,
    /// Whether the parties belong to two different tests on a keyed resource. Such a pair does not fail the run.
    pub cross_test: bool,
    /// Whether it was seen only in tests that expect it. Such a violation does not fail the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// Whether it is a suspicion that the baseline accepts. Such a suspicion does not fail the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// What both parties acted on.
    pub object: ObjectInfo,
    /// How the parties were caught.
    pub detected_by: DetectedBy,
    /// From the entry of the first party to the entry of the second, in milliseconds.
    pub gap_ms: f64,
    /// How often it was seen.
    pub occurrences: u64,
    /// The party that was there first: held by a trap, or inside its body; of an interrupted region, its earlier access.
    pub first: Party,
    /// The party that came meanwhile; of an interrupted region, the one that came and went between its two accesses.
    pub second: Party,
    /// The region that was interrupted, for [`Kind::Atomicity`].
    pub region: Option<Region>,
}

/// Which rule a violation broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Two writes overlapped.
    WriteWrite,
    /// A read and a write overlapped.
    ReadWrite,
    /// A region expected to be atomic was interrupted.
    Atomicity,
}

impl Kind {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WriteWrite => "write-write",
            Self::ReadWrite => "read-write",
            Self::Atomicity => "atomicity",
        }
    }
}

/// How a violation was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DetectedBy {
    /// The first party was held before its body when the second came; a region, before its second access.
    Trap,
    /// The first party was inside its body when the second came, and left it while the second waited; a region was interrupted
    /// without being held.
    Overlap,
}

/// What the parties of a violation acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ObjectInfo {
    /// What identifies it.
    pub kind: ObjectKind,
    /// The type of a place.
    pub r#type: Option<String>,
    /// The address of a place, as `0x…`.
    pub address: Option<String>,
    /// The name of a resource, or the number of an id.
    pub name: Option<String>,
    /// The key, where the operations have one and it can be shown; both texts where equal keys differ in text.
    pub key: Option<String>,
}

impl ObjectInfo {
    /// A value in memory.
    pub fn place(r#type: impl Into<String>, address: u64) -> Self {
        Self {
            kind: ObjectKind::Place,
            r#type: Some(r#type.into()),
            address: Some(format!("{address:#x}")),
            name: None,
            key: None,
        }
    }

    /// Something outside memory.
    pub fn resource(name: impl Into<String>) -> Self {
        Self {
            kind: ObjectKind::Resource,
            r#type: None,
            address: None,
            name: Some(name.into()),
            key: None,
        }
    }

    /// A value known by its `ObjectId`.
    pub fn id(number: u64) -> Self {
        Self {
            kind: ObjectKind::Id,
            r#type: None,
            address: None,
            name: Some(number.to_string()),
            key: None,
        }
    }

    /// The same object under the keys of both parties, `None` for a party without key or whose key cannot be shown.
    pub fn with_keys(mut self, first: Option<&str>, second: Option<&str>) -> Self {
        self.key = match (first, second) {
            (Some(first), Some(second)) if first != second => Some(format!("{first} = {second}")),
            (first, second) => first.or(second).map(str::to_owned),
        };
        self
    }
}

/// What identifies an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// Its address and type.
    Place,
    /// Its name.
    Resource,
    /// An `ObjectId` that moves with it.
    Id,
}

/// One of the two calls of a violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Party {
    /// The contract of the operation.
    pub contract: String,
    /// The operation that was called.
    pub operation: String,
    /// What it does to the object.
    pub access: Access,
    /// Its role, if it has one.
    pub role: Option<String>,
    /// The test it was called in, if that is known.
    pub test: Option<String>,
    /// The line that called it.
    pub site: Site,
    /// Who called.
    pub context: Context,
    /// When the call was entered, in milliseconds since [`Run::started_at`].
    pub entered_ms: f64,
    /// How long it was held before its body, in milliseconds.
    pub delayed_ms: f64,
    /// The stack of the call, innermost frame first. Empty if the party was killed or had already left.
    pub stack: Vec<Frame>,
}

/// What an operation does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Access {
    /// It reads.
    Read,
    /// It writes.
    Write,
    /// It reads and writes.
    Update,
}

impl Access {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Update => "update",
        }
    }
}

/// A line of source code, as [`path::normalise`](super::path::normalise) names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Site {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1; 0 where it is not known.
    pub column: u32,
}

impl Site {
    /// A line of source code.
    pub fn new(file: impl Into<String>, line: u32, column: u32) -> Self {
        Self {
            file: file.into(),
            line,
            column,
        }
    }
}

/// Who called an operation: a thread or a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Context {
    /// The name of the thread, if it has one.
    pub thread: Option<String>,
    /// A number within the process: the thread's, or an async operation's own, for two of one thread may be in flight together.
    pub thread_id: u64,
    /// The task, in async code.
    pub task: Option<String>,
    /// Where the thread or task was spawned, if that is known.
    pub spawned_at: Option<Site>,
}

/// A frame of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Frame {
    /// The function; `<unknown>` where there is no symbol.
    pub function: String,
    /// The file, as [`path::normalise`](super::path::normalise) names it, where there is debug information.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

impl Frame {
    /// A frame of a stack.
    pub fn new(function: impl Into<String>, file: Option<String>, line: Option<u32>) -> Self {
        Self {
            function: function.into(),
            file,
            line,
        }
    }

    /// The line the frame is at, where there is debug information; its column is not known.
    pub fn site(&self) -> Option<Site> {
        Some(Site::new(self.file.clone()?, self.line?, 0))
    }
}

/// A region expected to be atomic that was interrupted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Region {
    /// The function or scope that declares it.
    pub name: String,
    /// How it was interrupted.
    pub pattern: Pattern,
    /// Whether it lasts until it returns, rather than until its last operation.
    pub strict: bool,
    /// The region's own two accesses, around the foreign one. The end of a strict region is an access that has its name.
    pub accesses: Vec<Party>,
}

/// The four ways in which an access of another context makes two accesses unserialisable: own, foreign, own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Pattern {
    /// Read, foreign write, read: the two reads disagree.
    #[serde(rename = "R-W-R")]
    ReadWriteRead,
    /// Write, foreign write, read: the own write is not what is read.
    #[serde(rename = "W-W-R")]
    WriteWriteRead,
    /// Read, foreign write, write: the foreign write is lost.
    #[serde(rename = "R-W-W")]
    ReadWriteWrite,
    /// Write, foreign read, write: the foreign read sees a state in between.
    #[serde(rename = "W-R-W")]
    WriteReadWrite,
}

impl Pattern {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWriteRead => "R-W-R",
            Self::WriteWriteRead => "W-W-R",
            Self::ReadWriteWrite => "R-W-W",
            Self::WriteReadWrite => "W-R-W",
        }
    }
}

/// How often a call site was reached; an operation that was never called has one line, with the place of its own definition as site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Coverage {
    /// The contract of the operation.
    pub contract: String,
    /// The operation that was called.
    pub operation: String,
    /// The line that called it.
    pub site: Site,
    /// Calls that were recorded. What one thread repeats while nothing changes counts once in 2 ms, or in 16 ms where a thread goes
    /// round thousands of objects.
    pub hits: u64,
    /// Those of them that came while another context was active, too.
    pub concurrent_hits: u64,
    /// Why there are no hits, where it is not that the operation was never called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<Unwatched>,
}

/// Why calls of an operation are not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unwatched {
    /// A required method of a trait: its implementations are operations of their own.
    Declared,
    /// It was called on objects without identity: of size zero, or behind a null pointer.
    NoIdentity,
}

/// Two call sites that were suspected of a violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Pair {
    /// One call site.
    pub first: Site,
    /// The other.
    pub second: Site,
    /// What became of the suspicion.
    pub state: PairState,
    /// Delays injected for it.
    pub delays: u64,
    /// The probability of a delay at the next call, from 0 to 1.
    pub probability: f64,
}

/// What became of a suspected pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PairState {
    /// Delays did not catch anything, and none are left.
    Decayed,
    /// Something keeps the two apart.
    Ordered,
    /// Delays are still injected.
    Armed,
    /// It was caught.
    Violated,
}

/// The JSON Schema (draft 2020-12) of a written report, as committed in `report.schema.json`.
#[cfg(feature = "schema")]
pub fn json_schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}
