//! Planted: `join!` lets two appends to one journal go on together.
//!
//! It looks as harmless as one after the other, and both run on one thread; the second begins while the first waits. tsvd
//! reports `Journal::append` against itself (write-write) and the process ends with status 66.

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
        tokio::join!(debit, credit);
    }
    println!(
        "{} of {} entries committed",
        journal.committed(),
        2 * ROUNDS
    );
}
