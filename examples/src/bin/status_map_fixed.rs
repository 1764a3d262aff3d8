//! The twin of `status_map`: the map is behind a lock. No report, status 0.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tsvd_examples::status::StatusMap;
use tsvd_examples::work;

const MESSAGES: u32 = 2_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    tsvd::enable();
    let map = Arc::new(Mutex::new(StatusMap::with_capacity(MESSAGES as usize)));
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
            map.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .set(message, status);
        });
    }
    tasks.join_all().await;
    let map = map.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{MESSAGES} messages, {} statuses", map.len());
}
