//! The twin of `computed_twice`: `entry` computes a missing value while nobody else can. No report, status 0.

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn get_or_compute(cache: &DashMap<u32, u32>, key: u32) -> u32 {
    *cache.entry(key).or_insert_with(|| work(key))
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
