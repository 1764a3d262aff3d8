//! The twin of `duplicate_consumer`: one critical section looks and takes. No report, status 0.

use std::collections::VecDeque;
use std::sync::PoisonError;

use tsvd::sync::RwLock;
use tsvd_examples::{both, work};

const JOBS: u32 = 1_000;

#[tsvd::expect_atomic]
fn take(jobs: &RwLock<VecDeque<u32>>) -> Option<u32> {
    jobs.write()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
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
