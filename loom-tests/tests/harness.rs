//! `tsvd::model` itself: it counts what loom runs, its verdicts are true, and what it says that loom sees, loom sees.
#![cfg(loom)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed as CountOnly};
use std::time::Duration;

use tsvd::model::{Bound, Model, Verdict};
use tsvd::sync::Arc;
use tsvd::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::atomic::{AtomicUsize as Atomic, fence};
use tsvd::thread;
use tsvd_loom_tests::{fails, holds};

/// Two atomics and what each of two threads does with them; returns what both threads read.
fn litmus(
    first: impl Fn(&Atomic, &Atomic) -> usize + Send + 'static,
    second: impl Fn(&Atomic, &Atomic) -> usize,
) -> (usize, usize) {
    let pair = Arc::new((Atomic::new(0), Atomic::new(0)));
    let other = {
        let pair = Arc::clone(&pair);
        thread::spawn(move || first(&pair.0, &pair.1))
    };
    let second = second(&pair.0, &pair.1);
    (other.join().unwrap(), second)
}

fn store_buffering(store: Ordering, load: Ordering, fenced: bool) -> (usize, usize) {
    let thread = move |mine: &Atomic, others: &Atomic| {
        mine.store(1, store);
        if fenced {
            fence(SeqCst);
        }
        others.load(load)
    };
    litmus(thread, move |x, y| thread(y, x))
}

fn small() {
    store_buffering(Relaxed, Relaxed, false);
}

/// What a model returns over all its executions.
fn outcomes(
    name: &str,
    body: impl Fn() -> (usize, usize) + Send + Sync + 'static,
) -> HashSet<(usize, usize)> {
    let seen = std::sync::Arc::new(Mutex::new(HashSet::new()));
    let all = std::sync::Arc::clone(&seen);
    holds(name, move || {
        let outcome = body();
        all.lock().unwrap().insert(outcome);
    });
    std::mem::take(&mut *seen.lock().unwrap())
}

mod verdicts {
    use super::*;

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
}

/// The claims of the documentation of `tsvd::model`.
mod seen {
    use super::*;

    #[test]
    fn store_buffering_and_what_forbids_it() {
        let both_miss = (0, 0);
        assert!(
            outcomes("seen: store buffering", || store_buffering(
                Relaxed, Relaxed, false
            ))
            .contains(&both_miss)
        );
        let fenced = outcomes("seen: store buffering with fences", || {
            store_buffering(Relaxed, Relaxed, true)
        });
        assert_eq!(fenced, HashSet::from([(0, 1), (1, 0), (1, 1)]));
        // Right by C11, and still "seen": accesses marked SeqCst are treated as AcqRel.
        assert!(
            outcomes("seen: SeqCst accesses", || store_buffering(
                SeqCst, SeqCst, false
            ))
            .contains(&both_miss)
        );
    }

    #[test]
    fn stale_reads() {
        let publish = |store: Ordering, load: Ordering| {
            move || {
                litmus(
                    move |data, ready| {
                        data.store(1, Relaxed);
                        ready.store(1, store);
                        0
                    },
                    move |data, ready| {
                        if ready.load(load) == 1 {
                            data.load(Relaxed)
                        } else {
                            1
                        }
                    },
                )
            }
        };
        assert_eq!(
            outcomes("seen: stale read", publish(Relaxed, Relaxed)),
            HashSet::from([(0, 0), (0, 1)])
        );
        assert_eq!(
            outcomes("seen: message passing", publish(Release, Acquire)),
            HashSet::from([(0, 1)])
        );
    }

    #[test]
    fn two_stores_each_that_cross() {
        // 2+2W: both first stores last in their atomic's order.
        let crossed = |x: &Atomic, y: &Atomic| {
            x.store(1, Relaxed);
            y.store(2, Relaxed);
            0
        };
        let ends = outcomes("seen: 2+2W", move || {
            let pair = Arc::new((Atomic::new(0), Atomic::new(0)));
            let other = {
                let pair = Arc::clone(&pair);
                thread::spawn(move || crossed(&pair.0, &pair.1))
            };
            crossed(&pair.1, &pair.0);
            other.join().unwrap();
            (pair.0.fetch_add(0, AcqRel), pair.1.fetch_add(0, AcqRel))
        });
        assert!(ends.contains(&(1, 1)), "{ends:?}");
    }

    #[test]
    fn load_buffering_is_not_seen() {
        let seen = outcomes("not seen: load buffering", || {
            let thread = |mine: &Atomic, others: &Atomic| {
                let value = others.load(Relaxed);
                mine.store(1, Relaxed);
                value
            };
            litmus(thread, move |x, y| thread(y, x))
        });
        assert_eq!(seen, HashSet::from([(0, 0), (0, 1), (1, 0)]));
    }
}
