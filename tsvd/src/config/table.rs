//! The one list of settings. Parser, messages and the table in the documentation of [`settings`](mod@crate::settings) are made
//! from it.

use std::path::PathBuf;

use super::{Asynchronous, Parameters, StrategyName};
use crate::report::Baseline;

/// `enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
    /// On in tests and where the program enabled it.
    Auto,
}

/// `on_violation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnViolation {
    /// A process that would have ended with status 0 ends with 66.
    Fail,
    /// The second party panics, unless it is unwinding or an annotated `Drop::drop`.
    Panic,
    /// The process aborts once the report is written.
    Abort,
    /// Nothing but the report.
    Record,
}

/// `suspicions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicions {
    /// Listed in the report, and on stderr at the end.
    List,
    /// They fail a run as violations do.
    Deny,
    Off,
}

/// What all places together say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) switch: Switch,
    /// Where `reports/` goes; `None` for the target folder.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) on_violation: OnViolation,
    pub(crate) suspicions: Suspicions,
    /// The file of accepted suspicions, if one is named; `None` for the one at the workspace root, should it be there.
    pub(crate) baseline: Option<PathBuf>,
    /// `None` for one that is drawn anew in each run.
    pub(crate) seed: Option<u64>,
    /// The most rounds of a body that is checked.
    pub(crate) rounds: u32,
    pub(crate) parameters: Parameters,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            switch: Switch::Auto,
            dir: None,
            on_violation: OnViolation::Fail,
            suspicions: Suspicions::List,
            baseline: None,
            seed: None,
            rounds: 10,
            parameters: Parameters::default(),
        }
    }
}

impl Config {
    fn suspect(&mut self, suspicions: Suspicions) {
        self.suspicions = suspicions;
        self.parameters.suspicions = suspicions != Suspicions::Off;
    }
}

/// One setting.
pub(super) struct Setting {
    pub(super) key: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test holds the documentation to it")
    )]
    pub(super) meaning: &'static str,
    /// Empty for words and plain numbers.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test holds the documentation to it")
    )]
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    /// The value in `Config`, as one would write it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test holds the documentation to it")
    )]
    pub(super) show: fn(&Config) -> String,
    /// Where the default is from.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test holds the documentation to it")
    )]
    pub(super) source: &'static str,
}

/// One that can be set, and what it does.
type Word = (&'static str, fn(&mut Config));

/// What values a setting has, and where they go.
pub(super) enum Kind {
    Words(&'static [Word]),
    Whole(u64, u64, fn(&mut Config, u64)),
    Decimal(f64, f64, fn(&mut Config, f64)),
    Folder(fn(&mut Config, PathBuf)),
    /// One that has to be there.
    File(fn(&mut Config, PathBuf)),
}

impl Setting {
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|setting| setting.key == key)
    }

    /// The name of its environment variable.
    pub(super) fn variable(&self) -> String {
        match self.key {
            "enabled" => "TSVD".to_owned(),
            key => format!("TSVD_{}", key.to_uppercase()),
        }
    }

    /// What is allowed, in words.
    pub(super) fn allowed(&self) -> String {
        match self.kind {
            Kind::Words(words) => {
                let quoted: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                let (last, others) = quoted.split_last().expect("a setting has words");
                format!("{} or {last}", others.join(", "))
            }
            Kind::Whole(min, max, _) => format!("a whole number from {min} to {max}"),
            Kind::Decimal(min, max, _) => format!("a number from {min} to {max}"),
            Kind::Folder(_) => "a folder".to_owned(),
            Kind::File(_) => "a file that is there".to_owned(),
        }
    }

    /// A row of the table in the documentation.
    #[cfg(test)]
    pub(super) fn row(&self) -> String {
        let Self {
            key,
            meaning,
            unit,
            source,
            ..
        } = self;
        let allowed = match self.kind {
            Kind::Words(_) | Kind::Folder(_) | Kind::File(_) => self.allowed(),
            Kind::Whole(_, u64::MAX, _) => "a whole number below 2^64".to_owned(),
            Kind::Whole(min, max, _) => format!("{min} to {max} {unit}"),
            Kind::Decimal(min, max, _) => format!("{min} to {max} {unit}"),
        };
        let default = (self.show)(&Config::default());
        let allowed = allowed.trim_end();
        format!("| `{key}` | {meaning} | {allowed} | {default} | {source} |")
    }
}

const MS: u64 = 1_000_000;
/// The longest time one can set.
const HOUR_MS: u64 = 3_600_000;
/// Lines of the history are of 64 bytes.
const LINES_PER_KIB: u64 = 16;

macro_rules! parameter {
    ($field:ident) => {
        |config, value| config.parameters.$field = value as _
    };
    ($field:ident in ms) => {
        |config, value| config.parameters.$field = value * MS
    };
}

macro_rules! shown {
    ($field:ident) => {
        |config| config.parameters.$field.to_string()
    };
    ($field:ident in ms) => {
        |config| (config.parameters.$field / MS).to_string()
    };
}

