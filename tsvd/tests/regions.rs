//! Regions expected to be atomic with real threads: planted violations are found in at most two runs, and their fixed twins are silent.
//! Calls under thread-safe contracts are written as the attributes expand them.

#![cfg(not(loom))]

mod process;
#[path = "regions/suspicions.rs"]
mod suspicions;

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::Location;
use std::sync::{Barrier, Mutex, MutexGuard, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use process::{Ended, run_again, run_with};
use tsvd::__private::{
    Access, AccessGuard, Object, Operation, PlainKey as _, Region, RegionGuard, access, enabled,
    region,
};
use tsvd::report::{Kind, Pattern, Violation};

const fn operation(name: &'static str, access: Access) -> Operation {
    Operation::new("regions::Cache", name, access, Location::caller()).thread_safe()
}

static CONTAINS: Operation = operation("contains_key", Access::Read);
static GET: Operation = operation("get", Access::Read);
static INSERT: Operation = operation("insert", Access::Write);
static INSERT_NEW: Operation = operation("insert_new", Access::Write);
static REMOVE: Operation = operation("remove", Access::Update);
static LEN: Operation = operation("len", Access::Read);

fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

/// A map behind a lock: its calls never overlap.
#[derive(Default)]
struct Cache(Mutex<HashMap<u32, u32>>);

impl Cache {
    #[track_caller]
    fn watch<T: Hash>(&self, operation: &'static Operation, key: Option<&T>) -> AccessGuard {
        if !enabled() {
            return AccessGuard::inert();
        }
        let probe = key.map(|key| tsvd::__private::KeyProbe(key));
        let key = probe.as_ref().map(|probe| probe.key());
        access(operation, Location::caller(), Object::place(self), key)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u32, u32>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    #[track_caller]
    fn contains_key(&self, key: u32) -> bool {
        let _guard = self.watch(&CONTAINS, Some(&key));
        self.map().contains_key(&key)
    }

    #[track_caller]
    fn get(&self, key: u32) -> Option<u32> {
        let _guard = self.watch(&GET, Some(&key));
        self.map().get(&key).copied()
    }

    #[track_caller]
    fn insert(&self, key: u32, value: u32) -> Option<u32> {
        let _guard = self.watch(&INSERT, Some(&key));
        self.map().insert(key, value)
    }

    /// `#[tsvd::write(when = |done| *done)]`
    #[track_caller]
    fn insert_new(&self, key: u32, value: u32) -> bool {
        let guard = self.watch(&INSERT_NEW, Some(&key));
        let done = match self.map().entry(key) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
            std::collections::hash_map::Entry::Occupied(_) => false,
        };
        guard.when(done);
        done
    }

    #[track_caller]
    fn remove(&self, key: u32) -> Option<u32> {
        let _guard = self.watch(&REMOVE, Some(&key));
        self.map().remove(&key)
    }

    #[track_caller]
    fn len(&self) -> usize {
        let _guard = self.watch::<u32>(&LEN, None);
        self.map().len()
    }
}

/// As `#[tsvd::expect_atomic]` does it.
#[track_caller]
fn begin(declared: &'static Region) -> RegionGuard {
    if enabled() {
        region(declared, Location::caller())
    } else {
        RegionGuard::inert()
    }
}

fn get_or_create(cache: &Cache, key: u32) {
    static REGION: Region = Region::new(module_path!(), "get_or_create", false, Location::caller());
    let _region = begin(&REGION);
    if !cache.contains_key(key) {
        work();
        cache.insert(key, key);
    }
}

fn add_one(cache: &Cache, key: u32) {
    let _region = tsvd::scope(cache).key(&key).expect_atomic();
    let before = cache.get(key).unwrap_or(0);
    cache.insert(key, before + 1);
}

fn both(left: impl Fn(u32) + Send, right: impl Fn(u32), rounds: u32) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let start = &start;
        let left = scope.spawn(move || {
            start.wait();
            (0..rounds).for_each(|round| {
                left(round);
                work();
            });
        });
        start.wait();
        work();
        (0..rounds).for_each(|round| {
            right(round);
            work();
        });
        left.join().unwrap();
    });
}

/// Runs a program whose violation is found in its first or in its second run; what was reported, in the parent.
fn found_in_two_runs(body: impl Fn()) -> Option<Ended> {
    let first = run_with(&[], &body)?;
    let ended = if first.status == Some(66) {
        first
    } else {
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        run_again(first, &body)?
    };
    assert_eq!(ended.status, Some(66), "{}\n{}", ended.stdout, ended.stderr);
    Some(ended)
}

