//! Async operations: a held task proves by being there, so that a leaked one proves nothing.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Wake, Waker};

use super::lab::*;
use crate::contract::{Object, Operation};
use crate::engine::Ending;
use crate::engine::enter::{Entered, object_hash};
use crate::engine::env::simulated::Simulated;
use crate::engine::tasks::{OpenTask, Polled, task_number};
use crate::engine::trap_set::State;
use crate::engine::traps::{DetectedBy, Evidence};
use crate::engine::{Call, Context, Engine, Now};

/// A task's waker: whether it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// Two threads' contexts, acted for in turn by the test alone.
struct Scene {
    engine: &'static Engine<Simulated>,
    threads: [&'static Context<Simulated>; 2],
}

/// One async operation, polled by hand.
struct Async {
    task: Option<OpenTask<Simulated>>,
    call: Call<'static>,
    woken: Arc<Woken>,
    waker: Waker,
}

/// Runs `body` in virtual time.
fn scene(body: impl FnOnce(&Scene) + Send) {
    let now: &'static Now = Box::leak(Box::new(Now::undecided()));
    let engine = Engine::new(Simulated::new(1, 1), now, parameters());
    let engine: &'static Engine<Simulated> = Box::leak(Box::new(engine));
    now.switch_on();
    let threads = [engine.attach(), engine.attach()];
    engine.env().run_as(0, || body(&Scene { engine, threads }));
}

#[track_caller]
fn call_of(operation: &'static Operation, object: Object) -> Call<'static> {
    Call {
        operation,
        site: Location::caller(),
        object,
        key: None,
    }
}

impl Scene {
    /// The site of `call` is delayed from now on.
    fn arm(&self, call: &Call<'_>) {
        let [site, never] = [call, &call_of(&GET, call.object)]
            .map(|call| self.engine.site(call.operation, call.site));
        self.engine.trap_set.suspect(site, never, MS);
    }

    fn state(&self, call: &Call<'_>) -> (State, f64, bool) {
        let site = self.engine.site(call.operation, call.site);
        let pairs = self.engine.trap_set.pairs();
        let of_site = pairs.iter().find(|(key, _)| key.0 == site || key.1 == site);
        let (_, pair) = of_site.expect("an armed site");
        (pair.state, pair.probability, pair.disturbed)
    }

    /// An operation that is polled for the first time, on the first thread.
    fn poll_first(&self, call: Call<'static>) -> (Async, Polled) {
        self.poll_first_of(Arc::default(), call)
    }

    /// The same of a task that may have had others before.
    fn poll_first_of(&self, woken: Arc<Woken>, call: Call<'static>) -> (Async, Polled) {
        let waker = Waker::from(Arc::clone(&woken));
        let thread = self.threads[0];
        let mut task = self
            .engine
            .open_task(thread, &call, Some(task_number(&waker)))
            .unwrap();
        let polled = self
            .engine
            .arrive_task(thread, &mut task, &call, Some(&waker));
        let operation = Async {
            task: Some(task),
            call,
            woken,
            waker,
        };
        (operation, polled)
    }

    /// One that has to be held.
    fn hold(&self, operation: &'static Operation, object: Object) -> Async {
        let call = call_of(operation, object);
        self.arm(&call);
        let (held, polled) = self.poll_first(call);
        assert_eq!(polled, Polled::Waits);
        held
    }

    fn poll(&self, operation: &mut Async) -> Polled {
        let task = operation.task.as_mut().unwrap();
        self.engine
            .resume(Some(self.threads[0]), task, &operation.waker)
    }

    fn end(&self, operation: Async) {
        self.end_as(operation, Ending::ByItself);
    }

    fn drop(&self, operation: Async) {
        self.end_as(operation, Ending::Dropped);
    }

    fn end_as(&self, mut operation: Async, ending: Ending) {
        let task = operation.task.take().unwrap();
        self.engine.end_task(Some(self.threads[0]), task, ending);
    }

    /// A call of the second thread, with what is done during its body.
    fn call_during(&self, operation: &'static Operation, object: Object, body: impl FnOnce()) {
        let entered = self
            .engine
            .enter(self.threads[1], &call_of(operation, object));
        body();
        match entered {
            Entered::InFlight(index) => self.engine.leave(self.threads[1], index),
            other => panic!("{other:?}"),
        }
    }

    fn pass(&self, ns: u64) {
        self.engine.env().pause(ns);
        self.engine.env().ring();
        self.engine.tick();
    }

    fn evidence(&self) -> Vec<Evidence<usize>> {
        self.engine.env().evidence()
    }

    fn is_published(&self, object: Object) -> bool {
        self.engine.published.any(object_hash(object.words()))
    }
}

fn is_woken(operation: &Async) -> bool {
    operation.woken.0.load(SeqCst)
}

#[test]
fn a_held_task_waits_for_its_delay_and_goes_on() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let mut held = s.hold(&INSERT, map);
        assert_eq!(s.poll(&mut held), Polled::Waits, "polled by somebody else");
        assert!(!is_woken(&held));
        s.pass(10 * MS);
        assert!(is_woken(&held));
        assert_eq!(s.poll(&mut held), Polled::Goes);
        assert_eq!(s.state(&held.call).1, 0.9, "a delay in vain");
        s.end(held);
        assert!(!s.is_published(map));
        assert!(s.evidence().is_empty());
    });
}

