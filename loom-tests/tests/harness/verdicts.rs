//! What a model is said to prove.

use super::*;
use tsvd::sync::Mutex;

#[test]
fn it_counts_what_loom_counts() {
    static BY_LOOM: AtomicUsize = AtomicUsize::new(0);
    loom::model::Builder::new().check(|| {
        BY_LOOM.fetch_add(1, CountOnly);
        small();
    });
    let exploration = holds("harness: counted twice", small);
    assert_eq!(exploration.executions(), BY_LOOM.load(CountOnly));
}

#[test]
fn limits_that_are_not_reached_bound_nothing() {
    let exploration = Model::new()
        .max_permutations(1_000)
        .max_duration(Duration::from_secs(600))
        .check(small);
    assert_eq!(exploration.verdict(), Verdict::Exhausted);
    assert_eq!(
        exploration.name(),
        "verdicts::limits_that_are_not_reached_bound_nothing"
    );
}

#[test]
fn accepted_bounds_pass_and_are_told() {
    let exploration = Model::new()
        .max_permutations(3)
        .accept_max_permutations()
        .check(small);
    assert_eq!(
        exploration.verdict(),
        Verdict::Bounded {
            by: Bound::Executions(3)
        }
    );
    assert_eq!(exploration.executions(), 3);
    let exploration = Model::new()
        .preemption_bound(1)
        .accept_preemption_bound()
        .check(small);
    assert_eq!(
        exploration.verdict(),
        Verdict::Bounded {
            by: Bound::Preemptions(1)
        }
    );
    let exploration = Model::new()
        .max_duration(Duration::ZERO)
        .accept_max_duration()
        .check(small);
    assert_eq!(
        exploration.verdict(),
        Verdict::TimedOut {
            after: Duration::ZERO
        }
    );
}

#[test]
fn a_bound_that_is_not_accepted_fails() {
    fails(
        "verdicts::a_bound_that_is_not_accepted_fails",
        &[],
        "bounded by 2 executions: the executions left",
        || Model::new().max_permutations(2).check(small),
    );
}

#[test]
fn a_bound_of_another_kind_is_not_accepted() {
    let test = "verdicts::a_bound_of_another_kind_is_not_accepted";
    fails(test, &[], "bounded by 1 preemptions", || {
        Model::new()
            .preemption_bound(1)
            .accept_max_duration()
            .accept_max_permutations()
            .check(small)
    });
}

#[test]
fn loom_max_preemptions() {
    let environment = [("LOOM_MAX_PREEMPTIONS", "2")];
    fails(
        "verdicts::loom_max_preemptions",
        &environment,
        "bounded by 2 preemptions",
        || tsvd::model(small),
    );
}

#[test]
fn loom_max_permutations() {
    let environment = [("LOOM_MAX_PERMUTATIONS", "2")];
    fails(
        "verdicts::loom_max_permutations",
        &environment,
        "bounded by 2 executions",
        || tsvd::model(small),
    );
}

#[test]
fn loom_max_duration() {
    let environment = [("LOOM_MAX_DURATION", "0")];
    fails(
        "verdicts::loom_max_duration",
        &environment,
        "timed out after 0 s",
        || tsvd::model(small),
    );
}

#[test]
fn one_execution_is_vacuous() {
    let test = "verdicts::one_execution_is_vacuous";
    fails(
        test,
        &[],
        "vacuous, a single execution: nothing in it runs concurrently",
        || {
            tsvd::model(|| {
                let other = std::thread::spawn(|| 1 + 1);
                assert_eq!(other.join().unwrap(), 2);
            })
        },
    );
}

#[test]
fn a_failure_says_which_execution() {
    let test = "verdicts::a_failure_says_which_execution";
    fails(
        test,
        &[],
        "tsvd: model `the lost race` failed in execution ",
        || {
            Model::new().name("the lost race").check(|| {
                assert_ne!(store_buffering(Relaxed, Relaxed, false), (1, 0));
            })
        },
    );
}

/// Its fourth step is one of the other thread, in the second column.
#[test]
fn a_failure_shows_the_steps_of_each_thread() {
    let test = "verdicts::a_failure_shows_the_steps_of_each_thread";
    let first_column = " ".repeat("AtomicUsize#1.store(1, Relaxed)  main.rs:37".len());
    let row = format!("    4 | {first_column} | AtomicUsize#2.store(1, Relaxed)  main.rs:");
    fails(test, &[], &row, || {
        tsvd::model(|| assert_ne!(store_buffering(Relaxed, Relaxed, false), (1, 0)))
    });
}

