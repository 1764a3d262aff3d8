//! The twin of `cancelled`: the end of the cancelled writer is waited for. No report, status 0.

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
        assert!(
            writer.await.is_err_and(|error| error.is_cancelled()),
            "it never ends by itself"
        );
        journal.append(work(round), yield_now()).await;
    }
    println!("{} of {ROUNDS} entries committed", journal.committed());
}
