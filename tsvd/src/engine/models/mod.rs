//! The engine's own protocol in every interleaving: the very code that runs natively, over loom's atomics and locks.
//!
//! Modelled is the exact side: marks, traps, holding, leaving, and the way in; [`regions`]; [`tasks`]. What only decides where to sleep is switched out:
//! the models arm call sites themselves, and near misses change nothing. Each model has an engine of its own with two
//! contexts. `mutants` has the defects that must be rejected.

mod lab;
mod mutants;
mod regions;
mod tasks;

use std::ptr;
use std::sync::Arc;

use super::env::modelled::{Delays, Modelled, Seen};
use super::traps::DetectedBy;
use crate::cell::UnsafeCell;
use crate::model::Model;
use crate::model::checked::{self, holds};
use crate::sync::Mutex;
use crate::thread;
use lab::{FIRST, Goals, Lab, READ, SECOND, THIRD, WRITE_OTHER, is_trap};

const UNSEEN: &str = "two calls overlapped and neither saw the other";
const UNPROVED: &str = "an overlap was not reported just once";
const TORN: &str = "a scan mixed two calls of one entry";
const REPEATED: &str = "the number of a call came back";
const INVENTED: &str = "reported although the calls are ordered";

/// Trap or mark: a call that is inside when the trap is retracted either met the trap or was seen inside. It begins at any
/// time.
fn inside_at_the_end(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    held_and_passing(&lab, goals);
}

/// The same when the passing thread's filter knows the call.
fn known_inside_at_the_end(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    lab.call(1, &SECOND);
    held_and_passing(&lab, goals);
}

fn held_and_passing(lab: &Arc<Lab>, goals: &Goals) {
    let other = {
        let lab = Arc::clone(lab);
        thread::spawn(move || lab.enter(0, &FIRST))
    };
    let passing = lab.enter(1, &SECOND);
    lab.end_delays();
    let held = other.join().unwrap();
    lab.leave(1, passing);
    lab.leave(0, held);
    let seen = lab.seen();
    goals.reach(&seen);
    let caught = usize::from(lab::is_caught(passing));
    assert!(seen.asked + caught > 0, "{UNSEEN}");
    assert_eq!(seen.violations.len(), caught, "{INVENTED}");
}

/// A call that begins after the publication and ends before the retraction is reported, just once, in every execution. It
/// knows of the publication by a relaxed load, which orders nothing.
fn within_the_delay(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    lab.call(1, &SECOND);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    let begins = lab.engine.env().is_published();
    if begins {
        lab.call(1, &SECOND);
    }
    lab.end_delays();
    other.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert_eq!(seen.violations.len(), usize::from(begins), "{UNPROVED}");
}

/// No lost wake-up: whoever was reported by the other party wakes without its delay being over.
fn woken_by_the_second(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    lab.call(1, &SECOND);
    if Modelled::own_reports() == 0 {
        lab.end_delays();
    }
    other.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert!(seen.violations.len() <= 1, "{UNPROVED}");
}

/// Confirmation: a call that was asked and leaves while the asker is held is one proof, whether it answers or the
/// asker looks again; one that left before it could be asked is none.
fn asked_and_left(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    let inside = lab.enter(1, &SECOND);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    lab.leave(1, inside);
    if Modelled::own_reports() == 0 {
        lab.end_delays();
    }
    other.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert_eq!(seen.violations.len(), seen.asked, "{UNPROVED}");
}

/// A call that waits for the one that asks it proves nothing: a write that runs threads which read, joined before it ends.
fn waits_for_the_asker(goals: &Goals) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST]);
    let parent = lab.enter(1, &SECOND);
    let child = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    lab.call(1, &WRITE_OTHER);
    child.join().unwrap();
    lab.leave(1, parent);
    let seen = lab.seen();
    goals.reach(&seen);
    assert!(seen.violations.is_empty(), "{INVENTED}");
}