#[test]
fn who_calls_meanwhile_runs_at_once_and_the_task_proves_it_when_that_one_has_left() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let mut held = s.hold(&INSERT, map);
        s.pass(MS);
        s.call_during(&GET, map, || {
            assert!(!is_woken(&held) && s.evidence().is_empty());
            assert_eq!(
                s.poll(&mut held),
                Polled::Waits,
                "the second party runs alone"
            );
        });
        assert!(is_woken(&held), "before its delay is over");
        assert!(s.evidence().is_empty(), "it may have been leaked");
        assert_eq!(s.poll(&mut held), Polled::Caught);
        let evidence = s.evidence();
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].detected_by, DetectedBy::Trap);
        assert_eq!(
            [
                evidence[0].first.operation.name(),
                evidence[0].second.operation.name()
            ],
            ["insert", "get"]
        );
        assert_eq!([evidence[0].first.delayed_ns, evidence[0].gap_ns], [MS, MS]);
        assert!(evidence[0].second.stack.is_some());
        assert_eq!(
            s.state(&held.call).0,
            State::Armed,
            "with the site it never met"
        );
        s.end(held);
        assert!(!s.is_published(map));
    });
}

#[test]
fn a_second_party_that_does_not_leave_is_waited_for_no_longer_than_a_while() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let mut held = s.hold(&INSERT, map);
        s.call_during(&GET, map, || {
            s.pass(20 * MS);
            assert_eq!(s.poll(&mut held), Polled::Waits);
            s.pass(100 * MS);
            assert!(is_woken(&held));
            assert_eq!(s.poll(&mut held), Polled::Caught);
        });
        assert_eq!(s.evidence().len(), 1);
        s.end(held);
    });
}

#[test]
fn a_held_task_that_is_dropped_proves_what_it_met() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let held = s.hold(&INSERT, map);
        let call = held.call;
        s.call_during(&GET, map, || {});
        s.end(held);
        assert_eq!(s.evidence().len(), 1);
        assert!(!s.state(&call).2 && !s.engine.is_disturbed());
        assert!(!s.is_published(map));
    });
}

/// The future is forgotten while it is held, its object freed, and the address another's.
#[test]
fn a_leaked_task_proves_nothing_and_holds_up_nobody() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let held = s.hold(&INSERT, map);
        std::mem::forget(held);
        s.call_during(&INSERT, map, || {});
        for _ in 0..100 {
            s.pass(MS);
            s.call_during(&INSERT, map, || {});
            let (next, polled) = s.poll_first(call_of(&GET, map));
            // Its token is in the way, as a leaked scope's is; the trap is not, after its time.
            assert_ne!(polled, Polled::Caught);
            s.end(next);
        }
        assert!(s.evidence().is_empty(), "{:?}", s.evidence());
    });
}

