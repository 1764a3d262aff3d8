//! Planted: a name is registered if it is not taken yet, in two calls: `contains_key`, then `insert`.
//!
//! Each call is safe, and no two of them ever overlap. Between them another thread takes the same name: both are told that
//! it is theirs. tsvd reports the region `register` (atomicity) and the process ends with status 66.

use tsvd_examples::names::{LookThenInsert, Names, register};
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

fn main() {
    tsvd::enable();
    let names = Names::new();
    let all = |owner| {
        let names = &names;
        move || {
            for round in 0..ROUNDS {
                work(round);
                register::<LookThenInsert>(names, round, owner);
            }
        }
    };
    both(all("left"), all("right"));
    println!("{} names registered", names.len());
}
