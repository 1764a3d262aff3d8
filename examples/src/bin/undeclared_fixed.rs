//! The twin of `undeclared`: each function is one step. No suspicion, status 0.

use std::collections::HashMap;
use std::sync::PoisonError;

use tsvd::dashmap::DashMap;
use tsvd::dashmap::mapref::entry::Entry;
use tsvd::sync::RwLock;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

fn register(names: &DashMap<u32, &'static str>, name: u32, owner: &'static str) -> bool {
    match names.entry(name) {
        Entry::Occupied(_) => false,
        Entry::Vacant(free) => {
            free.insert(owner);
            true
        }
    }
}

fn count(counts: &RwLock<HashMap<u32, u32>>, name: u32) {
    let mut counts = counts.write().unwrap_or_else(PoisonError::into_inner);
    *counts.entry(name).or_default() += 1;
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
