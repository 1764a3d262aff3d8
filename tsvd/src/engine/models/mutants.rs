//! Deliberate defects, each rejected by a model above for the stated reason.

use super::checked::fails;
use super::regions::Anew;
use super::*;
use crate::engine::defect::{Defect, plant};

fn rejected(mutant: &str, defect: Defect, message: &str, model: fn(&Goals)) {
    let test = format!("engine::models::mutants::{mutant}");
    fails(&test, &[], message, || {
        plant(defect);
        let goals = Goals::default();
        let bounded = Model::new().name(mutant).preemption_bound(3);
        bounded
            .accept_preemption_bound()
            .check(move || model(&goals))
    });
}

macro_rules! mutants {
    ($($name:ident: $defect:ident of $model:expr, $message:expr;)*) => {$(
        #[test]
        fn $name() {
            rejected(stringify!($name), Defect::$defect, $message, $model);
        }
    )*};
}

mutants! {
    no_heavy_fence: NoHeavyFence of inside_at_the_end, UNSEEN;
    no_heavy_fence_within: NoHeavyFence of within_the_delay, UNPROVED;
    no_light_fence: NoLightFence of inside_at_the_end, UNSEEN;
    no_light_fence_within: NoLightFence of within_the_delay, UNPROVED;
    no_heavy_fence_known: NoHeavyFence of known_inside_at_the_end, UNSEEN;
    no_heavy_fence_two: NoHeavyFence of two_inside_at_the_end, UNSEEN;
    no_light_fence_known: NoLightFence of known_inside_at_the_end, UNSEEN;
    check_before_mark: CheckBeforeMark of known_inside_at_the_end, UNSEEN;
    count_raised_after_scan: CountRaisedAfterScan of inside_at_the_end, UNSEEN;
    now_changed_after_scan: NowChangedAfterScan of known_inside_at_the_end, UNSEEN;
    no_second_look: NoSecondLook of asked_and_left, UNPROVED;
    no_second_look_two: NoSecondLook of two_asked_and_left, UNPROVED;
    scope_unanswered: ScopeUnanswered of scope_and_trapper, UNPROVED;
    report_at_once: ReportAtOnce of waits_for_the_asker, INVENTED;
    mark_dropped: MarkDropped of two_trappers, UNSEEN;
    trappers_unchecked: TrappersUnchecked of two_trappers, "two calls that conflict are held side by side";
    torn_entry: TornEntry of entry_used_again, TORN;
    torn_entry_reported: TornEntry of read_beside_another_write, INVENTED;
    bodies_together: BodiesTogether of bodies_apart, "Causality violation";
    ancestors_conflict: AncestorsConflict of |_| begun_in_a_call(true), INVENTED;
    released_relaxed: ReleasedRelaxed of |_| block_used_again(), REPEATED;
    outermost_only: OutermostOnly of nested_and_held, UNSEEN;
    retired_mark_stays: RetiredMarkStays of |_| ended_inside(false), INVENTED;
    retired_scope_stays: RetiredScopeStays of |_| ended_inside(true), INVENTED;
    no_wake: NoWake of woken_by_the_second, "deadlock";
    noted_at_entry: NotedAtEntry of regions::read_write_read, INVENTED;
    number_stays: NumberStays of regions::three_accesses, INVENTED;
    number_not_compared: NumberNotCompared of regions::three_accesses, INVENTED;
    count_not_cut: CountNotCut of regions::read_write_read, INVENTED;
    retired_watch_stays: RetiredWatchStays of |_| regions::anew(Anew::Retired), INVENTED;
    restarted_watch_stays: RestartedWatchStays of |_| regions::anew(Anew::Restarted), INVENTED;
    revalidated_watch_stays: RestartedWatchStays of |_| regions::anew(Anew::Revalidated), INVENTED;
    helper_is_foreign: HelperIsForeign of |_| regions::helped(true), INVENTED;
    unwound_counts: UnwoundCounts of |_| regions::unwound(false), INVENTED;
    own_unwound_counts: UnwoundCounts of |_| regions::unwound(true), INVENTED;
    claim_is_proof: ClaimIsProof of |_| tasks::leaked(), INVENTED;
    claim_forgotten: ClaimForgotten of tasks::met, UNPROVED;
    claim_forgotten_dropped: ClaimForgotten of tasks::dropped, UNPROVED;
    task_delay_endless: TaskDelayEndless of tasks::met, INVENTED;
    task_reported_at_once: ReportAtOnce of |_| tasks::waited_for(), INVENTED;
    drop_is_proof: DropIsProof of |_| tasks::waits_and_is_dropped(), INVENTED;
    no_wake_of_a_task: NoWake of tasks::met, "deadlock";
    rung_under_lock: RungUnderLock of tasks::met, tasks::LOCKED;
    alarm_keeps_waker: AlarmKeepsWaker of |_| tasks::moved(), "deadlock";
    waker_after_look: WakerAfterLook of |_| tasks::moved(), "deadlock";
    no_call: NoCall of regions::held, "deadlock";
}

/// Not of the engine but of the program: calls that are not ordered are reported by the models of ordered ones.
mod programs {
    use super::*;

    #[test]
    fn lock_on_one_side() {
        let test = "engine::models::mutants::programs::lock_on_one_side";
        checked::rejected(test, INVENTED, || ordered_by_a_lock(false));
    }

    #[test]
    fn no_inheritance() {
        let test = "engine::models::mutants::programs::no_inheritance";
        checked::rejected(test, INVENTED, || begun_in_a_call(false));
    }

    #[test]
    fn nobodys_helper() {
        let test = "engine::models::mutants::programs::nobodys_helper";
        checked::rejected(test, INVENTED, || regions::helped(false));
    }

    #[test]
    fn no_join() {
        let test = "engine::models::mutants::programs::no_join";
        checked::rejected(test, INVENTED, || ordered_by_fork_and_join(false));
    }
}
