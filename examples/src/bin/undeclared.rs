//! Planted: the program of `register` without any annotation; it only has `tsvd::dashmap::DashMap` in place of dashmap's, and
//! `tsvd::sync::RwLock` in place of std's.
//!
//! Nobody has said that looking and inserting belong together, so nothing is a violation and the process ends with status 0; that
//! somebody came in between is listed under suspicions, with the functions that `#[tsvd::expect_atomic]` would make rules of.

use std::collections::HashMap;
use std::sync::PoisonError;

use tsvd::dashmap::DashMap;
use tsvd::sync::RwLock;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

fn register(names: &DashMap<u32, &'static str>, name: u32, owner: &'static str) -> bool {
    if names.contains_key(&name) {
        return false;
    }
    names.insert(name, owner);
    true
}

fn count(counts: &RwLock<HashMap<u32, u32>>, name: u32) {
    let known = counts
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&name)
        .copied();
    let mut counts = counts.write().unwrap_or_else(PoisonError::into_inner);
    counts.insert(name, known.unwrap_or(0) + 1);
}

fn main() {
    tsvd::enable();
    let names = DashMap::new();
    let counts = RwLock::new(HashMap::new());
    let all = |owner| {
        let (names, counts) = (&names, &counts);
        move || {
            for round in 0..ROUNDS {
                work(round);
                register(names, round, owner);
                work(round);
                count(counts, round % 8);
            }
        }
    };
    both(all("left"), all("right"));
    println!("{} names registered", names.len());
}
