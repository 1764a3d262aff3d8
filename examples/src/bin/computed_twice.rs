//! Planted: a cache is asked with `get`, the value computed, and stored with `insert`.
//!
//! Two threads that miss the same key compute it both, and the second overwrites what the first has already handed out.
//! tsvd reports the region `get_or_compute` (atomicity) and the process ends with status 66.

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn get_or_compute(cache: &DashMap<u32, u32>, key: u32) -> u32 {
    if let Some(known) = cache.get(&key) {
        return *known;
    }
    let value = work(key);
    cache.insert(key, value);
    value
}

fn main() {
    tsvd::enable();
    let cache = DashMap::new();
    let all = || {
        for round in 0..ROUNDS {
            get_or_compute(&cache, round);
        }
    };
    both(all, all);
    println!("{} values computed", cache.len());
}