macro_rules! strategies {
    ($($name:ident),*) => {
        &[$((StrategyName::$name.as_str(), |config| config.parameters.strategy = StrategyName::$name)),*]
    };
}

#[rustfmt::skip] // A table.
pub(super) static TABLE: &[Setting] = &[
    Setting {
        key: "enabled", unit: "", source: "ours",
        meaning: "whether operations are watched; `auto`: in tests and after `enable`",
        kind: Kind::Words(&[
            ("on", |config| config.switch = Switch::On),
            ("1", |config| config.switch = Switch::On),
            ("true", |config| config.switch = Switch::On),
            ("off", |config| config.switch = Switch::Off),
            ("0", |config| config.switch = Switch::Off),
            ("false", |config| config.switch = Switch::Off),
            ("auto", |config| config.switch = Switch::Auto),
        ]),
        show: |config| match config.switch {
            Switch::On => "on",
            Switch::Off => "off",
            Switch::Auto => "auto",
        }.to_owned(),
    },
    Setting {
        key: "on_violation", unit: "", source: "66 as the sanitizers'",
        meaning: "`fail`: a status of 0 becomes 66; `panic`: the second party panics, but not while unwinding or in an annotated `Drop::drop`; `abort`; `record`: nothing but the report",
        kind: Kind::Words(&[
            ("fail", |config| config.on_violation = OnViolation::Fail),
            ("panic", |config| config.on_violation = OnViolation::Panic),
            ("abort", |config| config.on_violation = OnViolation::Abort),
            ("record", |config| config.on_violation = OnViolation::Record),
        ]),
        show: |config| match config.on_violation {
            OnViolation::Fail => "fail",
            OnViolation::Panic => "panic",
            OnViolation::Abort => "abort",
            OnViolation::Record => "record",
        }.to_owned(),
    },
    Setting {
        key: "suspicions", unit: "", source: "ours",
        meaning: "interleavings that would interrupt a region if one were declared: `list` shows them at the end, `deny` fails the run, too, unless the baseline accepts them, `off` looks for none",
        kind: Kind::Words(&[
            ("list", |config| config.suspect(Suspicions::List)),
            ("deny", |config| config.suspect(Suspicions::Deny)),
            ("off", |config| config.suspect(Suspicions::Off)),
        ]),
        show: |config| match config.suspicions {
            Suspicions::List => "list",
            Suspicions::Deny => "deny",
            Suspicions::Off => "off",
        }.to_owned(),
    },
    Setting {
        key: "baseline", unit: "", source: "ours",
        meaning: "the suspicions that are accepted, relative to the workspace root; `cargo tsvd baseline write` makes it",
        kind: Kind::File(|config, file| config.baseline = Some(file)),
        show: |config| match &config.baseline {
            Some(file) => file.display().to_string(),
            None => format!("{}, if it is there", Baseline::FILE),
        },
    },
    Setting {
        key: "dir", unit: "", source: "ours",
        meaning: "gets `reports/`, `heartbeat/` and `traps.json`, what a run learns for the next; in `tsvd.toml` relative to that file",
        kind: Kind::Folder(|config, folder| config.dir = Some(folder)),
        show: |config| match &config.dir {
            Some(folder) => folder.display().to_string(),
            None => "target/tsvd".to_owned(),
        },
    },
    Setting {
        key: "seed", unit: "", source: "ours",
        meaning: "of every random choice; named in the report",
        kind: Kind::Whole(0, u64::MAX, |config, seed| config.seed = Some(seed)),
        show: |config| match config.seed {
            Some(seed) => seed.to_string(),
            None => "a new one".to_owned(),
        },
    },
    Setting {
        key: "rounds", unit: "rounds", source: "ours",
        meaning: "how often `check` and `#[tsvd::test]` run a body at most, unless the test says it",
        kind: Kind::Whole(1, 10_000, |config, rounds| config.rounds = rounds as u32),
        show: |config| config.rounds.to_string(),
    },
    Setting {
        key: "strategy", unit: "", source: "SOSP 2019, table 2",
        meaning: "what decides where to sleep, see below",
        kind: Kind::Words(strategies!(Tsvd, TsvdFixed, TsvdHb, Random, StaticRandom, Observe)),
        show: |config| config.parameters.strategy.as_str().to_owned(),
    },
    Setting {
        key: "async", unit: "", source: "SOSP 2019, 4",
        meaning: "how async operations are delayed: `suspend`: by an awaited timer where that disturbs nothing we know of, else with the thread if a runtime of tokio's has several, else not; `block`: with their threads; `off`: not at all",
        kind: Kind::Words(&[
            ("suspend", |config| config.parameters.asynchronous = Asynchronous::Suspend),
            ("block", |config| config.parameters.asynchronous = Asynchronous::Block),
            ("off", |config| config.parameters.asynchronous = Asynchronous::Off),
        ]),
        show: |config| match config.parameters.asynchronous {
            Asynchronous::Suspend => "suspend",
            Asynchronous::Block => "block",
            Asynchronous::Off => "off",
        }.to_owned(),
    },
    Setting {
        key: "window_ms", unit: "ms", source: "SOSP 2019, 3.2",
        meaning: "how far apart two accesses may lie to be a near miss",
        kind: Kind::Whole(1, HOUR_MS, parameter!(window_ns in ms)),
        show: shown!(window_ns in ms),
    },
    Setting {
        key: "object_history", unit: "accesses", source: "SOSP 2019, 3.2",
        meaning: "how many accesses of an object are remembered",
        kind: Kind::Whole(1, 7, parameter!(object_history)),
        show: shown!(object_history),
    },
    Setting {
        key: "phase_points", unit: "points", source: "SOSP 2019, 3.3",
        meaning: "how many points of one context in a row make it count as alone; a point is its first access in 2 ms",
        kind: Kind::Whole(1, 1_000_000, parameter!(phase_points)),
        show: shown!(phase_points),
    },
    Setting {
        key: "order_share", unit: "of the delay", source: "SOSP 2019, 3.4",
        meaning: "how much of a delay another context must have been silent for to be ordered after it",
        kind: Kind::Decimal(0.01, 1.0, parameter!(order_share)),
        show: shown!(order_share),
    },
    Setting {
        key: "order_points", unit: "points", source: "SOSP 2019, 3.4",
        meaning: "how many of that context's next points are ordered, too",
        kind: Kind::Whole(0, 1_000_000, parameter!(order_points)),
        show: shown!(order_points),
    },
    Setting {
        key: "order_agree", unit: "delays", source: "ours",
        meaning: "how many delays must show an order before its pair is left alone; 0: no order is inferred. `tsvd-fixed` needs one",
        kind: Kind::Whole(0, 1_000_000, parameter!(order_agree)),
        show: shown!(order_agree),
    },
    Setting {
        key: "decay", unit: "", source: "SOSP 2019, 3.4",
        meaning: "what a delay in vain takes from the probability of its pairs",
        kind: Kind::Decimal(0.0, 1.0, parameter!(decay)),
        show: shown!(decay),
    },
    Setting {
        key: "delay_max_ms", unit: "ms", source: "SOSP 2019, 3.2",
        meaning: "the longest delay of `tsvd`, and each one of the other strategies",
        kind: Kind::Whole(1, HOUR_MS, parameter!(delay_max_ns in ms)),
        show: shown!(delay_max_ns in ms),
    },
    Setting {
        key: "delay_gap", unit: "times the gap", source: "ours",
        meaning: "how long the first delay for a pair is, by the gap of its near miss",
        kind: Kind::Whole(1, 1_000, parameter!(delay_gap)),
        show: shown!(delay_gap),
    },
    Setting {
        key: "delay_growth", unit: "times", source: "ours",
        meaning: "how much longer a delay is than the one before that was in vain",
        kind: Kind::Whole(1, 1_000, parameter!(delay_growth)),
        show: shown!(delay_growth),
    },
    Setting {
        key: "budget_process_ms", unit: "ms", source: "ours",
        meaning: "how much a process may be delayed, all threads together, beside its share of the time",
        kind: Kind::Whole(0, HOUR_MS, parameter!(budget_process_ns in ms)),
        show: shown!(budget_process_ns in ms),
    },
    Setting {
        key: "budget_thread_ms", unit: "ms", source: "ours",
        meaning: "how much one thread may be delayed, beside its share of the time",
        kind: Kind::Whole(0, HOUR_MS, parameter!(budget_thread_ns in ms)),
        show: shown!(budget_thread_ns in ms),
    },
    Setting {
        key: "budget_share", unit: "of the time", source: "ours",
        meaning: "the share of the time since the start that may be slept away, too",
        kind: Kind::Decimal(0.0, 1_000.0, parameter!(budget_share)),
        show: shown!(budget_share),
    },
    Setting {
        key: "random_probability", unit: "", source: "SOSP 2019, table 2",
        meaning: "`random`: how likely a call is delayed",
        kind: Kind::Decimal(0.0, 1.0, parameter!(random_probability)),
        show: shown!(random_probability),
    },
    Setting {
        key: "sample_share", unit: "", source: "ours",
        meaning: "`static-random`: how likely a call site is in the sample that is drawn every 100 ms",
        kind: Kind::Decimal(0.0, 1.0, parameter!(sample_share)),
        show: shown!(sample_share),
    },
    Setting {
        key: "history_kib", unit: "KiB", source: "ours",
        meaning: "memory of the last accesses, 64 bytes an object; rounded down to a power of two",
        kind: Kind::Whole(1, 1 << 20, |config, kib| {
            config.parameters.history_lines = 1 << (kib * LINES_PER_KIB).ilog2();
        }),
        show: |config| (config.parameters.history_lines as u64 / LINES_PER_KIB).to_string(),
    },
];
