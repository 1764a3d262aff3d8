//! Deliberate defects of the check of regions, which its models must reject. Outside of those nothing is left of them.

use crate::contract::Did;

/// One mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// An access that overlaps the region's last one counts as one that came after it.
    OverlapIsBetween,
    /// What had not left when the region's next access entered counts as what came before it.
    NoCut,
    /// An access that looked anew is as any other.
    LooksAnewIgnored,
    /// Who inherits a region is a stranger to it.
    HelperIsForeign,
    /// An async operation inherits for its first poll only.
    OperationForgets,
    /// A compare-and-swap that wrote nothing is a read, and so is a read-modify-write that changed nothing.
    RefusedCounted,
    /// The end of an object ends no watch on it.
    Immortal,
}

#[cfg(not(test))]
#[inline(always)]
pub(super) const fn planted(_: Defect) -> bool {
    false
}

/// What counts of it.
pub(super) fn counted(did: Did) -> Did {
    match did {
        Did::Refused | Did::Unchanged if planted(Defect::RefusedCounted) => Did::Read,
        Did::Found if planted(Defect::LooksAnewIgnored) => Did::Read,
        Did::Revalidated { wrote } if planted(Defect::LooksAnewIgnored) => {
            if wrote {
                Did::Update
            } else {
                Did::Read
            }
        }
        did => did,
    }
}

#[cfg(test)]
pub(super) use self::modelled::{plant, planted};

#[cfg(test)]
mod modelled {
    use super::Defect;
    use std::sync::OnceLock;

    static PLANTED: OnceLock<Defect> = OnceLock::new();

    /// Plants `defect` in this process, for good: each mutant has a process of its own.
    pub(in crate::backend::loom) fn plant(defect: Defect) {
        PLANTED.set(defect).expect("one mutant a process");
    }

    pub(in crate::backend::loom) fn planted(defect: Defect) -> bool {
        PLANTED.get() == Some(&defect)
    }
}
