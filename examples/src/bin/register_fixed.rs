//! The twin of `register`: one call, `entry`, looks and inserts. No report, status 0.

use tsvd::dashmap::DashMap;
use tsvd::dashmap::mapref::entry::Entry;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn register(names: &DashMap<u32, &'static str>, name: u32, owner: &'static str) -> bool {
    match names.entry(name) {
        Entry::Occupied(_) => false,
        Entry::Vacant(free) => {
            free.insert(owner);
            true
        }
    }
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
