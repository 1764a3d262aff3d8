//! The twin of `refreshed_twice`: looked for and stored under one guard. No report, status 0.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::yield_now;
use tsvd::tokio::sync::RwLock;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tsvd::expect_atomic]
async fn token(tokens: &RwLock<HashMap<u32, u32>>, user: u32) -> u32 {
    let mut tokens = tokens.write().await;
    if let Some(token) = tokens.get(&user) {
        return *token;
    }
    let token = work(user);
    tokens.insert(user, token);
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
