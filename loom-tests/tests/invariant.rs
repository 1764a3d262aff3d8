//! The mutex with a lock invariant of `examples/src/invariant.rs`: two threads with three critical sections each and three with one each; every
//! interleaving, no bound.
//!
//! Proved of `Right` with sections that keep the invariant: each owner finds it true (the mutex evaluates it at acquire
//! and at release, in every execution). With a section that panics: nobody ever finds it broken, since after a panic in the middle the value
//! is out of reach for all others, and after a panic at the end it is not. Assumed: the invariant speaks of the protected value only, and
//! is evaluated without side effects. That the lock itself excludes is loom's, whose mutex this one is built on.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::invariant::{
    Broken, Hundred, InvariantMutex, Purse, Right, Section, Variant, save,
};
use tsvd_loom_tests::owners::each_of;
use tsvd_loom_tests::shows;

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("each owner finds the invariant")
}

fn purse<V: Variant>() -> Arc<InvariantMutex<Purse, Hundred, V>> {
    let (coins, savings) = (100, 0);
    Arc::new(InvariantMutex::new(Purse { coins, savings }))
}

fn savers<V: Variant + 'static>(threads: u32, rounds: u32, section: Section) {
    let purse = purse::<V>();
    each_of(threads, &purse, move |purse, _| {
        for _ in 0..rounds {
            save(purse, 10, section).unwrap();
        }
    });
    let saved = purse.section(|purse| purse.savings).unwrap();
    assert_eq!(saved, 10 * i64::from(threads * rounds));
}

/// One saver whose section panics beside one that is right; returns what became of the latter.
fn beside_a_panic<V: Variant + 'static>(section: Section) -> Result<(), Broken> {
    let purse = purse::<V>();
    let other = {
        let purse = Arc::clone(&purse);
        thread::spawn(move || {
            let panics = AssertUnwindSafe(|| save(&purse, 10, section));
            assert!(catch_unwind(panics).is_err());
        })
    };
    let outcome = save(&purse, 10, Section::Whole);
    other.join().unwrap();
    outcome
}

/// Checks it over all executions; returns the outcomes that were seen.
fn all_outcomes(name: &str, section: Section) -> HashSet<bool> {
    let seen = std::sync::Arc::new(Mutex::new(HashSet::new()));
    let all = std::sync::Arc::clone(&seen);
    shows(model(name), move || {
        let outcome = beside_a_panic::<Right>(section);
        all.lock().unwrap().insert(outcome.is_ok());
    });
    std::mem::take(&mut *seen.lock().unwrap())
}

#[test]
fn each_owner_finds_the_invariant() {
    shows(model("invariant: two savers, three rounds"), || {
        savers::<Right>(2, 3, Section::Whole)
    });
    shows(model("invariant: three savers"), || {
        savers::<Right>(3, 1, Section::Whole)
    });
}

#[test]
fn a_panic_half_way_publishes_nothing() {
    let seen = all_outcomes(
        "invariant: a section panics half-way",
        Section::PanicsHalfWay,
    );
    if cfg!(loom) {
        assert_eq!(seen, HashSet::from([true, false]), "before it and after it");
    }
}

#[test]
fn a_panic_at_the_end_is_nothing() {
    let seen = all_outcomes(
        "invariant: a section panics at its end",
        Section::PanicsAtTheEnd,
    );
    assert_eq!(seen, HashSet::from([true]));
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::invariant::{LeaksGuard, PublishesBroken, Undemanding};
    use tsvd_loom_tests::rejected;

    #[test]
    fn broken_at_release() {
        rejected(
            "mutants::broken_at_release",
            "lock invariant broken at release: coins + savings = 100",
            || savers::<Right>(2, 1, Section::ForgetsOne),
        );
    }

    #[test]
    fn updated_by_halves() {
        rejected(
            "mutants::updated_by_halves",
            "lock invariant broken at release: coins + savings = 100",
            || savers::<Right>(2, 1, Section::ByHalves),
        );
    }

    #[test]
    fn guard_leaked() {
        rejected("mutants::guard_leaked", "deadlock; threads", || {
            let _outcome = beside_a_panic::<LeaksGuard>(Section::PanicsAtTheEnd);
        });
    }

    /// With a mutex that demands nothing, halves would only sometimes be seen: by who comes between.
    #[test]
    fn not_demanded_at_release() {
        rejected(
            "mutants::not_demanded_at_release",
            "lock invariant broken at acquire: coins + savings = 100",
            || savers::<Undemanding>(2, 1, Section::ByHalves),
        );
    }

    #[test]
    fn broken_value_published() {
        rejected(
            "mutants::broken_value_published",
            "lock invariant broken at acquire: coins + savings = 100",
            || {
                let _outcome = beside_a_panic::<PublishesBroken>(Section::PanicsHalfWay);
            },
        );
    }
}
