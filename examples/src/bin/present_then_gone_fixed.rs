//! The twin of `present_then_gone`: `get` alone says whether there is an entry. No report, status 0.

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;
const KEYS: u32 = 8;

#[tsvd::expect_atomic]
fn double(sizes: &DashMap<u32, u32>, key: u32) -> u32 {
    sizes.get(&key).map_or(0, |size| 2 * *size)
}

fn main() {
    tsvd::enable();
    let sizes: DashMap<_, _> = (0..KEYS).map(|key| (key, key)).collect();
    both(
        || {
            for round in 0..ROUNDS {
                work(round);
                let key = round % KEYS;
                double(&sizes, key);
                sizes.insert(key, round);
            }
        },
        || {
            for round in 0..ROUNDS {
                let key = work(round) % KEYS;
                sizes.remove(&key);
            }
        },
    );
    println!("{ROUNDS} looks");
}