/// A context that was begun in a call is never reported against it, although it is held while that call ends; `inherits` says
/// that the engine knows of it.
fn begun_in_a_call(inherits: bool) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST]);
    let parent = lab.enter(1, &SECOND);
    let lineage = inherits.then(|| lab.bequeath(1));
    let child = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || {
            if let Some(lineage) = lineage {
                Modelled::inherit(lineage);
            }
            lab.call(0, &FIRST);
        })
    };
    lab.leave(1, parent);
    child.join().unwrap();
    assert!(lab.seen().violations.is_empty(), "{INVENTED}");
}

/// A block is used again: the new owner goes on counting where the last one stopped, so that no call is taken for another.
fn block_used_again() {
    let lab = Lab::new(Delays::EndAnyTime, 1, &[]);
    let first = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call_and_end(0, &SECOND))
    };
    let second = lab.begin_and_call(&WRITE_OTHER);
    let first = first.join().unwrap();
    if lab.blocks() == 1 {
        assert!(second.state > first.state, "{REPEATED}");
    }
}

/// A nested call is as much in flight as the one around it.
fn nested_and_held(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    let outer = lab.enter(1, &WRITE_OTHER);
    held_and_passing(&lab, goals);
    lab.leave(1, outer);
}

/// An object ends inside its own call, or scope, and its memory is another's before that one is over.
fn ended_inside(scope: bool) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST]);
    let scope = scope.then(|| lab.open(1, &SECOND).0);
    let inside = scope.is_none().then(|| lab.enter(1, &SECOND));
    lab.retire(1, &SECOND);
    let next = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    if let Some(scope) = scope {
        lab.close(1, scope);
    }
    if let Some(inside) = inside {
        lab.leave(1, inside);
    }
    next.join().unwrap();
    assert!(lab.seen().violations.is_empty(), "{INVENTED}");
}

/// Calls under one lock are never reported, although both are held there.
fn ordered_by_a_lock(both_lock: bool) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST, &SECOND]);
    let lock = Arc::new(Mutex::new(()));
    let other = {
        let (lab, lock) = (Arc::clone(&lab), Arc::clone(&lock));
        thread::spawn(move || {
            let _owner = lock.lock().unwrap();
            lab.call(0, &FIRST);
        })
    };
    let owner = both_lock.then(|| lock.lock().unwrap());
    lab.call(1, &SECOND);
    drop(owner);
    other.join().unwrap();
    assert!(lab.seen().violations.is_empty(), "{INVENTED}");
}

/// Calls before a spawn, in the thread, and after the join are never reported, although all are held.
fn ordered_by_fork_and_join(joins: bool) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST, &SECOND]);
    lab.call(1, &SECOND);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    lab.call(1, &WRITE_OTHER);
    let late = if joins {
        other.join().unwrap();
        None
    } else {
        Some(other)
    };
    lab.call(1, &SECOND);
    if let Some(other) = late {
        other.join().unwrap();
    }
    assert!(lab.seen().violations.is_empty(), "{INVENTED}");
}

/// Of two calls that are both to be held one finds the other: in its trap, or inside its body.
fn two_trappers(goals: &Goals) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&FIRST, &SECOND]);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.enter(0, &FIRST))
    };
    let second = lab.enter(1, &SECOND);
    let first = other.join().unwrap();
    lab.leave(0, first);
    lab.leave(1, second);
    let seen = lab.seen();
    goals.reach(&seen);
    let caught = usize::from(lab::is_caught(first)) + usize::from(lab::is_caught(second));
    assert!(seen.asked + caught > 0, "{UNSEEN}");
    assert_eq!(seen.violations.len(), caught, "{UNPROVED}");
}

