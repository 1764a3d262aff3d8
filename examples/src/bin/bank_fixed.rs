//! The twin of `bank`: the auditor locks all accounts. No report, status 0.

use tsvd_examples::bank::{Bank, Right, Transfer};
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let bank = Bank::<Right>::new(&[1_000, 1_000]);
    both(|| transfer(&bank), || audit(&bank));
    println!("{:?} at the end", bank.books());
}

fn transfer(bank: &Bank<Right>) {
    for round in 0..ROUNDS {
        let (from, to) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        let amount = i64::from(work(round) % 100);
        // Refused or not: the auditor looks at the sum.
        let _outcome = bank.transfer(Transfer { from, to, amount });
    }
}

fn audit(bank: &Bank<Right>) {
    let wrong = (0..ROUNDS).filter(|round| {
        work(*round);
        bank.check_consistency(2_000).is_err()
    });
    println!("{} audits that did not add up", wrong.count());
}