/// Each thread's last row is the lock that it waits for.
#[test]
fn a_deadlock_shows_where_each_thread_waits() {
    let test = "verdicts::a_deadlock_shows_where_each_thread_waits";
    fails(test, &[], "never | Mutex#2.lock  verdicts.rs:", || {
        tsvd::model(|| {
            let locks = Arc::new((Mutex::new(()), Mutex::new(())));
            let other = {
                let locks = Arc::clone(&locks);
                thread::spawn(move || {
                    let _second = locks.1.lock().unwrap();
                    drop(locks.0.lock().unwrap());
                })
            };
            let first = locks.0.lock().unwrap();
            drop(locks.1.lock().unwrap());
            drop(first);
            other.join().unwrap();
        })
    });
}

#[test]
fn a_loop_without_the_hint_fails() {
    fails(
        "verdicts::a_loop_without_the_hint_fails",
        &[],
        "Model exceeded maximum number of branches",
        || {
            tsvd::model(|| {
                litmus(
                    |x, _| {
                        x.store(1, Release);
                        0
                    },
                    |x, _| {
                        while x.load(Acquire) == 0 {}
                        0
                    },
                );
            })
        },
    );
}

/// A reader that may or may not see what the writer wrote.
fn flag_and_reader() {
    litmus(
        |x, _| {
            x.store(1, Release);
            0
        },
        |x, _| {
            match x.load(Acquire) {
                0 => tsvd::reachable!("early"),
                _ => tsvd::reachable!("late"),
            }
            0
        },
    );
}

#[test]
fn goals_that_are_reached() {
    let model = Model::new().name("harness: goals").goals(["early", "late"]);
    shows(model.property("both goals are reached"), flag_and_reader);
}

#[test]
fn a_goal_that_no_execution_reaches_fails() {
    let test = "verdicts::a_goal_that_no_execution_reaches_fails";
    let message = "vacuous, goal `never` was never reached: the model does not do";
    fails(test, &[], message, || {
        let model = Model::new().goals(["early", "never", "late"]);
        model.check(flag_and_reader)
    });
}

#[test]
fn a_goal_missed_within_an_accepted_bound_fails() {
    let test = "verdicts::a_goal_missed_within_an_accepted_bound_fails";
    fails(test, &[], "goal `early` was never reached", || {
        let model = Model::new().goals(["early", "late"]).max_permutations(0);
        model.accept_max_permutations().check(flag_and_reader)
    });
}

#[test]
fn a_goal_that_is_not_declared_fails() {
    let test = "verdicts::a_goal_that_is_not_declared_fails";
    fails(test, &[], "`late` is none of the goals of model `", || {
        Model::new().goals(["early"]).check(flag_and_reader)
    });
}

#[test]
fn a_ladder_ends_without_a_bound() {
    let exploration = shows(
        Model::new().name("harness: ladder").ladder([0, 1, 2]),
        small,
    );
    let bounds: Vec<_> = exploration
        .rungs()
        .iter()
        .map(|rung| rung.preemptions)
        .collect();
    assert_eq!(bounds, [Some(0), Some(1), Some(2), None]);
    let executions: Vec<_> = exploration
        .rungs()
        .iter()
        .map(|rung| rung.executions)
        .collect();
    assert!(
        executions.is_sorted() && executions[0] < executions[3],
        "{executions:?}"
    );
    assert_eq!(exploration.executions(), executions[3]);
}

#[test]
fn a_ladder_ends_at_the_bound() {
    let model = Model::new().ladder([1, 2, 3]).preemption_bound(2);
    let exploration = model.accept_preemption_bound().check(small);
    let bounds: Vec<_> = exploration
        .rungs()
        .iter()
        .map(|rung| rung.preemptions)
        .collect();
    assert_eq!(bounds, [Some(1), Some(2)]);
}

#[test]
fn looms_one_checkpoint_for_all_is_refused() {
    let test = "verdicts::looms_one_checkpoint_for_all_is_refused";
    let environment = [("LOOM_CHECKPOINT_FILE", "checkpoint.json")];
    let message = "LOOM_CHECKPOINT_FILE names one file for all models";
    fails(test, &environment, message, || tsvd::model(small));
}
