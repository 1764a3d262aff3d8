//! Annotated thread-safe types. What they hold is not loom's, so only their calls are steps.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tsvd::model::Model;
use tsvd_loom_tests::shows;

use super::{Arc, beside, thread};

/// A table of names, locked within each call.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<BTreeMap<u8, u8>>);

#[tsvd::contract(thread_safe)]
impl Names {
    #[tsvd::read(key = name)]
    pub(super) fn contains(&self, name: u8) -> bool {
        self.with(|names| names.contains_key(&name))
    }

    #[tsvd::write(key = name)]
    pub(super) fn insert(&self, name: u8, owner: u8) {
        self.with(|names| names.insert(name, owner));
    }

    /// Whether the name was free.
    #[tsvd::update(key = name, when = |was_free| *was_free)]
    fn insert_new(&self, name: u8, owner: u8) -> bool {
        self.with(|names| {
            let is_free = !names.contains_key(&name);
            if is_free {
                names.insert(name, owner);
            }
            is_free
        })
    }

    fn with<R>(&self, body: impl FnOnce(&mut BTreeMap<u8, u8>) -> R) -> R {
        body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[tsvd::expect_atomic]
fn register(names: &Names, name: u8, owner: u8) -> bool {
    if names.contains(name) {
        return false;
    }
    names.insert(name, owner);
    true
}

#[tsvd::expect_atomic]
fn register_at_once(names: &Names, name: u8, owner: u8) -> bool {
    names.insert_new(name, owner)
}

/// A look that is thrown away when there is another.
#[tsvd::expect_atomic]
fn look_twice(names: &Names) {
    names.contains(1);
    tsvd::revalidated(names);
    names.contains(1);
}

#[test]
fn one_call_that_looks_and_inserts() {
    let model = Model::new()
        .name("regions: one call")
        .property("look and act in one call are atomic")
        .goals(["taken"]);
    shows(model, || {
        beside(
            Names::default(),
            |names| {
                if !register_at_once(names, 1, 1) {
                    tsvd::reachable!("taken");
                }
            },
            |names| {
                register_at_once(names, 1, 2);
            },
        );
    });
}

#[test]
fn a_region_that_looks_anew() {
    let model = Model::new()
        .name("regions: looked anew")
        .property("what was revalidated counts no more");
    shows(model, || {
        beside(Names::default(), look_twice, |names| names.insert(1, 2));
    });
}

#[test]
fn different_keys() {
    let model = Model::new()
        .name("regions: different keys")
        .property("regions over different keys do not meet");
    shows(model, || {
        beside(
            Names::default(),
            |names| assert!(register(names, 1, 1)),
            |names| assert!(register(names, 2, 2)),
        );
    });
}

#[test]
fn a_helper_joined_in_the_region() {
    #[tsvd::expect_atomic]
    fn look_beside_a_helper(names: &Arc<Names>) {
        names.contains(1);
        let helper = {
            let names = Arc::clone(names);
            thread::spawn(move || names.insert(1, 1))
        };
        names.contains(1);
        helper.join().unwrap();
        names.contains(1);
    }
    let model = Model::new()
        .name("regions: helper")
        .property("a thread begun in a region works for it");
    shows(model, || look_beside_a_helper(&Arc::new(Names::default())));
}

#[test]
fn a_write_after_the_last_access() {
    #[tsvd::expect_atomic]
    fn look(names: &Names) {
        names.contains(1);
    }
    let model = Model::new()
        .name("regions: after the last access")
        .property("a region is over with its last access");
    shows(model, || {
        beside(Names::default(), look, |names| names.insert(1, 2));
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    #[test]
    fn check_then_act() {
        rejected(
            "declared::mutants::check_then_act",
            "but `Names::insert` (write) at",
            || {
                let register = |names: &Names| {
                    register(names, 1, 1);
                };
                beside(Names::default(), register, register);
            },
        );
    }

    #[test]
    fn a_write_before_a_strict_end() {
        #[tsvd::expect_atomic(strict)]
        fn look(names: &Names) {
            names.contains(1);
        }
        rejected(
            "declared::mutants::a_write_before_a_strict_end",
            "and its end on",
            || beside(Names::default(), look, |names| names.insert(1, 2)),
        );
    }

    #[test]
    fn a_stranger_beside_a_scope() {
        rejected(
            "declared::mutants::a_stranger_beside_a_scope",
            "the region `scope` at",
            || {
                beside(
                    Names::default(),
                    |names| {
                        let _region = tsvd::scope(names).key(&1_u8).expect_atomic();
                        names.contains(1);
                        names.contains(1);
                    },
                    |names| names.insert(1, 2),
                );
            },
        );
    }
}
