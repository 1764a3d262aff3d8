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

#[cfg(test)]
mod tests {
    use super::super::tests::pair;
    use super::*;

    fn index(pairs: &[(u32, u32)]) -> Index {
        Index::new(pairs.iter().map(|(a, b)| pair(*a, *b)).collect())
    }

    /// The pairs of a site of the sample contract.
    fn at(index: &mut Index, line: u32) -> Vec<(usize, End, bool)> {
        let found = index.claim("app::Slab", "insert", "src/fill.rs", line, 9);
        found
            .into_iter()
            .map(|found| (found.pair, found.end, found.moved))
            .collect()
    }

    #[test]
    fn a_site_finds_all_its_pairs() {
        let mut index = index(&[(10, 50), (50, 90), (50, 50)]);
        assert_eq!(
            at(&mut index, 50),
            [
                (0, End::Second, false),
                (1, End::First, false),
                (2, End::Both, false)
            ]
        );
        assert_eq!(index.pair(1).second.line, 90);
        assert_eq!(at(&mut index, 200), []);
    }

    #[test]
    fn a_site_that_moved_a_few_lines_is_found() {
        for (stored, now) in [(50, 60), (50, 40), (3, 1)] {
            let mut index = index(&[(stored, 900)]);
            assert_eq!(at(&mut index, now), [(0, End::First, true)]);
        }
        assert_eq!(at(&mut index(&[(50, 900)]), 61), []);
        assert_eq!(at(&mut index(&[(50, 900)]), 39), []);
        assert_eq!(at(&mut index(&[(u32::MAX, 900)]), u32::MAX - 1).len(), 1);
    }

    #[test]
    fn only_the_line_may_have_changed() {
        for (contract, operation, file, column) in [
            ("app::Slot", "insert", "src/fill.rs", 9),
            ("app::Slab", "remove", "src/fill.rs", 9),
            ("app::Slab", "insert", "src/drain.rs", 9),
            ("app::Slab", "insert", "src/fill.rs", 13),
        ] {
            let mut index = index(&[(50, 900)]);
            for line in [50, 51] {
                let found = index.claim(contract, operation, file, line, column);
                assert_eq!(found, [], "{contract} {operation} {file} {column}");
            }
        }
    }

    #[test]
    fn of_two_candidates_none_is_guessed() {
        let mut index = index(&[(50, 900), (56, 900)]);
        assert_eq!(at(&mut index, 52), []);
        // Once one of them is found where it was, the other is the only one left.
        assert_eq!(at(&mut index, 56), [(1, End::First, false)]);
        assert_eq!(at(&mut index, 52), [(0, End::First, true)]);
    }

    #[test]
    fn a_stored_site_is_one_site_of_the_run() {
        let mut index = index(&[(50, 900)]);
        assert_eq!(at(&mut index, 50), [(0, End::First, false)]);
        assert_eq!(at(&mut index, 52), [], "a new call beside the known one");
    }

    #[test]
    fn the_exact_site_has_it_even_if_another_came_first() {
        let mut index = index(&[(50, 900)]);
        assert_eq!(at(&mut index, 52), [(0, End::First, true)]);
        assert_eq!(at(&mut index, 54), [], "the second guess");
        assert_eq!(at(&mut index, 50), [(0, End::First, false)]);
    }

    #[test]
    fn both_ends_may_move() {
        let mut index = index(&[(50, 80)]);
        assert_eq!(at(&mut index, 83), [(0, End::Second, true)]);
        assert_eq!(at(&mut index, 53), [(0, End::First, true)]);
    }
}
