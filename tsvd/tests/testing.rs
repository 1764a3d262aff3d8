//! `tsvd::check`, what `#[tsvd::test]` expands to, and which test a violation belongs to.

#![cfg(not(loom))]

mod process;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use process::{Ended, run_with};
use tsvd::__private::Test;
use tsvd::report::Violation;

struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[tsvd::read]
    fn get(&self) {
        std::hint::black_box(self.0.load(Relaxed));
    }

    #[tsvd::write]
    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    #[tsvd::write(resource = "table", key = row)]
    fn update_row(&self, row: u32) {
        std::hint::black_box(row);
    }

    #[tsvd::write(resource = "table")]
    fn lock_table(&self) {
        std::hint::black_box(());
    }
}

fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

/// Both at the same time, on this thread and one that belongs to it.
fn both(left: impl Fn() + Send, right: impl Fn()) {
    let start = Barrier::new(2);
    tsvd::thread::scope(|scope| {
        let start = &start;
        scope.spawn(move || {
            start.wait();
            (0..200).for_each(|_| {
                left();
                work();
            });
        });
        start.wait();
        (0..200).for_each(|_| {
            right();
            work();
        });
    });
}

fn violate() {
    let store = Store::new();
    both(|| store.insert(), || store.get());
}

fn agree() {
    let store = Mutex::new(Store::new());
    both(
        || store.lock().unwrap().insert(),
        || store.lock().unwrap().get(),
    );
}

/// The same between two threads of which nobody knows whose they are.
fn violate_elsewhere() {
    let store = Store::new();
    std::thread::scope(|scope| {
        for round in 0..2 {
            let store = &store;
            scope.spawn(move || {
                (0..200).for_each(|_| {
                    if round == 0 {
                        store.insert()
                    } else {
                        store.get()
                    };
                    work();
                });
            });
        }
    });
}

fn violations(ended: &Ended) -> &[Violation] {
    &ended.report.as_ref().expect("a report").violations
}

#[track_caller]
fn check(ended: &Ended, status: i32, in_stderr: &[&str], not_in_stderr: &[&str]) {
    let Ended { stdout, stderr, .. } = ended;
    assert_eq!(ended.status, Some(status), "{stdout}\n{stderr}");
    for text in in_stderr {
        assert!(stderr.contains(text), "{text:?} is not in {stderr}");
    }
    for text in not_in_stderr {
        assert!(!stderr.contains(text), "{text:?} is in {stderr}");
    }
}

/// For several bodies in one process, on a busy machine too.
const BUDGETS: [(&str, &str); 2] = [
    ("TSVD_BUDGET_THREAD_MS", "10000"),
    ("TSVD_BUDGET_PROCESS_MS", "10000"),
];

const REPORT: &str = "tsvd: thread-safety violation (read-write)";
const STATUS: &str = "Exit status 66";

#[test]
fn a_check_finds_what_is_in_it_and_the_caller_may_expect_it() {
    let Some(ended) = run_with(&[], || {
        let outcome = tsvd::check(violate);
        assert!(outcome.was_watched() && !outcome.is_clean());
        assert_eq!(outcome.violations().len(), 1, "{outcome}");
        assert!((1..=10).contains(&outcome.rounds()), "{}", outcome.rounds());
        assert!(outcome.to_string().starts_with(REPORT), "{outcome}");
        assert_eq!(
            outcome.details()[0].first.site.file,
            "tsvd/tests/testing.rs"
        );
        outcome.assert_violation("Store::insert");
    }) else {
        return;
    };
    // Nobody is to be alarmed.
    check(&ended, 0, &[], &[REPORT, STATUS]);
    let [violation] = violations(&ended) else {
        panic!("{}", ended.stderr)
    };
    assert!(violation.expected && !violation.cross_test);
    assert_eq!(ended.report.as_ref().unwrap().failing().count(), 0);
}

