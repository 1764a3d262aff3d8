//! Planted: a name is registered if it is not taken yet, in two calls: `contains_key`, then `insert`.
//!
//! Each call is safe, and no two of them ever overlap. Between them another thread takes the same name: both are told that
//! it is theirs. tsvd reports the region `register` (atomicity) and the process ends with status 66.

use tsvd::dashmap::DashMap;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn register(names: &DashMap<u32, &'static str>, name: u32, owner: &'static str) -> bool {
    if names.contains_key(&name) {
        return false;
    }
    names.insert(name, owner);
    true
}

fn main() {
    tsvd::enable();
    let names = DashMap::new();
    let all = |owner| {
        let names = &names;
        move || {
            for round in 0..ROUNDS {
                work(round);
                register(names, round, owner);
            }
        }
    };
    both(all("left"), all("right"));
    println!("{} names registered", names.len());
}
