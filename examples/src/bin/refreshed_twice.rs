//! Planted: a task looks for a user's token under a read lock, and stores a new one under a write lock.
//!
//! Nothing is awaited in between but the lock, which is free; and yet another task of the same thread may come there: two tokens for one
//! user, and the first is lost. tsvd delays the future that asks for the write lock, so that the other task is polled, reports the
//! region `token` (atomicity), and the process ends with status 66.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::yield_now;
use tsvd::tokio::sync::RwLock;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tsvd::expect_atomic]
async fn token(tokens: &RwLock<HashMap<u32, u32>>, user: u32) -> u32 {
    if let Some(token) = tokens.read().await.get(&user) {
        return *token;
    }
    let token = work(user);
    tokens.write().await.insert(user, token);
    token
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let tokens = Arc::new(RwLock::new(HashMap::new()));
    let tasks = [1, 2].map(|_| {
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move {
            for user in 0..ROUNDS {
                token(&tokens, user).await;
                yield_now().await;
            }
        })
    });
    for task in tasks {
        task.await.expect("a task that does not panic");
    }
    println!("{} tokens", tokens.read().await.len());
}
