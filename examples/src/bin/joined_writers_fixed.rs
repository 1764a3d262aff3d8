//! The twin of `joined_writers`: one append after the other. No report, status 0.

use tokio::task::yield_now;
use tsvd_examples::journal::Journal;
use tsvd_examples::work;

const ROUNDS: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tsvd::enable();
    let journal = Journal::with_capacity(2 * ROUNDS as usize);
    for round in 0..ROUNDS {
        let entry = work(round);
        let debit = journal.append(entry, yield_now());
        let credit = journal.append(entry + 1, yield_now());
        debit.await;
        credit.await;
    }
    println!(
        "{} of {} entries committed",
        journal.committed(),
        2 * ROUNDS
    );
}
