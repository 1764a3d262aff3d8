//! The twin of `dictionary`: the same calls under one lock. No report, status 0.

use std::sync::{Mutex, PoisonError};

use tsvd_examples::dictionary::Dictionary;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let dictionary = Mutex::new(Dictionary::with_capacity(2 * ROUNDS as usize));
    let lock = || dictionary.lock().unwrap_or_else(PoisonError::into_inner);
    both(
        || {
            for round in 0..ROUNDS {
                let value = work(round);
                lock().add(round, value);
            }
        },
        || {
            for round in 0..ROUNDS {
                let key = ROUNDS + work(round) % ROUNDS;
                assert!(!lock().contains(key), "nobody adds this key");
            }
        },
    );
    println!("{ROUNDS} entries added, {ROUNDS} other keys looked up");
}
