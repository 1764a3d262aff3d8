//! Planted: tasks share a memo cache and await between its look-up and its insertion.
//!
//! Two tasks that miss the same key both load it, and one of them inserts while the other is between its own look-up and
//! insertion; on two workers they do so at the very same time. tsvd reports `Memo::get_or_load` against itself (write-write)
//! and the process ends with status 66.

use std::sync::Arc;

use tsvd_examples::memo::Memo;
use tsvd_examples::work;

const ROUNDS: u32 = 1_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    tsvd::enable();
    let memo = Arc::new(Memo::with_capacity(64));
    let tasks = [1, 2].map(|task| {
        let memo = Arc::clone(&memo);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let seed = work(task * round);
                let load = async {
                    tokio::task::yield_now().await;
                    seed
                };
                memo.get_or_load(seed % 64, load).await;
            }
        })
    });
    for task in tasks {
        task.await.expect("a task that does not panic");
    }
    println!("2 tasks, {ROUNDS} look-ups each");
}
