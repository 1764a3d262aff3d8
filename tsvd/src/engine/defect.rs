//! Deliberate defects of the protocol. Loom must reject each of them, so that what it accepts means something. Outside of
//! its models `planted` is the constant `false`, and nothing is left of them.

/// One mutant of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(loom, test)),
    expect(dead_code, reason = "planted by models only")
)]
pub(super) enum Defect {
    /// The trapper looks at the marks without a fence after its publication.
    NoHeavyFence,
    /// A call loads `NOW` without a fence after its mark.
    NoLightFence,
    /// A call loads `NOW` before it marks.
    CheckBeforeMark,
    /// The object's counter is raised when the marks have been looked at.
    CountRaisedAfterScan,
    /// `NOW` is changed when the marks have been looked at.
    NowChangedAfterScan,
    /// Nobody looks at the end of a delay whether an asked call has left.
    NoSecondLook,
    /// A held call gives up its mark when its trap is retracted, not when its body ends.
    MarkDropped,
    /// A trapper does not look for traps under the lock under which it sets its own.
    TrappersUnchecked,
    /// An entry's copy is used without a second look at its state.
    TornEntry,
    /// A call found inside its body is reported although it has not left.
    ReportAtOnce,
    /// The first party goes on when the report is made, not when the second party has left.
    BodiesTogether,
    /// A scope ends without answering who asked it.
    ScopeUnanswered,
    /// The second party leaves without waking the one that sleeps for it.
    NoWake,
    /// A call may conflict with the operation that its context was begun in.
    AncestorsConflict,
    /// A thread gives its block back without handing on what it wrote there.
    ReleasedRelaxed,
    /// A scan looks at the outermost call of a thread only.
    OutermostOnly,
    /// The end of an object leaves its open calls in flight.
    RetiredMarkStays,
    /// The end of an object leaves its open scopes in flight.
    RetiredScopeStays,
    /// An access is written down in the watches of others when it enters.
    NotedAtEntry,
    /// A region's next access leaves its watch's number as it was.
    NumberStays,
    /// An access that leaves is written down in whatever watch is there then.
    NumberNotCompared,
    /// A region's access counts those that came while it was inside, too.
    CountNotCut,
    /// The end of an object leaves the watches on it.
    RetiredWatchStays,
    /// What a region has looked at anew is still watched as it was.
    RestartedWatchStays,
    /// A helper of a region is anybody to it.
    HelperIsForeign,
    /// An access that did nothing counts as if it had come to its end.
    UnwoundCounts,
    /// Who came between check and act does not end the delay there.
    NoCall,
    /// Who meets a held task proves it at once.
    ClaimIsProof,
    /// A task that is polled again forgets what it could prove.
    ClaimForgotten,
    /// A held task's trap is one after its delay, too.
    TaskDelayEndless,
    /// A task that is dropped has left, as one that is complete.
    DropIsProof,
    /// A task is woken under the lock of its trap.
    RungUnderLock,
    /// A task is woken by whoever polled it first.
    AlarmKeepsWaker,
    /// A task that is polled looks at its trap before it says by whom it is to be woken.
    WakerAfterLook,
}

#[cfg(not(all(loom, test)))]
#[inline(always)]
pub(super) const fn planted(_: Defect) -> bool {
    false
}

#[cfg(all(loom, test))]
pub(super) use self::modelled::{plant, planted};

#[cfg(all(loom, test))]
mod modelled {
    use super::Defect;
    use std::sync::OnceLock;

    static PLANTED: OnceLock<Defect> = OnceLock::new();

    /// Plants `defect` in this process, for good: each mutant has a process of its own.
    pub(in crate::engine) fn plant(defect: Defect) {
        PLANTED.set(defect).expect("one mutant a process");
    }

    pub(in crate::engine) fn planted(defect: Defect) -> bool {
        PLANTED.get() == Some(&defect)
    }
}