#[test]
fn the_trap_of_a_leaked_task_is_taken_away() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        std::mem::forget(s.hold(&INSERT, map));
        s.pass(50 * MS);
        s.call_during(&INSERT, map, || {});
        let bucket = s.engine.traps.lock(object_hash(map.words()));
        assert!(bucket.traps.is_empty());
        assert_eq!(bucket.tokens.len(), 1);
    });
}

/// What a function that returns a future has begun before its first poll, and waits for, may be held just then.
#[test]
fn a_returned_future_springs_no_trap_of_what_it_may_wait_for() {
    for begins_at_its_poll in [false, true] {
        scene(|s| {
            let map = 0;
            let map = object(&map);
            let mut job = s.hold(&INSERT, map);
            let call = call_of(&INSERT, map);
            let thread = s.threads[1];
            let mut task = s.engine.open_task(thread, &call, Some(1)).unwrap();
            let waker = begins_at_its_poll.then_some(&job.waker);
            s.engine.arrive_task(thread, &mut task, &call, waker);
            s.pass(100 * MS);
            let proved = s.poll(&mut job) == Polled::Caught;
            assert_eq!(proved, begins_at_its_poll);
            s.engine.end_task(Some(thread), task, Ending::ByItself);
        });
    }
}

#[test]
fn an_asked_operation_that_leaves_is_proved_by_the_task_that_asked() {
    for leaks in [false, true] {
        scene(|s| {
            let map = 0;
            let map = object(&map);
            let (first, polled) = s.poll_first(call_of(&GET, map));
            assert_eq!(polled, Polled::Goes);
            // In its sight, so it is held at once.
            let (mut second, polled) = s.poll_first(call_of(&INSERT, map));
            assert_eq!(polled, Polled::Waits);
            s.pass(MS);
            s.end(first);
            assert!(is_woken(&second));
            assert!(s.evidence().is_empty(), "it may have been leaked");
            if leaks {
                std::mem::forget(second);
                s.pass(100 * MS);
                s.call_during(&INSERT, map, || {});
                assert!(s.evidence().is_empty());
                return;
            }
            assert_eq!(s.poll(&mut second), Polled::Caught);
            let evidence = s.evidence();
            assert_eq!(evidence.len(), 1);
            assert_eq!(evidence[0].detected_by, DetectedBy::Overlap);
            assert_eq!(evidence[0].first.operation.name(), "get");
            assert!(evidence[0].first.stack.is_some());
            assert_ne!(evidence[0].first.context, evidence[0].second.context);
            s.end(second);
        });
    }
}

/// It may have waited for the one that asked, and will never go on.
#[test]
fn an_asked_operation_that_is_dropped_is_no_proof() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let (first, _) = s.poll_first(call_of(&INSERT, map));
        let (mut second, polled) = s.poll_first(call_of(&GET, map));
        assert_eq!(polled, Polled::Waits);
        s.pass(MS);
        s.drop(first);
        assert!(!is_woken(&second), "its delay goes on");
        s.pass(100 * MS);
        assert_eq!(s.poll(&mut second), Polled::Goes);
        s.end(second);
        assert!(s.evidence().is_empty(), "{:?}", s.evidence());
    });
}

#[test]
fn an_asked_call_that_leaves_unseen_is_found_at_the_end_of_the_delay() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let mut held = None;
        s.call_during(&GET, map, || held = Some(s.hold(&INSERT, map)));
        let mut held = held.unwrap();
        s.pass(MS);
        assert_eq!(s.poll(&mut held), Polled::Caught);
        assert_eq!(s.evidence()[0].detected_by, DetectedBy::Overlap);
        s.end(held);
    });
}

