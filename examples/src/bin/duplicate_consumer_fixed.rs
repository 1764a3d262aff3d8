//! The twin of `duplicate_consumer`: one critical section looks and takes. No report, status 0.

use tsvd::sync::RwLock;
use tsvd_examples::jobs::{OneSection, take};
use tsvd_examples::{both, work};

const JOBS: u32 = 1_000;

fn main() {
    tsvd::enable();
    let jobs = RwLock::new((0..JOBS).collect());
    let consume = || {
        while let Some(job) = take::<OneSection>(&jobs) {
            work(job);
        }
    };
    both(consume, consume);
    println!("{JOBS} jobs done");
}
