//! Planted: an auditor that reads the accounts without their locks, while another thread moves money.
//!
//! tsvd reports the auditor's read of a balance against the write of a transfer (read-write) on the cell of an account, and
//! the process ends with status 66.

use tsvd_examples::bank::{Bank, Transfer, UnlockedAudit};
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let bank = Bank::<UnlockedAudit>::new(&[1_000, 1_000]);
    both(|| transfer(&bank), || audit(&bank));
    println!("{:?} at the end", bank.books());
}

fn transfer(bank: &Bank<UnlockedAudit>) {
    for round in 0..ROUNDS {
        let (from, to) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        let amount = i64::from(work(round) % 100);
        // Refused or not: the auditor looks at the sum.
        let _outcome = bank.transfer(Transfer { from, to, amount });
    }
}

fn audit(bank: &Bank<UnlockedAudit>) {
    let wrong = (0..ROUNDS).filter(|round| {
        work(*round);
        bank.check_consistency(2_000).is_err()
    });
    println!("{} audits that did not add up", wrong.count());
}
