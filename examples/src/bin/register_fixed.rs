//! The twin of `register`: one call, `entry`, looks and inserts. No report, status 0.

use tsvd_examples::names::{Entry, Names, register};
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
                register::<Entry>(names, round, owner);
            }
        }
    };
    both(all("left"), all("right"));
    println!("{} names registered", names.len());
}
