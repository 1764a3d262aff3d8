//! Planted: a writer is cancelled, and the next one begins without waiting for its end.
//!
//! `abort` only asks: the task still holds its half-written entry until the runtime drops it, some time later. tsvd reports
//! `Journal::append` against itself (write-write) and the process ends with status 66.

use std::sync::Arc;

use tokio::task::yield_now;
use tsvd_examples::journal::Journal;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let journal = Arc::new(Journal::with_capacity(2 * ROUNDS as usize));
    for round in 0..ROUNDS {
        let slow = Arc::clone(&journal);
        let writer = tokio::spawn(async move {
            slow.append(work(round), std::future::pending()).await;
        });
        // Until it has begun.
        yield_now().await;
        writer.abort();
        journal.append(work(round), yield_now()).await;
    }
    println!("{} of {ROUNDS} entries committed", journal.committed());
}
