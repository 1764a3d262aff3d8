use std::panic::Location;
use std::sync::Arc;

use super::{Access, Operation};

/// A region expected to be atomic: one static per function that declares it, or one for each line of a scope.
#[derive(Debug)]
pub struct Region {
    name: &'static str,
    strict: bool,
    scope: bool,
    end: Operation,
}

impl Region {
    /// The region `name` of the module `module_path`, declared at `definition`. A `strict` one lasts until it returns, others
    /// until their last operation.
    pub const fn new(
        module_path: &'static str,
        name: &'static str,
        strict: bool,
        definition: &'static Location<'static>,
    ) -> Self {
        Self {
            name,
            strict,
            scope: false,
            end: Operation::new(module_path, name, Access::Read, definition).thread_safe(),
        }
    }

    /// Marks one of a scope, which has no name of its own.
    pub(crate) const fn of_scope(mut self) -> Self {
        self.scope = true;
        self
    }

    pub(crate) fn is_scope(&self) -> bool {
        self.scope
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    pub(crate) fn definition(&self) -> &'static Location<'static> {
        self.end.definition()
    }

    /// The end of a strict region, which reads whatever the region has worked on: what it knew is to be true until then.
    pub(crate) fn end(&self) -> &Operation {
        &self.end
    }
}

/// What an access turned out to do, known when it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    /// No access at all.
    Nothing,
    Read,
    Write,
    /// It read and wrote in one step.
    Update,
    /// It could not be interrupted, and looked before it wrote, or wrote nothing: whatever its region knew of the object before
    /// has been looked at anew. To others it is a read, or an update.
    Revalidated {
        wrote: bool,
    },
    /// A claim of what another has claimed before: it looked anew, and goes by what it found. To others it is as one that was refused: what
    /// it found was put there to be found.
    Found,
    /// A compare-and-swap that wrote nothing. It looked anew, too; but whoever reads next tries again, and goes by what it reads
    /// then. To others it is nothing: it changed nothing, and told no more than that.
    Refused,
    /// A read-modify-write that wrote the very value that was there, as does who wants a lock that is taken. It did not decide by
    /// what it read, so as what comes next it is a read; else it is as one that was refused.
    Unchanged,
    /// A write, without a look, of what was there anyway. Its region goes by what it wrote, and wrote it for what it knew. To others it is
    /// nothing: they cannot tell it from none.
    Rewritten,
}

impl Did {
    pub(crate) fn reads(self) -> bool {
        !matches!(self, Self::Nothing | Self::Write | Self::Rewritten)
    }

    pub(crate) fn writes(self) -> bool {
        self.changes() || self == Self::Rewritten
    }

    /// It wrote what was not there.
    pub(crate) fn changes(self) -> bool {
        matches!(
            self,
            Self::Write | Self::Update | Self::Revalidated { wrote: true }
        )
    }

    /// What its region knew of the object before does not count any more.
    pub(crate) fn looks_anew(self) -> bool {
        matches!(self, Self::Revalidated { .. } | Self::Found | Self::Refused)
    }

    /// Whoever reads next tries it again.
    fn is_tried_again(self) -> bool {
        matches!(self, Self::Refused | Self::Unchanged)
    }

    /// Whoever did it may go by what the object was.
    pub(crate) fn tells(self) -> bool {
        self.reads() && !self.is_tried_again() && self != Self::Found
    }

    /// As an access; a read where it did nothing.
    pub(crate) fn access(self) -> Access {
        match (self.reads(), self.writes()) {
            (true, true) => Access::Update,
            (false, true) => Access::Write,
            _ => Access::Read,
        }
    }
}

impl From<Access> for Did {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Write => Self::Write,
            Access::Update => Self::Update,
        }
    }
}

/// What an access did. One of all keys may have written but some.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    did: Did,
    /// The hashes of the keys that it wrote, in order, and what it did to all others.
    only: Option<(Arc<[u64]>, Did)>,
}

impl From<Did> for Deed {
    fn from(did: Did) -> Self {
        Self { did, only: None }
    }
}

impl Deed {
    /// It did `did` to the keys of these hashes, and `elsewhere` to all others.
    pub(crate) fn partial(did: Did, mut keys: Vec<u64>, elsewhere: Did) -> Self {
        keys.sort_unstable();
        let only = Some((keys.into(), elsewhere));
        Self { did, only }
    }

