//! Planted: a consumer looks at the next job under a read lock, and takes it off under a write lock.
//!
//! Between the two locks another consumer takes the same job: it is done twice, and the one behind it is lost. tsvd reports the
//! region `take` (atomicity) and the process ends with status 66.

use std::collections::VecDeque;
use std::sync::PoisonError;

use tsvd::sync::RwLock;
use tsvd_examples::{both, work};

const JOBS: u32 = 1_000;

#[tsvd::expect_atomic]
fn take(jobs: &RwLock<VecDeque<u32>>) -> Option<u32> {
    let next = jobs
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .front()
        .copied()?;
    jobs.write()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front();
    Some(next)
}

fn main() {
    tsvd::enable();
    let jobs = RwLock::new((0..JOBS).collect());
    let consume = || {
        while let Some(job) = take(&jobs) {
            work(job);
        }
    };
    both(consume, consume);
    println!("{JOBS} jobs done");
}
