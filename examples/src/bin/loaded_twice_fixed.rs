//! The twin of `loaded_twice`: what was loaded is stored only where there is still nothing. No report, status 0.

use std::sync::Arc;

use tokio::task::yield_now;
use tsvd::dashmap::DashMap;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tsvd::expect_atomic]
async fn session(sessions: &DashMap<u32, u32>, user: u32) -> u32 {
    if let Some(session) = sessions.get(&user) {
        return *session;
    }
    yield_now().await;
    let session = work(user);
    *sessions.entry(user).or_insert(session)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let sessions = Arc::new(DashMap::new());
    let tasks = [1, 2].map(|_| {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move {
            for user in 0..ROUNDS {
                session(&sessions, user).await;
            }
        })
    });
    for task in tasks {
        task.await.expect("a task that does not panic");
    }
    println!("{} sessions", sessions.len());
}
