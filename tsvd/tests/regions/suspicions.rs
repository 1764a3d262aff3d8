//! What nobody declared to be a region: suspected where the two accesses are of one call, denied, and accepted by a baseline.

use std::thread;

use tsvd::report::{Baseline, Kind, Violation};

use super::process::{Ended, run_again, run_with};
use super::{Cache, both, work};

/// A program without any region: what it is suspected of in its first run, or else in its second, in the parent.
fn suspected_in_two_runs(body: impl Fn()) -> Option<Vec<Violation>> {
    let of = |ended: &Ended| {
        assert_eq!(ended.status, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let report = ended.report.as_ref().expect("a report");
        assert!(report.violations.is_empty(), "{}", ended.stderr);
        for suspicion in &report.suspicions {
            let line = format!("both in `{}`", suspicion.region.as_ref().unwrap().name);
            assert!(ended.stderr.contains(&line), "{}", ended.stderr);
        }
        report.suspicions.clone()
    };
    let first = run_with(&[], &body)?;
    let suspicions = of(&first);
    if !suspicions.is_empty() {
        return Some(suspicions);
    }
    run_again(first, &body).map(|ended| of(&ended))
}

fn undeclared_get_or_create(cache: &Cache, key: u32) {
    if !cache.contains_key(key) {
        work();
        cache.insert(key, key);
    }
}

#[test]
fn check_then_act_that_nobody_declared_is_suspected() {
    let Some(suspicions) = suspected_in_two_runs(|| {
        let cache = Cache::default();
        both(
            |round| undeclared_get_or_create(&cache, round),
            |round| undeclared_get_or_create(&cache, round),
            100,
        );
    }) else {
        return;
    };
    let [suspicion] = &suspicions[..] else {
        panic!("{suspicions:#?}");
    };
    assert_eq!(suspicion.kind, Kind::Atomicity);
    let region = suspicion.region.as_ref().expect("a region");
    assert!(
        region.name.ends_with("undeclared_get_or_create"),
        "{}",
        region.name
    );
    let parties = [&region.accesses[0], &suspicion.second, &region.accesses[1]];
    let names = parties.map(|party| party.operation.as_str());
    assert_eq!(names, ["contains_key", "insert", "insert"]);
    assert!(parties.iter().all(|party| !party.stack.is_empty()));
}

/// Suspected in its first run.
fn undeclared_increment() {
    let cache = Cache::default();
    both(
        |_| {
            let before = cache.get(1).unwrap_or(0);
            cache.insert(1, before + 1);
        },
        |_| {
            cache.insert(1, 0);
        },
        200,
    );
}

#[test]
fn a_suspicion_can_be_denied() {
    let Some(ended) = run_with(&[("TSVD_SUSPICIONS", "deny")], undeclared_increment) else {
        return;
    };
    assert_eq!(ended.status, Some(66), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report.expect("a report");
    assert!(report.violations.is_empty() && !report.suspicions.is_empty());
}

/// By the file at the workspace root, and by one that is named.
#[test]
fn a_suspicion_that_the_baseline_accepts_fails_nothing() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("Cargo.lock"), "").unwrap();
    let there = ("CARGO_MANIFEST_DIR", root.path().to_str().unwrap());
    let named = ("TSVD_BASELINE", "ci/accepted.json");
    for (file, settings) in [
        ("tsvd-baseline.json", vec![there]),
        ("ci/accepted.json", vec![there, named]),
    ] {
        let file = root.path().join(file);
        let run = |baseline: &Baseline, status| {
            baseline.write(&file).unwrap();
            let settings = [&settings[..], &[("TSVD_SUSPICIONS", "deny")]].concat();
            let ended = run_with(&settings, undeclared_increment)?;
            assert_eq!(ended.status, Some(status), "{}", ended.stderr);
            let suspicions = ended.report.expect("a report").suspicions;
            assert!(!suspicions.is_empty());
            for suspicion in &suspicions {
                assert_eq!(suspicion.accepted, status == 0, "{suspicion:#?}");
            }
            Some((suspicions, ended.stderr))
        };
        let mut baseline = Baseline::default();
        let Some((suspicions, stderr)) = run(&baseline, 66) else {
            return;
        };
        assert!(stderr.contains("tsvd: 1 suspicion, in "), "{stderr}");
        // That of another is of no use.
        let mut other = suspicions[0].clone();
        other.id = "0000000000000001".to_owned();
        baseline.accept(&other);
        run(&baseline, 66);
        for suspicion in &suspicions {
            assert!(baseline.accept(suspicion));
        }
        let (_, stderr) = run(&baseline, 0).expect("the parent");
        assert!(!stderr.contains("tsvd"), "{stderr}");
    }
}

#[test]
fn single_steps_are_not_suspected() {
    let Some(suspicions) = suspected_in_two_runs(|| {
        let cache = Cache::default();
        // Its own accesses of successive rounds stand around the other one's, but in no call that has both in this order.
        let steps = |round: u32| {
            if round.is_multiple_of(2) {
                cache.insert(1, round);
            }
            if cache.len() > 7 {
                cache.remove(1);
            }
        };
        both(
            steps,
            |round| {
                cache.insert_new(1, round);
            },
            100,
        );
        both(
            |_| {
                cache.insert_new(3, 1);
            },
            |_| {
                cache.insert_new(3, 1);
            },
            100,
        );
    }) else {
        return;
    };
    // Here it is in such a call: the first insert, the other's, the look.
    for suspicion in &suspicions {
        assert_eq!(suspicion.first.operation, "insert", "{suspicions:#?}");
        assert_eq!(
            suspicion.region.as_ref().unwrap().accesses[1].operation,
            "len"
        );
    }
}

/// Each of `sides` on a thread of its own, which nobody is told of, until they are done.
fn apart(sides: [&(dyn Fn(u32) + Sync); 2]) {
    thread::scope(|scope| {
        for side in sides {
            scope.spawn(move || (0..20).for_each(side));
        }
    });
}

/// Looks before it begins threads, and again when they are done.
fn forks_and_joins() {
    let cache = Cache::default();
    assert_eq!(cache.get(1), None);
    let bump = |round| {
        work();
        cache.insert(1, round);
    };
    apart([&bump, &bump]);
    assert_eq!(cache.get(1), Some(19));
}

#[test]
fn what_a_function_gives_away_is_not_suspected() {
    let Some(suspicions) = suspected_in_two_runs(forks_and_joins) else {
        return;
    };
    assert!(suspicions.is_empty(), "{suspicions:#?}");
}
