//! Planted: a parallel loop whose iterations fill one shared map.
//!
//! tsvd reports `Dictionary::add` against itself (write-write) or against `Dictionary::contains` (read-write) and the process
//! ends with status 66.

use rayon::prelude::*;
use tsvd_examples::dictionary::Dictionary;
use tsvd_examples::work;

const ROUNDS: u32 = 4_000;

fn main() {
    tsvd::enable();
    let cache = Dictionary::with_capacity(ROUNDS as usize);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("two threads");
    pool.install(|| {
        (0..ROUNDS).into_par_iter().for_each(|round| {
            let value = work(round);
            if !cache.contains(round) {
                cache.add(round, value);
            }
        });
    });
    println!("{ROUNDS} entries added");
}
