//! Planted: one thread adds to a dictionary, another looks up *other* keys, and nothing orders them.
//!
//! Different keys do not help: adding may move every entry. Run plainly, the two calls hardly ever meet; tsvd reports
//! `Dictionary::add` against `Dictionary::contains` (read-write) and the process ends with status 66.

use tsvd_examples::dictionary::Dictionary;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let dictionary = Dictionary::with_capacity(2 * ROUNDS as usize);
    both(
        || {
            for round in 0..ROUNDS {
                dictionary.add(round, work(round));
            }
        },
        || {
            for round in 0..ROUNDS {
                let key = ROUNDS + work(round) % ROUNDS;
                assert!(!dictionary.contains(key), "nobody adds this key");
            }
        },
    );
    println!("{ROUNDS} entries added, {ROUNDS} other keys looked up");
}
