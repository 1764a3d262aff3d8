//! Planted: `contains_key`, then `get().unwrap()`, while another thread removes entries.
//!
//! The `unwrap` is "safe, we have just looked", and panics once in a while. tsvd reports the region `double` (atomicity) before
//! it does, and the process ends with status 66.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;
const KEYS: u32 = 8;

#[tsvd::expect_atomic]
fn double(sizes: &DashMap<u32, u32>, key: u32) -> u32 {
    if sizes.contains_key(&key) {
        return 2 * *sizes.get(&key).unwrap();
    }
    0
}

fn main() {
    tsvd::enable();
    let sizes: DashMap<_, _> = (0..KEYS).map(|key| (key, key)).collect();
    std::panic::set_hook(Box::new(|_| ()));
    let mut gone = 0;
    both(
        || {
            for round in 0..ROUNDS {
                work(round);
                let key = round % KEYS;
                let doubled = catch_unwind(AssertUnwindSafe(|| double(&sizes, key)));
                gone += u32::from(doubled.is_err());
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
    println!("{ROUNDS} looks, {gone} entries were gone");
}
