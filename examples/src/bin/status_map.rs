//! Planted: a task for each message, all of them setting a status in one map.
//!
//! Messages of different jobs are handled by different workers at once, and nothing orders their calls. tsvd reports
//! `StatusMap::set` against itself (write-write) and the process ends with status 66.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tsvd_examples::status::StatusMap;
use tsvd_examples::work;

const MESSAGES: u32 = 2_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    tsvd::enable();
    let map = Arc::new(StatusMap::with_capacity(MESSAGES as usize));
    let (sender, mut messages) = mpsc::channel(16);
    tokio::spawn(async move {
        for message in 0..MESSAGES {
            sender.send(message).await.expect("somebody who receives");
        }
    });
    let mut tasks = JoinSet::new();
    while let Some(message) = messages.recv().await {
        let map = Arc::clone(&map);
        tasks.spawn(async move {
            let status = work(message);
            map.set(message, status);
        });
    }
    tasks.join_all().await;
    println!("{MESSAGES} messages, {} statuses", map.len());
}