    #[cfg(loom)]
    pub(crate) fn map(self, change: impl Fn(Did) -> Did) -> Self {
        Self {
            did: change(self.did),
            only: self.only.map(|(keys, elsewhere)| (keys, change(elsewhere))),
        }
    }

    /// What it did all in all.
    pub(crate) fn did(&self) -> Did {
        self.did
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.only.is_some()
    }

    /// What it did to the key of this hash, or all in all.
    pub(crate) fn at(&self, key: Option<u64>) -> Did {
        match (&self.only, key) {
            (Some((keys, elsewhere)), Some(key)) if keys.binary_search(&key).is_err() => *elsewhere,
            _ => self.did,
        }
    }
}

/// How an access of another context stands between two accesses of a region, so that no order of the three one after the other
/// has the same effect (Lu, Tucek, Qin, Zhou: "AVIO: detecting atomicity violations via access interleaving invariants",
/// ASPLOS 2006).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    ReadWriteRead,
    WriteWriteRead,
    ReadWriteWrite,
    WriteReadWrite,
}

impl Pattern {
    /// The pattern of `foreign` between `first` and `next`, if there is one. An update is both a read and a write.
    pub(crate) fn of(first: Did, foreign: Did, next: Did) -> Option<Self> {
        if next.looks_anew() {
            return None;
        }
        if first.is_tried_again() && next.reads() {
            return None;
        }
        if foreign.changes() {
            if first.reads() && next.writes() {
                return Some(Self::ReadWriteWrite);
            }
            if first.reads() && next.reads() {
                return Some(Self::ReadWriteRead);
            }
            if first.writes() && next.reads() {
                return Some(Self::WriteWriteRead);
            }
        }
        (first.changes() && foreign.tells() && next.changes()).then_some(Self::WriteReadWrite)
    }