/// What one operation polls is a part of it, whatever is held and leaves; two of its parts are not.
#[test]
fn operations_polled_in_one_another_are_one_chain_and_its_branches_conflict() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let (outer, _) = s.poll_first(call_of(&INSERT, map));
        let frame = outer.task.as_ref().unwrap().frame();
        let acting = crate::engine::tasks::Acting::begin(s.engine.env(), frame);
        let inner = s.hold(&INSERT, map);
        let call = call_of(&INSERT, map);
        let entered = s.engine.enter(s.threads[0], &call);
        assert!(
            matches!(entered, Entered::InFlight(0)),
            "a branch beside the held one"
        );
        s.engine.leave(s.threads[0], 0);
        drop(acting);
        // Out of turn, as no future does: the outer one is no proof for what it was polled in.
        s.end(outer);
        assert!(s.evidence().is_empty());
        s.end(inner);
        let evidence = s.evidence();
        assert_eq!(evidence.len(), 1, "{evidence:?}");
        assert_eq!(evidence[0].detected_by, DetectedBy::Trap);
        assert_eq!(evidence[0].first.operation.name(), "insert");
    });
}

#[test]
fn where_a_future_was_dropped_while_it_was_held_none_is_held_again() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let held = s.hold(&INSERT, map);
        let call = held.call;
        s.drop(held);
        assert!(s.engine.is_disturbed());
        let (state, probability, disturbed) = s.state(&call);
        assert_eq!(
            (state, probability),
            (State::Armed, 1.0),
            "that was no delay in vain"
        );
        assert!(disturbed, "for the trap file");
        let (next, polled) = s.poll_first(call);
        assert_eq!(polled, Polled::Goes);
        s.end(next);
    });
}

#[test]
fn a_task_that_cannot_be_woken_is_not_held() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let call = call_of(&INSERT, map);
        s.arm(&call);
        let thread = s.threads[0];
        let mut task = s.engine.open_task(thread, &call, None).unwrap();
        let polled = s
            .engine
            .arrive_task(thread, &mut task, &call, Some(Waker::noop()));
        assert_eq!(polled, Polled::Goes);
        s.engine.end_task(Some(thread), task, Ending::ByItself);
    });
}

#[test]
fn after_off_a_held_task_goes_on() {
    scene(|s| {
        let map = 0;
        let map = object(&map);
        let other = 0;
        let mut held = s.hold(&INSERT, map);
        let other = s.hold(&INSERT, object(&other));
        s.engine.now.switch_off();
        assert_eq!(s.poll(&mut held), Polled::Goes);
        s.end(held);
        s.end(other);
    });
}

#[test]
fn two_tasks_that_are_held_at_once_do_not_keep_each_other_away() {
    scene(|s| {
        let maps = [0; 2];
        let tasks: [Arc<Woken>; 2] = Default::default();
        let call = |map| call_of(&INSERT, object(map));
        let site = s.engine.site(&INSERT, call(&maps[0]).site);
        s.engine.trap_set.suspect(site, site, MS);
        let both = || [0, 1].map(|i| s.poll_first_of(Arc::clone(&tasks[i]), call(&maps[i])));
        let held = both();
        s.pass(4 * MS);
        for (mut held, polled) in held {
            assert_eq!(polled, Polled::Waits);
            assert_eq!(s.poll(&mut held), Polled::Goes);
            s.end(held);
        }
        both().into_iter().for_each(|(next, _)| s.end(next));
        assert_eq!(s.state(&call(&maps[0])).0, State::Armed);
    });
}

/// What one task does one after the other is no near miss, on whatever threads; what two tasks do is one.
#[test]
fn a_task_is_one_context_wherever_it_is_polled() {
    for same in [true, false] {
        scene(|s| {
            let map = 0;
            let map = object(&map);
            let waker = Waker::from(Arc::new(Woken::default()));
            let call = call_of(&INSERT, map);
            for round in 0..40_usize {
                s.pass(MS);
                let thread = s.threads[round % 2];
                let number = if same {
                    task_number(&waker)
                } else {
                    1 + round as u64 % 2
                };
                let mut task = s.engine.open_task(thread, &call, Some(number)).unwrap();
                s.engine
                    .arrive_task(thread, &mut task, &call, Some(Waker::noop()));
                s.engine.end_task(Some(thread), task, Ending::ByItself);
            }
            let near = s.engine.statistics().near_misses.load(SeqCst);
            assert_eq!(near == 0, same, "{near} near misses");
        });
    }
}
