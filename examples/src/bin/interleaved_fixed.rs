//! The twin of `interleaved`: a frame is sent under an async mutex. No report, status 0.

use std::rc::Rc;

use tokio::sync::Mutex;
use tokio::task::{LocalSet, spawn_local, yield_now};
use tsvd_examples::session::Session;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let session = Rc::new(Mutex::new(Session::default()));
    let tasks = async {
        let tasks = [1, 2].map(|task| {
            let session = Rc::clone(&session);
            spawn_local(async move {
                for round in 0..ROUNDS {
                    session
                        .lock()
                        .await
                        .send(work(task * round), yield_now())
                        .await;
                }
            })
        });
        for task in tasks {
            task.await.expect("a task that does not panic");
        }
    };
    LocalSet::new().run_until(tasks).await;
    println!(
        "{} frames sent, {} torn",
        2 * ROUNDS,
        session.lock().await.torn()
    );
}