    /// The same of what each did to a key, or to all; and what they did there. The parts of all three meet.
    pub(crate) fn among(
        [first, foreign, next]: [(&Deed, Option<u64>); 3],
    ) -> Option<(Self, [Did; 3])> {
        let at = |keys: [Option<u64>; 3]| {
            let did = [
                first.0.at(keys[0]),
                foreign.0.at(keys[1]),
                next.0.at(keys[2]),
            ];
            Some((Self::of(did[0], did[1], did[2])?, did))
        };
        match (&foreign.0.only, first.1.or(next.1)) {
            (None, _) => at([first.1.or(foreign.1), None, next.1.or(foreign.1)]),
            (Some(_), Some(key)) => at([Some(key); 3]),
            // Only what it wrote is compared; what it read of the rest is left aside.
            (Some((keys, _)), None) => keys.iter().find_map(|key| at([Some(*key); 3])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_eight_are_patterns() {
        use Did::{Read, Write};
        let of = |first, foreign, next| Pattern::of(first, foreign, next);
        assert_eq!(of(Read, Write, Read), Some(Pattern::ReadWriteRead));
        assert_eq!(of(Write, Write, Read), Some(Pattern::WriteWriteRead));
        assert_eq!(of(Read, Write, Write), Some(Pattern::ReadWriteWrite));
        assert_eq!(of(Write, Read, Write), Some(Pattern::WriteReadWrite));
        for (first, foreign, next) in [
            (Read, Read, Read),
            (Read, Read, Write),
            (Write, Read, Read),
            (Write, Write, Write),
        ] {
            assert_eq!(of(first, foreign, next), None);
        }
    }

    #[test]
    fn an_update_is_both_and_what_looked_anew_ends_no_pattern() {
        use Did::{Nothing, Read, Refused, Revalidated, Rewritten, Unchanged, Update, Write};
        let of = |first, foreign, next| Pattern::of(first, foreign, next);
        assert_eq!(of(Read, Update, Update), Some(Pattern::ReadWriteWrite));
        assert_eq!(of(Update, Write, Read), Some(Pattern::ReadWriteRead));
        assert_eq!(of(Write, Update, Write), Some(Pattern::WriteReadWrite));
        for wrote in [false, true] {
            assert_eq!(of(Read, Write, Revalidated { wrote }), None);
            let pattern = wrote.then_some(Pattern::ReadWriteWrite);
            assert_eq!(of(Read, Revalidated { wrote }, Write), pattern);
            let first = Revalidated { wrote };
            assert_eq!(of(first, Write, Write), Some(Pattern::ReadWriteWrite));
        }
        assert_eq!(of(Read, Write, Refused), None);
        assert_eq!(of(Read, Write, Unchanged), Some(Pattern::ReadWriteRead));
        for vain in [Refused, Unchanged] {
            for did in [Read, Write, Update] {
                assert_eq!(of(did, vain, Write), None, "it told nothing");
            }
            for next in [Read, Update, Unchanged] {
                assert_eq!(of(vain, Write, next), None, "it is tried again");
            }
            assert_eq!(of(vain, Write, Write), Some(Pattern::ReadWriteWrite));
        }
        for did in [Read, Write, Update, Rewritten, Nothing] {
            assert_eq!(of(Nothing, Write, did), None);
            assert_eq!(of(did, Nothing, Write), None);
            assert_eq!(of(did, Write, Nothing), None);
        }
    }

    #[test]
    fn what_was_there_anyway_is_a_write_to_its_own_region_alone() {
        use Did::{Read, Refused, Revalidated, Rewritten, Unchanged, Update, Write};
        let of = |first, foreign, next| Pattern::of(first, foreign, next);
        let look = Revalidated { wrote: false };
        let all = [Read, Write, Update, Refused, Unchanged, Rewritten, look];
        for first in all {
            for next in all {
                assert_eq!(of(first, Rewritten, next), None, "{first:?} {next:?}");
            }
        }
        assert_eq!(of(Read, Write, Rewritten), Some(Pattern::ReadWriteWrite));
        assert_eq!(of(Rewritten, Write, Read), Some(Pattern::WriteWriteRead));
        // Nobody can tell what was read in between from what was there before.
        for (first, next) in [(Rewritten, Write), (Write, Rewritten)] {
            for foreign in [Read, Write] {
                assert_eq!(of(first, foreign, next), None, "{first:?} {foreign:?}");
            }
        }
    }

    #[test]
    fn what_was_found_claimed_is_a_look_to_its_own_region_alone() {
        use Did::{Found, Read, Revalidated, Update, Write};
        let of = |first, foreign, next| Pattern::of(first, foreign, next);
        let look = Revalidated { wrote: false };
        for did in [Read, Write, Update, look] {
            for other in [Read, Write, Update, look] {
                assert_eq!(of(did, Found, other), None, "{did:?} {other:?}");
                assert_eq!(of(Found, did, other), of(look, did, other));
                assert_eq!(of(did, other, Found), None, "{did:?} {other:?}");
            }
        }
    }

    #[test]
    fn where_some_keys_are_written_it_counts_which() {
        let all = |keys: &[u64]| {
            let look = Did::Revalidated { wrote: false };
            Deed::partial(Did::Update, keys.to_vec(), look)
        };
        let [read, write] = [Did::Read, Did::Write].map(Deed::from);
        let of = |accesses: [(&Deed, Option<u64>); 3]| {
            Pattern::among(accesses).map(|(pattern, _)| pattern)
        };
        let (one, two) = (Some(1), Some(2));
        let foreign = &all(&[5, 2]);
        for key in [one, None] {
            assert_eq!(of([(&read, key), (foreign, None), (&write, one)]), None);
        }
        for key in [two, None] {
            let found = of([(&read, key), (foreign, None), (&write, two)]);
            assert_eq!(found, Some(Pattern::ReadWriteWrite));
        }
        let swept = of([(&read, None), (foreign, None), (&all(&[1]), None)]);
        assert_eq!(swept, None, "the others it looked at");
        let same = of([(&read, None), (foreign, None), (&all(&[1, 2]), None)]);
        assert_eq!(same, Some(Pattern::ReadWriteWrite));
        let first = &all(&[2]);
        assert_eq!(of([(first, None), (&read, one), (&write, one)]), None);
        for key in [two, None] {
            let found = of([(first, None), (&read, key), (&write, two)]);
            assert_eq!(found, Some(Pattern::WriteReadWrite));
        }
    }
}
