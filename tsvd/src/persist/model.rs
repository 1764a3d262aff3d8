//! What stands in a trap file.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The version written and read.
pub(super) const SCHEMA: &str = "tsvd-traps/1";

/// A call site by what survives a build and a move to another machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StoredSite {
    /// Normalised, see [`crate::report::path`].
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) contract: String,
    pub(crate) operation: String,
}

/// How a pair stood when it was stored. In the order of what wins where two accounts are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredState {
    /// Came near, to be delayed.
    Armed,
    /// Caught, and not found harmless since: to be delayed and caught again until it is repaired.
    Violated,
    /// Found to be ordered: a delay of one side held the other up as well.
    Ordered,
    /// Delayed in vain until its probability was spent.
    Decayed,
}

/// What the bodies of a call site's async operations did when they were first polled. In the order of what wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredPolls {
    #[default]
    Unknown,
    /// All waited.
    Waited,
    /// One was ready at once.
    Ready,
}

/// An account of one pair of call sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredPair {
    /// Not after `second`.
    pub(crate) first: StoredSite,
    pub(crate) second: StoredSite,
    pub(crate) state: StoredState,
    /// That an arrival is delayed, 0 to 1.
    pub(crate) probability: f64,
    /// The next delay in nanoseconds. Whoever sleeps has to bound it: the file may say anything.
    pub(crate) delay_ns: u64,
    /// Delays so far, in vain or not.
    pub(crate) delays: u32,
    /// Delays that spoke for an order, not yet enough of them to believe it.
    #[serde(default)]
    pub(crate) agreed: u32,
    /// How often it was caught by a process that had known of all catches before. See [`StoredPair::catch`].
    #[serde(default)]
    pub(crate) caught: u32,
    /// The last day, counted from 1970, that taught something about the pair: a first near miss, a delay, a catch.
    /// Meeting its sites again teaches nothing.
    pub(crate) last_day: u32,
    /// A future was dropped during a delay of ours here: do not suspend here again.
    #[serde(default)]
    pub(crate) disturbed: bool,
    /// Of async operations: what the bodies of each site did when they were first polled.
    #[serde(default, skip_serializing_if = "are_unknown")]
    pub(crate) first_polls: [StoredPolls; 2],
}

fn are_unknown(polls: &[StoredPolls; 2]) -> bool {
    *polls == [StoredPolls::Unknown; 2]
}

impl StoredPair {
    /// The pair was caught: what was thought of it before is void, here and in every account with fewer catches.
    pub(crate) fn catch(&mut self) {
        self.caught = self.caught.saturating_add(1);
        self.state = StoredState::Violated;
        self.probability = 1.0;
        self.agreed = 0;
    }

    /// The same account as it may stand in a file: sites in order, probability a short number from 0 to 1.
    pub(super) fn tidy(mut self) -> Self {
        if self.first > self.second {
            std::mem::swap(&mut self.first, &mut self.second);
            self.first_polls.reverse();
        }
        // JSON has no other numbers, and short ones are read back exactly, so that a second saving changes nothing.
        self.probability = if self.probability.is_nan() {
            1.0
        } else {
            (self.probability.clamp(0.0, 1.0) * 1e4).round() / 1e4
        };
        self
    }
}

/// A trap file as it is read. Written by `super::file::encode`, one pair a line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct TrapFile {
    pub(super) schema: String,
    pub(crate) pairs: Vec<StoredPair>,
}

/// Days since 1970, by the wall clock.
pub(crate) fn today() -> u32 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u32::try_from(since_epoch.as_secs() / 86_400).unwrap_or(u32::MAX)
}