/// The one violation.
fn one(ended: &Ended) -> &Violation {
    let report = ended.report.as_ref().expect("a report");
    assert_eq!(report.violations.len(), 1, "{}", ended.stderr);
    let violation = &report.violations[0];
    assert_eq!(violation.kind, Kind::Atomicity);
    violation
}

/// A program that is correct: silent in one run of many rounds, and in a second with what the first learnt. `tempted` says whether
/// somebody was held, where that is sure.
fn silent(tempted: impl Into<Option<bool>>, body: impl Fn()) {
    let Some(first) = run_with(&[], &body) else {
        return;
    };
    let check = |ended: &Ended| {
        assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let report = ended.report.as_ref().expect("a report");
        assert!(report.violations.is_empty(), "{}", ended.stderr);
        report.summary.delays
    };
    let delays = check(&first);
    let second = run_again(first, &body).expect("the parent");
    let delays = delays + check(&second);
    if let Some(tempted) = tempted.into() {
        assert_eq!(delays > 0, tempted, "{delays} delays");
    }
}

#[test]
fn check_then_act_with_all_three_accesses() {
    let Some(ended) = found_in_two_runs(|| {
        let cache = Cache::default();
        both(
            |round| get_or_create(&cache, round),
            |round| get_or_create(&cache, round),
            100,
        );
    }) else {
        return;
    };
    let violation = one(&ended);
    let region = violation.region.as_ref().expect("a region");
    assert_eq!(region.name, "get_or_create");
    assert_eq!(region.pattern, Pattern::ReadWriteWrite);
    assert!(!region.strict);
    let [first, next] = &region.accesses[..] else {
        panic!("{:?}", region.accesses);
    };
    let parties = [first, &violation.second, next];
    let names = parties.map(|party| party.operation.as_str());
    assert_eq!(names, ["contains_key", "insert", "insert"]);
    assert_eq!(first, &violation.first);
    let lines = ["if !cache.contains_key(key)", "cache.insert(key, key)"].map(line_of);
    assert_eq!(
        parties.map(|party| party.site.line),
        [lines[0], lines[1], lines[1]]
    );
    assert_eq!(first.context, next.context);
    assert_ne!(first.context.thread_id, violation.second.context.thread_id);
    for party in [&violation.second, next] {
        let called_by = |frame: &tsvd::report::Frame| frame.function.ends_with("get_or_create");
        assert!(party.stack.iter().any(called_by), "{:#?}", party.stack);
    }
    let text = &ended.stderr;
    assert!(
        text.contains("tsvd: thread-safety violation (atomicity)"),
        "{text}"
    );
}

/// The first line of this file that has `text`.
fn line_of(text: &str) -> u32 {
    include_str!("regions.rs")
        .lines()
        .position(|line| line.contains(text))
        .expect("the line") as u32
        + 1
}

#[test]
fn threads_that_meet_once() {
    let Some(ended) = found_in_two_runs(|| {
        let cache = Cache::default();
        both(
            |round| get_or_create(&cache, round),
            |round| get_or_create(&cache, round),
            1,
        );
    }) else {
        return;
    };
    one(&ended);
}

#[test]
fn one_step_instead_of_two_is_silent() {
    fn get_or_create(cache: &Cache, key: u32) {
        static REGION: Region =
            Region::new(module_path!(), "get_or_create", false, Location::caller());
        let _region = begin(&REGION);
        work();
        cache.insert_new(key, key);
    }
    silent(false, || {
        let cache = Cache::default();
        both(
            |round| get_or_create(&cache, round),
            |round| get_or_create(&cache, round),
            100,
        );
    });
}

#[test]
fn a_value_that_goes_between_look_and_use() {
    fn look_and_use(cache: &Cache) {
        static REGION: Region =
            Region::new(module_path!(), "look_and_use", false, Location::caller());
        let _region = begin(&REGION);
        if cache.contains_key(7) {
            std::hint::black_box(cache.get(7));
        }
    }
    let Some(ended) = found_in_two_runs(|| {
        let cache = Cache::default();
        both(
            |_| look_and_use(&cache),
            |_| {
                cache.insert(7, 1);
                work();
                cache.remove(7);
                work();
            },
            100,
        );
    }) else {
        return;
    };
    let report = ended.report.expect("a report");
    for violation in &report.violations {
        let region = violation.region.as_ref().expect("a region");
        assert_eq!(region.pattern, Pattern::ReadWriteRead);
    }
}

