//! The twin of `parallel_for`: looking and adding are one critical section. No report, status 0.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use tsvd_examples::dictionary::Dictionary;
use tsvd_examples::work;

const ROUNDS: u32 = 4_000;

fn main() {
    tsvd::enable();
    let cache = Mutex::new(Dictionary::with_capacity(ROUNDS as usize));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("two threads");
    pool.install(|| {
        (0..ROUNDS).into_par_iter().for_each(|round| {
            let value = work(round);
            let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if !cache.contains(round) {
                cache.add(round, value);
            }
        });
    });
    println!("{ROUNDS} entries added");
}
