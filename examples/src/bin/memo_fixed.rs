//! The twin of `memo`: an async mutex is held over the await. No report, status 0.

use std::sync::Arc;

use tokio::sync::Mutex;
use tsvd_examples::memo::Memo;
use tsvd_examples::work;

const ROUNDS: u32 = 1_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    tsvd::enable();
    let memo = Arc::new(Mutex::new(Memo::with_capacity(64)));
    let tasks = [1, 2].map(|task| {
        let memo = Arc::clone(&memo);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let seed = work(task * round);
                let load = async {
                    tokio::task::yield_now().await;
                    seed
                };
                memo.lock().await.get_or_load(seed % 64, load).await;
            }
        })
    });
    for task in tasks {
        task.await.expect("a task that does not panic");
    }
    println!("2 tasks, {ROUNDS} look-ups each");
}