#[test]
fn a_scope_under_a_key() {
    let Some(ended) = found_in_two_runs(|| {
        let cache = Cache::default();
        both(|_| add_one(&cache, 1), |_| add_one(&cache, 1), 100);
    }) else {
        return;
    };
    let violation = one(&ended);
    let region = violation.region.as_ref().expect("a region");
    let line = line_of("let _region = tsvd::scope(cache).key(&key).expect_atomic()");
    assert_eq!(
        region.name,
        format!("the scope at tsvd/tests/regions.rs:{line}")
    );
}

#[test]
fn the_same_calls_on_different_keys_are_silent() {
    silent(false, || {
        let cache = Cache::default();
        both(
            |round| get_or_create(&cache, round),
            |round| get_or_create(&cache, 1_000 + round),
            200,
        );
    });
}

#[test]
fn a_strict_region_until_it_returns() {
    fn snapshot(cache: &Cache) {
        static REGION: Region = Region::new(module_path!(), "snapshot", true, Location::caller());
        let _region = begin(&REGION);
        std::hint::black_box(cache.len());
        work();
    }
    let Some(ended) = found_in_two_runs(|| {
        let cache = Cache::default();
        both(
            |_| snapshot(&cache),
            |round| {
                cache.insert(round, round);
                thread::yield_now();
            },
            100,
        );
    }) else {
        return;
    };
    let violation = one(&ended);
    let region = violation.region.as_ref().expect("a region");
    assert!(region.strict);
    assert_eq!(region.pattern, Pattern::ReadWriteRead);
    assert_eq!(region.accesses[1].operation, "snapshot");
}

#[test]
fn what_is_written_after_the_last_access_is_silent() {
    fn snapshot(cache: &Cache) {
        static REGION: Region = Region::new(module_path!(), "snapshot", false, Location::caller());
        let _region = begin(&REGION);
        std::hint::black_box(cache.len());
        work();
    }
    silent(false, || {
        let cache = Cache::default();
        both(
            |_| snapshot(&cache),
            |round| {
                cache.insert(round, round);
            },
            100,
        );
    });
}

#[test]
fn one_lock_over_check_and_act_is_silent() {
    silent(true, || {
        let (cache, lock) = (Cache::default(), Mutex::new(()));
        let locked = |key| {
            let _lock = lock.lock();
            add_one(&cache, key % 4);
        };
        both(locked, locked, 100);
    });
}

#[test]
fn helpers_that_the_region_waits_for_are_silent() {
    fn fill(cache: &Cache, key: u32) {
        static REGION: Region = Region::new(module_path!(), "fill", false, Location::caller());
        let _region = begin(&REGION);
        if !cache.contains_key(key) {
            tsvd::thread::scope(|scope| {
                scope.spawn(|| cache.insert(key, 1));
            });
            cache.insert(key, 2);
        }
    }
    silent(None, || {
        let cache = Cache::default();
        (0..100).for_each(|key| fill(&cache, key));
    });
}

#[test]
fn retries_that_start_anew_are_silent() {
    silent(false, || {
        let cache = Cache::default();
        let version = RwLock::new(0);
        both(
            |_| {
                let region = tsvd::scope(&cache).expect_atomic();
                loop {
                    let before = *version.read().unwrap();
                    let sum = cache.get(1).unwrap_or(0) + cache.get(2).unwrap_or(0);
                    std::hint::black_box(sum);
                    if *version.read().unwrap() == before {
                        break;
                    }
                    region.restart();
                }
            },
            |_| work(),
            100,
        );
    });
}

#[test]
fn a_panic_ends_the_region_where_that_is_wanted() {
    let Some(ended) = run_with(&[("TSVD_ON_VIOLATION", "panic")], || {
        let cache = Cache::default();
        let panics = |cache: &Cache, round| {
            let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                get_or_create(cache, round);
            }));
            u32::from(ran.is_err())
        };
        let count = std::sync::atomic::AtomicU32::new(0);
        let count_panics = |round| {
            count.fetch_add(panics(&cache, round), std::sync::atomic::Ordering::Relaxed);
        };
        both(count_panics, count_panics, 100);
        assert!(count.into_inner() > 0, "nobody panicked");
        assert!(!cache.map().is_empty());
    }) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(
        ended
            .stderr
            .contains("thread-safety violation at `regions::get_or_create`")
    );
    one(&ended);
}