#[test]
fn what_a_check_finds_fails_the_process_unless_it_is_expected() {
    let Some(ended) = run_with(&[], || {
        let outcome = tsvd::check(violate);
        assert_eq!(outcome.violations().len(), 1);
    }) else {
        return;
    };
    check(&ended, 66, &["and `testing::Store::", STATUS], &[REPORT]);
    assert!(!violations(&ended)[0].expected);
}

#[test]
fn a_correct_body_is_clean() {
    let Some(ended) = run_with(&[], || {
        let outcome = tsvd::check(agree);
        outcome.assert_clean();
        assert!(outcome.is_clean() && outcome.was_watched());
        assert_eq!(outcome.to_string(), "tsvd: no violation");
        // The first one has armed what the second found ordered.
        assert!(outcome.rounds() > 1, "{}", outcome.rounds());
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    assert!(violations(&ended).is_empty());
    assert!(ended.report.unwrap().summary.delays > 0);
}

#[test]
fn an_unclean_outcome_fails_its_assertion_with_the_report() {
    let Some(ended) = run_with(&[], || tsvd::check(violate).assert_clean()) else {
        return;
    };
    check(
        &ended,
        101,
        &["panicked at tsvd/tests/testing.rs", REPORT],
        &[STATUS],
    );
}

#[test]
fn a_violation_that_is_demanded_and_not_there_fails() {
    let Some(ended) = run_with(&[], || tsvd::check(agree).assert_violation("Store::get")) else {
        return;
    };
    let texts = [
        "panicked at tsvd/tests/testing.rs",
        "no violation with \"Store::get\" in its report was found in",
        "tsvd/tests/testing.rs:",
        // Found ordered, or on a busy machine not yet.
        ", delayed ",
    ];
    check(&ended, 101, &texts, &[REPORT]);
}

#[test]
fn a_check_twice_finds_the_same_twice() {
    let Some(ended) = run_with(&[BUDGETS[0], BUDGETS[1]], || {
        for _ in 0..3 {
            tsvd::check(violate).assert_violation("Store::get");
        }
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    assert_eq!(violations(&ended).len(), 1);
    assert!(violations(&ended)[0].occurrences >= 3);
}

#[test]
fn what_is_expected_once_fails_where_it_is_not() {
    let Some(ended) = run_with(&[BUDGETS[0], BUDGETS[1]], || {
        tsvd::check(violate).assert_violation("Store::get");
        // Armed anew for whoever comes next, and nobody's.
        drop(tsvd::check(|| ()));
        violate();
    }) else {
        return;
    };
    check(&ended, 66, &[REPORT, STATUS], &[]);
    let [violation] = violations(&ended) else {
        panic!("{}", ended.stderr)
    };
    assert!(!violation.expected && violation.occurrences >= 2);
}

#[test]
fn inner_checks_take_what_they_expect_from_outer_ones() {
    let Some(ended) = run_with(&[], || {
        Test::new("outer").rounds(1).run(|| {
            let outcome = tsvd::check(violate);
            outcome.assert_violation("Store::get");
        });
        let expects = || tsvd::check(violate).assert_violation("Store::get");
        let outcome = tsvd::check(expects);
        assert!(!outcome.violations().is_empty());
        outcome.assert_clean();
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
}

#[test]
fn what_outlives_its_check_is_of_the_process() {
    let Some(ended) = run_with(&[], || {
        let (begin, begun) = std::sync::mpsc::channel();
        let mut thread = None;
        let mut body = Some(begun);
        let outcome = tsvd::check(|| {
            let begun = body.take().unwrap();
            let late = move || begun.recv().map(|()| violate());
            thread = Some(tsvd::thread::spawn(late));
        });
        begin.send(()).unwrap();
        thread.unwrap().join().unwrap().unwrap();
        outcome.assert_clean();
    }) else {
        return;
    };
    check(&ended, 66, &[REPORT, STATUS], &["shown at the end"]);
}

#[test]
fn threads_of_others_are_not_guessed_to_be_of_a_check() {
    let Some(ended) = run_with(&[], || {
        let outcome = tsvd::check(violate_elsewhere);
        outcome.assert_clean();
        outcome.assert_violation("Store::get");
    }) else {
        return;
    };
    // The violation is the process's.
    let hint = "seen by threads that cannot be told to be this test's";
    check(&ended, 101, &[REPORT, hint], &[]);
    let [first, second] = [&violations(&ended)[0].first, &violations(&ended)[0].second];
    assert_eq!([&first.test, &second.test], [&None, &None]);
}

#[test]
fn a_test_fails_by_what_is_found_in_it() {
    let Some(ended) = run_with(&[], || Test::new("this").run(violate)) else {
        return;
    };
    let texts = [
        "in test a_test_fails_by_what_is_found_in_it: shown at the end of what checks it, written to",
        "panicked at tsvd/tests/testing.rs",
        "1 violation in this test, found by tsvd",
        REPORT,
        "tsvd: 1 violation, in",
    ];
    check(&ended, 101, &texts, &[STATUS]);
    assert_eq!(ended.stderr.matches(REPORT).count(), 1);
    // Its runner's name for it.
    let name = "a_test_fails_by_what_is_found_in_it";
    assert_eq!(tests(&ended), [Some(name); 2]);
}

#[test]
fn a_test_that_expects_its_violation_passes() {
    let Some(ended) = run_with(&[], || Test::new("this").expects("Store::get").run(violate)) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT, STATUS]);
    assert!(violations(&ended)[0].expected);
}

#[test]
fn a_test_whose_violation_stays_away_fails() {
    let Some(ended) = run_with(&[("TSVD_ROUNDS", "3")], || {
        Test::new("this").expects("Store::get").run(agree);
    }) else {
        return;
    };
    let texts = [
        "panicked at",
        "no violation with \"Store::get\"",
        "in 3 rounds",
    ];
    check(&ended, 101, &texts, &[REPORT]);
}

#[test]
fn another_violation_than_the_expected_one_fails() {
    let Some(ended) = run_with(&[], || {
        Test::new("this").expects("nothing such").run(violate)
    }) else {
        return;
    };
    check(&ended, 101, &["1 violation in this test", REPORT], &[]);
}

#[test]
fn a_test_that_fails_by_itself_shows_what_was_found_before() {
    let Some(ended) = run_with(&[], || {
        let end = Test::new("this").run(|| {
            agree();
            Err::<(), _>("its own")
        });
        assert_eq!(end, Err("its own"));
        Test::new("this").run(|| {
            violate();
            panic!("its own panic");
        })
    }) else {
        return;
    };
    check(&ended, 101, &["its own panic", REPORT], &["found by tsvd"]);
}

#[test]
fn rounds_are_those_of_the_test_else_of_the_settings() {
    let Some(ended) = run_with(&[("TSVD_ROUNDS", "4")], || {
        let runs = |test: Test| {
            let mut runs = 0;
            let never = test.expects("nothing such");
            std::panic::set_hook(Box::new(|_| ()));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                never.run(|| runs += 1);
            }))
            .unwrap_err();
            runs
        };
        assert_eq!(runs(Test::new("this")), 4);
        assert_eq!(runs(Test::new("this").rounds(2)), 2);
        assert_eq!(runs(Test::new("this").rounds(0)), 1);
        // Without any suspicion there is nothing to confirm.
        assert_eq!(tsvd::check(|| Store::new().insert()).rounds(), 1);
    }) else {
        return;
    };
    check(&ended, 0, &[], &[]);
}

#[test]
fn where_nothing_is_watched_a_body_runs_once_and_nothing_is_demanded() {
    let Some(ended) = run_with(&[("TSVD", "off")], || {
        let mut runs = 0;
        let outcome = tsvd::check(|| {
            runs += 1;
            violate();
        });
        assert!(!outcome.was_watched() && outcome.is_clean());
        assert_eq!(outcome.to_string(), "tsvd: nothing was watched");
        outcome.assert_clean();
        outcome.assert_violation("Store::get");
        Test::new("this")
            .rounds(5)
            .expects("Store::get")
            .run(|| runs += 1);
        assert_eq!((runs, outcome.rounds()), (2, 1));
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    assert!(ended.report.is_none());
}

#[test]
fn an_observer_proves_nothing_that_could_be_demanded() {
    let Some(ended) = run_with(&[("TSVD_STRATEGY", "observe")], || {
        tsvd::check(violate).assert_violation("Store::get");
        Test::new("this").expects("Store::get").run(violate);
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
}

#[test]
fn other_reactions_leave_the_judgement_to_the_test() {
    let body = || {
        tsvd::check(violate).assert_violation("Store::get");
        Test::new("this").expects("Store::get").run(violate);
    };
    let Some(ended) = run_with(
        &[("TSVD_ON_VIOLATION", "panic"), BUDGETS[0], BUDGETS[1]],
        body,
    ) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT, "panicked"]);
}

#[test]
fn what_is_expected_beforehand_does_not_abort() {
    let body = || Test::new("this").expects("Store::get").run(violate);
    let Some(ended) = run_with(&[("TSVD_ON_VIOLATION", "abort")], body) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT, "aborting"]);
}

#[test]
fn where_violations_are_recorded_only_no_test_fails_by_them() {
    let body = || Test::new("this").run(violate);
    let Some(ended) = run_with(&[("TSVD_ON_VIOLATION", "record")], body) else {
        return;
    };
    check(&ended, 0, &[REPORT], &["panicked"]);
    assert!(!violations(&ended)[0].expected);
}

/// Polls until it is ready, on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

async fn give_way() {
    let mut first = true;
    poll_fn(|_| match std::mem::take(&mut first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[test]
fn futures_are_tests_too() {
    let Some(ended) = run_with(&[], || {
        let body = || async {
            give_way().await;
            violate();
            Ok::<_, String>(())
        };
        let test = Test::new("this").expects("Store::get").run_async(body);
        fn is_send<T: Send>(_: &T) {}
        is_send(&test);
        block_on(test).unwrap();
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT, STATUS]);
}

#[test]
fn between_its_polls_a_thread_is_not_the_tests() {
    let Some(ended) = run_with(&[], || {
        let interleaved = || {
            let mut context = Context::from_waker(Waker::noop());
            let mut good = pin!(Test::new("good").rounds(1).run_async(give_way));
            assert!(good.as_mut().poll(&mut context).is_pending());
            let bad = || block_on(Test::new("bad").run_async(|| async { violate() }));
            std::panic::catch_unwind(bad).unwrap_err();
            assert!(good.as_mut().poll(&mut context).is_ready());
        };
        // On a thread that is not libtest's.
        std::thread::scope(|scope| scope.spawn(interleaved).join().unwrap());
    }) else {
        return;
    };
    check(&ended, 66, &["1 violation in this test", STATUS], &[]);
    assert_eq!(tests(&ended), [Some("bad"); 2]);
}

#[test]
fn a_future_that_violates_fails_its_test() {
    let Some(ended) = run_with(&[], || {
        block_on(Test::new("this").run_async(|| async {
            give_way().await;
            violate();
        }));
    }) else {
        return;
    };
    check(&ended, 101, &["1 violation in this test", REPORT], &[]);
}

/// The tests of both parties.
fn tests(ended: &Ended) -> [Option<&str>; 2] {
    let violation = &violations(ended)[0];
    [&violation.first, &violation.second].map(|party| party.test.as_deref())
}

#[test]
fn a_thread_of_libtest_names_its_test_and_what_it_begins() {
    let Some(ended) = run_with(&[], violate) else {
        return;
    };
    check(&ended, 66, &[REPORT, STATUS], &[]);
    let name = "a_thread_of_libtest_names_its_test_and_what_it_begins";
    assert_eq!(tests(&ended), [Some(name); 2]);
}

#[test]
fn threads_that_nobody_knows_are_of_no_test() {
    let Some(ended) = run_with(&[], violate_elsewhere) else {
        return;
    };
    check(&ended, 66, &[REPORT, STATUS], &["in test"]);
    assert_eq!(tests(&ended), [None; 2]);
}

#[test]
fn nextest_names_the_test_of_every_thread() {
    let name = "nextest_names_the_test_of_every_thread";
    let variables = [
        ("NEXTEST", "1"),
        ("NEXTEST_EXECUTION_MODE", "process-per-test"),
        ("NEXTEST_TEST_NAME", name),
    ];
    let Some(ended) = run_with(&variables, || {
        tsvd::check(violate_elsewhere).assert_violation("Store::get");
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    assert_eq!(tests(&ended), [Some(name); 2]);
}

#[test]
fn a_job_is_of_the_test_that_gave_it() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        let give = || {
            let job = tsvd::context::inherit(|| {
                (0..200).for_each(|_| {
                    store.insert();
                    work();
                });
            });
            std::thread::scope(|scope| {
                scope.spawn(job);
                scope.spawn(|| {
                    (0..200).for_each(|_| {
                        store.get();
                        work();
                    });
                });
            });
        };
        // On a thread that is not libtest's.
        let giver = || Test::new("giver").expects("Store::get").run(give);
        std::thread::scope(|scope| drop(scope.spawn(giver)));
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    let mut tests = tests(&ended);
    tests.sort();
    assert_eq!(tests, [None, Some("giver")]);
}

#[test]
fn a_task_is_of_the_test_that_spawned_it() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        // Whoever polls it, as a worker of a runtime does.
        let spawn = || {
            let task = tsvd::context::inherit_future(async {
                for _ in 0..200 {
                    store.insert();
                    work();
                    give_way().await;
                }
            });
            std::thread::scope(|scope| {
                scope.spawn(|| block_on(task));
                scope.spawn(|| {
                    (0..200).for_each(|_| {
                        store.get();
                        work();
                    });
                });
            });
        };
        // On a thread that is not libtest's.
        let spawns = || Test::new("spawns").expects("Store::get").run(spawn);
        std::thread::scope(|scope| drop(scope.spawn(spawns)));
    }) else {
        return;
    };
    check(&ended, 0, &[], &[REPORT]);
    let mut tests = tests(&ended);
    tests.sort();
    assert_eq!(tests, [None, Some("spawns")]);
}

/// Two tests of one process at the same time, each on a thread of its own.
fn two_tests(operation: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for name in ["one", "other"] {
            let operation = &operation;
            scope.spawn(move || {
                Test::new(name).rounds(1).run(|| {
                    (0..200).for_each(|_| {
                        operation();
                        work();
                    });
                });
            });
        }
    });
}

#[test]
fn two_tests_on_one_key_fail_nobody() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        two_tests(|| store.update_row(1));
    }) else {
        return;
    };
    let text = "The calls belong to two different tests, so this does not fail the run.";
    check(&ended, 0, &[text], &["panicked", STATUS]);
    let [violation] = violations(&ended) else {
        panic!("{}", ended.stderr)
    };
    assert!(violation.cross_test && !violation.expected);
    let mut tests = tests(&ended);
    tests.sort();
    assert_eq!(tests, [Some("one"), Some("other")]);
}

#[test]
fn one_test_on_one_key_fails() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        Test::new("one").run(|| both(|| store.update_row(1), || store.update_row(1)));
    }) else {
        return;
    };
    check(&ended, 101, &["1 violation in this test"], &[]);
    assert!(!violations(&ended)[0].cross_test);
}

#[test]
fn two_tests_without_key_fail_both() {
    let Some(ended) = run_with(&[], || {
        let store = Store::new();
        two_tests(|| store.lock_table());
    }) else {
        return;
    };
    check(&ended, 101, &["1 violation in this test"], &[]);
    assert_eq!(ended.stderr.matches("1 violation in this test").count(), 2);
    assert!(!violations(&ended)[0].cross_test);
}
