//! From a call site of the running program to what the trap file knows of it.
//!
//! A site is looked up when it is first met. The stored site with the very same position is it (*exact*). If there is none,
//! the source may have been edited above it since: then it is the one stored site with the same contract, operation, file
//! and column at most [`MOVED_LINES`] lines away, if there is exactly one that no other site of this run has claimed.
//! Two candidates are one too many, even if one is nearer: a wrong guess would take a decayed verdict for code that never
//! had it.
//!
//! One site at a time is seen, so this may err in one way: a new call near a known one may be met first and claim its place.
//! The known one then still has it exactly, if it did not move. Only delays depend on it, never verdicts.

use std::collections::{BTreeMap, HashMap};

use super::model::StoredPair;

/// How far a site may have moved.
const MOVED_LINES: u32 = 10;

/// Which site of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    First,
    Second,
    /// The pair is one site with itself.
    Both,
}

/// A stored pair that a call site belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// For [`Index::pair`].
    pub(crate) pair: usize,
    pub(crate) end: End,
    /// Found a few lines away from where it was stored.
    pub(crate) moved: bool,
}

/// The pairs of a trap file, by site.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pairs: Vec<StoredPair>,
    /// By what an edit elsewhere in the file leaves as it is, then by line.
    places: HashMap<Place, BTreeMap<u32, Known>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    contract: String,
    operation: String,
    file: String,
    column: u32,
}

#[derive(Debug, Default)]
struct Known {
    pairs: Vec<(usize, End)>,
    /// A site of this run is it.
    claimed: bool,
}

impl Index {
    pub(crate) fn new(pairs: Vec<StoredPair>) -> Self {
        let mut places = HashMap::<Place, BTreeMap<u32, Known>>::new();
        for (number, pair) in pairs.iter().enumerate() {
            let ends: &[_] = if pair.first == pair.second {
                &[(&pair.first, End::Both)]
            } else {
                &[(&pair.first, End::First), (&pair.second, End::Second)]
            };
            for (site, end) in ends {
                let place = Place {
                    contract: site.contract.clone(),
                    operation: site.operation.clone(),
                    file: site.file.clone(),
                    column: site.column,
                };
                let known = places.entry(place).or_default().entry(site.line);
                known.or_default().pairs.push((number, *end));
            }
        }
        Self { pairs, places }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(crate) fn pair(&self, number: usize) -> &StoredPair {
        &self.pairs[number]
    }

    /// The pairs of a site that is met for the first time in this run; `file` is normalised.
    pub(crate) fn claim(
        &mut self,
        contract: &str,
        operation: &str,
        file: &str,
        line: u32,
        column: u32,
    ) -> Vec<Match> {
        if self.is_empty() {
            return Vec::new();
        }
        let place = Place {
            contract: contract.to_owned(),
            operation: operation.to_owned(),
            file: file.to_owned(),
            column,
        };
        let Some(lines) = self.places.get_mut(&place) else {
            return Vec::new();
        };
        let (known, moved) = if let Some(known) = lines.get_mut(&line) {
            (known, false)
        } else {
            let near = line.saturating_sub(MOVED_LINES)..=line.saturating_add(MOVED_LINES);
            let mut free = lines.range_mut(near).filter(|(_, known)| !known.claimed);
            match (free.next(), free.next()) {
                (Some((_, known)), None) => (known, true),
                _ => return Vec::new(),
            }
        };
        known.claimed = true;
        let matched = known.pairs.iter();
        matched
            .map(|&(pair, end)| Match { pair, end, moved })
            .collect()
    }
}