/// No harm: once a call has met a trap, its body and that of the held call are ordered, though the program does not.
#[expect(
    clippy::arc_with_non_send_sync,
    reason = "loom checks who uses the cell"
)]
fn bodies_apart(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    let value = Arc::new(UnsafeCell::new(0));
    let body = |value: &UnsafeCell<u32>| value.with_mut(|_| ());
    let other = {
        let (lab, value) = (Arc::clone(&lab), Arc::clone(&value));
        thread::spawn(move || {
            let held = lab.enter(0, &FIRST);
            if lab.seen().violations.iter().any(is_trap) {
                body(&value);
            }
            lab.leave(0, held);
        })
    };
    let passing = lab.enter(1, &SECOND);
    if lab::is_caught(passing) {
        body(&value);
    }
    lab.leave(1, passing);
    if Modelled::own_reports() == 0 {
        lab.end_delays();
    }
    other.join().unwrap();
    goals.reach(&lab.seen());
}

/// A scan never mixes two calls of one entry: a read of this object and a later write of another one are no write of this.
fn entry_used_again(_: &Goals) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[]);
    let reads = lab.enter(1, &READ);
    let scanner = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.scan(1, &READ))
    };
    lab.leave(1, reads);
    lab.call(1, &WRITE_OTHER);
    let seen = scanner.join().unwrap();
    assert!(seen.iter().all(|&seen| ptr::eq(seen, &READ)), "{TORN}");
}

/// The same through the whole engine: the read that scans is not reported.
fn read_beside_another_write(goals: &Goals) {
    let lab = Lab::new(Delays::EndAnyTime, 2, &[&READ]);
    let reads = lab.enter(1, &READ);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &READ))
    };
    lab.leave(1, reads);
    lab.call(1, &WRITE_OTHER);
    other.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert!(seen.violations.is_empty(), "{INVENTED}");
}

/// A scope and a held call: whichever comes second finds the other, and the scope that ends while its asker is held is one
/// proof. The scope's thread is never held.
fn scope_and_trapper(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 2, &[&FIRST]);
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    let (token, _) = lab.open(1, &SECOND);
    lab.close(1, token);
    if Modelled::own_reports() == 0 {
        lab.end_delays();
    }
    other.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert!(seen.violations.len() <= 1, "{UNPROVED}");
    assert!(seen.violations.len() >= seen.asked, "{UNPROVED}");
}

/// As [`inside_at_the_end`] with two passing calls: at least one is seen, and only one can be caught.
fn two_inside_at_the_end(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 3, &[&FIRST]);
    let held = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.enter(0, &FIRST))
    };
    let third = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.enter(2, &THIRD))
    };
    let second = lab.enter(1, &SECOND);
    let third = third.join().unwrap();
    lab.end_delays();
    let held = held.join().unwrap();
    lab.leave(2, third);
    lab.leave(1, second);
    lab.leave(0, held);
    let seen = lab.seen();
    goals.reach(&seen);
    let caught = usize::from(lab::is_caught(second)) + usize::from(lab::is_caught(third));
    assert!(seen.asked + caught > 0, "{UNSEEN}");
    assert!(caught <= 1, "{UNPROVED}");
}

/// As [`asked_and_left`] with two calls inside: still one proof.
fn two_asked_and_left(goals: &Goals) {
    let lab = Lab::new(Delays::EndWhenTold, 3, &[&FIRST]);
    let second = lab.enter(1, &SECOND);
    let third = lab.enter(2, &THIRD);
    let held = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || lab.call(0, &FIRST))
    };
    let other = {
        let lab = Arc::clone(&lab);
        thread::spawn(move || {
            lab.leave(2, third);
            Modelled::own_reports()
        })
    };
    lab.leave(1, second);
    if other.join().unwrap() + Modelled::own_reports() == 0 {
        lab.end_delays();
    }
    held.join().unwrap();
    let seen = lab.seen();
    goals.reach(&seen);
    assert_eq!(seen.violations.len(), seen.asked.min(1), "{UNPROVED}");
}

