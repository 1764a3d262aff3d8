//! Planted: two tasks of one thread send frames on one session, and each waits between the parts of a frame.
//!
//! No thread but one, nothing `Sync`, no data race: the frames are torn all the same. tsvd reports `Session::send` against
//! itself (write-write) and the process ends with status 66.

use std::rc::Rc;

use tokio::task::{LocalSet, spawn_local, yield_now};
use tsvd_examples::session::Session;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let session = Rc::new(Session::default());
    let tasks = async {
        let tasks = [1, 2].map(|task| {
            let session = Rc::clone(&session);
            spawn_local(async move {
                for round in 0..ROUNDS {
                    session.send(work(task * round), yield_now()).await;
                }
            })
        });
        for task in tasks {
            task.await.expect("a task that does not panic");
        }
    };
    LocalSet::new().run_until(tasks).await;
    println!("{} frames sent, {} torn", 2 * ROUNDS, session.torn());
}
