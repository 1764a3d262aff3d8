//! Planted: a consumer looks at the next job under a read lock, and takes it off under a write lock.
//!
//! Between the two locks another consumer takes the same job: it is done twice, and the one behind it is lost. tsvd reports the
//! region `take` (atomicity) and the process ends with status 66.

use tsvd::sync::RwLock;
use tsvd_examples::jobs::{LookThenTake, take};
use tsvd_examples::{both, work};

const JOBS: u32 = 1_000;

fn main() {
    tsvd::enable();
    let jobs = RwLock::new((0..JOBS).collect());
    let consume = || {
        while let Some(job) = take::<LookThenTake>(&jobs) {
            work(job);
        }
    };
    both(consume, consume);
    println!("{JOBS} jobs done");
}
