//! The twin of `present_then_gone`: `get` alone says whether there is an entry. No report, status 0.

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn double(sizes: &DashMap<u32, u32>, key: u32) -> u32 {
    sizes.get(&key).map_or(0, |size| 2 * *size)
}

fn main() {
    tsvd::enable();
    let sizes: DashMap<_, _> = (0..ROUNDS).map(|key| (key, key)).collect();
    both(
        || {
            for key in 0..ROUNDS {
                work(key);
                double(&sizes, key);
            }
        },
        || {
            for key in 0..ROUNDS {
                work(key);
                sizes.remove(&key);
            }
        },
    );
    println!("{ROUNDS} entries looked at");
}
