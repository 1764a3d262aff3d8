//! Planted: a task looks for a session, awaits its loading, and stores it.
//!
//! Meanwhile another task of the same thread does the same: two sessions for one user, and the first is lost. tsvd reports the
//! region `session` (atomicity) and the process ends with status 66.

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
    sessions.insert(user, session);
    session
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
