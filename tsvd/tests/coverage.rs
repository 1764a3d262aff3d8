//! What the report says of operations and call sites that were reached, or were not.

#![cfg(not(loom))]

mod process;

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use process::run_with;
use tsvd::report::{Coverage, Report, Unwatched};

struct Store(AtomicU64);

#[tsvd::contract]
impl Store {
    #[tsvd::read]
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    #[tsvd::write]
    fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    #[tsvd::write]
    fn shrink(&self) {}
}

struct Unit;

#[tsvd::contract]
impl Unit {
    #[tsvd::read]
    fn len(&self) -> usize {
        0
    }
}

#[tsvd::contract]
trait Queue {
    #[tsvd::write]
    fn push(&self, value: u64);

    #[tsvd::read]
    fn is_full(&self) -> bool {
        false
    }
}

#[tsvd::contract]
impl Queue for Store {
    #[tsvd::write]
    fn push(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

#[expect(dead_code, reason = "never called is what is shown")]
struct Generic<T>(Vec<T>);

#[tsvd::contract]
impl<T> Generic<T> {
    #[tsvd::read]
    fn first(&self) -> Option<&T> {
        self.0.first()
    }
}

fn report_of(body: fn()) -> Option<Report> {
    let ended = run_with(&[], body)?;
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    ended.report
}

fn lines<'a>(report: &'a Report, contract: &str, operation: &str) -> Vec<&'a Coverage> {
    let all = report.coverage.iter();
    all.filter(|line| line.contract.ends_with(contract) && line.operation == operation)
        .collect()
}

#[test]
fn every_call_site_that_was_reached_has_its_own_line() {
    let Some(report) = report_of(|| {
        let store = Store(AtomicU64::new(0));
        store.get();
        for _ in 0..1000 {
            store.get();
        }
        store.clear();
    }) else {
        return;
    };
    let gets = lines(&report, "coverage::Store", "get");
    assert_eq!(gets.len(), 2, "{gets:?}");
    assert_ne!(gets[0].site, gets[1].site);
    for line in gets {
        assert!(line.site.file.ends_with("tests/coverage.rs"), "{line:?}");
        assert!((1..=1000).contains(&line.hits), "{line:?}");
        assert_eq!(line.concurrent_hits, 0, "one thread alone: {line:?}");
    }
    assert_eq!(lines(&report, "coverage::Store", "clear").len(), 1);
    assert_eq!(report.summary.sites, 3);
    assert_eq!(report.summary.sites_concurrent, 0);
    assert_eq!(report.summary.objects_sampled, 1);
}

#[test]
fn calls_while_another_thread_is_active_are_concurrent_hits() {
    let Some(report) = report_of(|| {
        let stores = [0, 1].map(|_| Store(AtomicU64::new(0)));
        let turn = Barrier::new(2);
        thread::scope(|scope| {
            for store in &stores {
                scope.spawn(|| {
                    for _ in 0..10 {
                        store.get();
                        turn.wait();
                    }
                });
            }
        });
        stores[0].clear();
    }) else {
        return;
    };
    let [get] = lines(&report, "coverage::Store", "get")[..] else {
        panic!("{:?}", report.coverage);
    };
    assert!(
        (1..=get.hits).contains(&get.concurrent_hits),
        "both threads called it in turn: {get:?}"
    );
    assert!(report.summary.sites_concurrent >= 1);
    assert_eq!(report.summary.objects_sampled, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn operations_that_were_never_called_are_listed_where_they_are_defined() {
    let Some(report) = report_of(|| {
        let store = Store(AtomicU64::new(0));
        store.push(1);
    }) else {
        return;
    };
    for (contract, operation) in [
        ("coverage::Store", "shrink"),
        ("coverage::Store", "get"),
        ("coverage::Queue", "is_full"),
        ("coverage::Generic", "first"),
    ] {
        let [line] = lines(&report, contract, operation)[..] else {
            panic!("{contract}::{operation} in {:#?}", report.coverage);
        };
        assert_eq!((line.hits, line.unwatched), (0, None), "{line:?}");
        assert!(line.site.file.ends_with("tests/coverage.rs"), "{line:?}");
    }
    let [called] = lines(&report, "coverage::Store", "push")[..] else {
        panic!("{:#?}", report.coverage);
    };
    assert!(called.hits > 0);
    let [declared] = lines(&report, "coverage::Queue", "push")[..] else {
        panic!("{:#?}", report.coverage);
    };
    assert_eq!(declared.unwatched, Some(Unwatched::Declared));
}

#[cfg(target_os = "linux")]
#[test]
fn calls_on_values_without_identity_are_said_to_be_unwatched() {
    let Some(report) = report_of(|| {
        Store(AtomicU64::new(0)).get();
        Unit.len();
    }) else {
        return;
    };
    let [line] = lines(&report, "coverage::Unit", "len")[..] else {
        panic!("{:#?}", report.coverage);
    };
    assert_eq!(
        (line.hits, line.unwatched),
        (0, Some(Unwatched::NoIdentity))
    );
}