/// Checks a model without bounds, and that it came to each of `goals` in some execution.
fn reaches(goals: &[&'static str], model: fn(&Goals), name: &str) {
    let reached = Goals::default();
    let execution = reached.clone();
    holds(name, move || model(&execution));
    reached.assert_reached(goals);
}

#[test]
fn of_a_held_and_a_passing_call_one_sees_the_other() {
    let goals = ["trap", "asked"];
    reaches(&goals, inside_at_the_end, "engine: inside at the end");
}

#[test]
fn a_known_call_is_no_less_seen() {
    let goals = ["trap", "asked"];
    reaches(
        &goals,
        known_inside_at_the_end,
        "engine: known, inside at the end",
    );
}

#[test]
fn a_call_within_a_delay_is_reported_once() {
    reaches(&["trap"], within_the_delay, "engine: within the delay");
}

#[test]
fn the_sleeper_is_woken_by_the_second_party() {
    reaches(&["trap", "overlap"], woken_by_the_second, "engine: woken");
}

#[test]
fn a_call_that_leaves_while_its_asker_is_held_is_one_proof() {
    reaches(
        &["overlap", "asked"],
        asked_and_left,
        "engine: asked and left",
    );
}

#[test]
fn a_call_that_waits_for_its_asker_is_no_proof() {
    reaches(
        &["asked"],
        waits_for_the_asker,
        "engine: waits for the asker",
    );
}

#[test]
fn a_call_and_a_context_begun_in_it_are_not_reported() {
    holds("engine: begun in a call", || begun_in_a_call(true));
}

#[test]
fn a_block_used_again_repeats_no_number() {
    holds("engine: block used again", block_used_again);
}

#[test]
fn a_nested_call_is_seen_too() {
    reaches(&["trap", "asked"], nested_and_held, "engine: nested");
}

#[test]
fn what_is_inside_an_ended_object_is_not_inside_the_next() {
    holds("engine: ended inside a call", || ended_inside(false));
    holds("engine: ended inside a scope", || ended_inside(true));
}

#[test]
fn calls_under_one_lock_are_not_reported() {
    holds("engine: ordered by a lock", || ordered_by_a_lock(true));
}

#[test]
fn calls_ordered_by_fork_and_join_are_not_reported() {
    holds("engine: fork and join", || ordered_by_fork_and_join(true));
}

#[test]
fn of_two_trappers_one_finds_the_other() {
    reaches(&["trap", "asked"], two_trappers, "engine: two trappers");
}

#[test]
fn bodies_do_not_run_together_after_a_report() {
    reaches(&["trap", "overlap"], bodies_apart, "engine: bodies apart");
}

#[test]
fn an_entry_is_seen_whole() {
    reaches(&[], entry_used_again, "engine: entry used again");
}

mod bounded {
    //! Too large for all executions: those with three preemptions at most, or two where a task has a timer and a
    //! caller of its own, which takes minutes with three.

    use super::*;

    const PREEMPTIONS: usize = 3;

    pub(super) fn reaches(goals: &[&'static str], model: fn(&Goals), name: &str) {
        reaches_within(PREEMPTIONS, goals, model, name);
    }

    /// With this many preemptions at most.
    pub(super) fn reaches_within(
        preemptions: usize,
        goals: &[&'static str],
        model: fn(&Goals),
        name: &str,
    ) {
        let reached = Goals::default();
        let execution = reached.clone();
        let model = move || model(&execution);
        let bounded = Model::new().name(name).preemption_bound(preemptions);
        let exploration = bounded.accept_preemption_bound().check(model);
        println!("model  {exploration}");
        reached.assert_reached(goals);
    }

    #[test]
    fn a_read_beside_another_write_is_not_reported() {
        reaches(
            &[],
            read_beside_another_write,
            "engine: read beside another write",
        );
    }

    #[test]
    fn of_a_held_and_two_passing_calls_one_is_seen() {
        reaches(
            &["trap", "asked"],
            two_inside_at_the_end,
            "engine: two inside at the end",
        );
    }

    #[test]
    fn two_asked_calls_that_leave_are_one_proof() {
        reaches(
            &["overlap", "asked"],
            two_asked_and_left,
            "engine: two asked and left",
        );
    }

    #[test]
    fn a_scope_and_a_trapper_find_each_other() {
        let goals = ["trap", "overlap"];
        reaches(&goals, scope_and_trapper, "engine: scope and trapper");
    }
}
