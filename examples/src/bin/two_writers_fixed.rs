//! The twin of `two_writers`: a lock is held from load to save. No report, status 0.

use std::sync::{Mutex, PoisonError};

use tsvd_examples::store::Counter;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 200;

#[tsvd::expect_atomic]
fn count(counter: &Counter) -> std::io::Result<()> {
    let before = counter.load();
    counter.save(before + 1)
}

fn main() -> std::io::Result<()> {
    tsvd::enable();
    let path = std::env::temp_dir().join(format!("tsvd-two-writers-fixed-{}", std::process::id()));
    let lock = Mutex::new(());
    let writer = || {
        let counter = Counter::at(&path);
        for round in 0..ROUNDS {
            work(round);
            let _lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
            count(&counter).expect("a folder that can be written");
        }
    };
    both(writer, writer);
    println!("{} of {} counted", Counter::at(&path).load(), 2 * ROUNDS);
    std::fs::remove_file(path)
}
