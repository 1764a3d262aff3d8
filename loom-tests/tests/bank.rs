//! The bank of `examples/src/bank.rs`: two accounts, two transfers on threads of their own, the main thread as auditor;
//! every interleaving, no bound.
//!
//! Proved of `Right`, by two-phase locking (a transaction that takes all its locks before it gives one back can be thought of as one
//! step at the moment it holds them all):
//! - the auditor finds all the money and no overdrawn account, whenever it looks;
//! - the final books and both outcomes are those of one of the two orders of the functional transfers, and each order
//!   does happen, with another end;
//! - no execution deadlocks.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::bank::{Bank, Books, InsufficientFunds, Right, Transfer, Variant};
use tsvd_loom_tests::holds;

/// How a run of two transfers ended.
type End = (Books, [Result<(), InsufficientFunds>; 2]);

/// Two transfers that need each other's money: which one comes first decides what happens.
const OPPOSITE: [Transfer; 2] = [
    Transfer {
        from: 0,
        to: 1,
        amount: 60,
    },
    Transfer {
        from: 1,
        to: 0,
        amount: 20,
    },
];
/// Two transfers that the account can pay only once.
const COMPETING: [Transfer; 2] = [
    Transfer {
        from: 0,
        to: 1,
        amount: 60,
    },
    Transfer {
        from: 0,
        to: 1,
        amount: 50,
    },
];

fn functional(start: &Books, transfers: [Transfer; 2], first: usize) -> End {
    let mut outcomes = [Ok(()); 2];
    let mut books = start.clone();
    for index in [first, 1 - first] {
        (books, outcomes[index]) = books.transfer(transfers[index]);
    }
    (books, outcomes)
}

fn two_transfers_and_auditor<V: Variant + 'static>(
    balances: [i64; 2],
    transfers: [Transfer; 2],
) -> End {
    let bank = Arc::new(Bank::<V>::new(&balances));
    let start = bank.books();
    let threads = transfers.map(|transfer| {
        let bank = Arc::clone(&bank);
        thread::spawn(move || bank.transfer(transfer))
    });
    audit(&bank, &start);
    let outcomes = threads.map(|thread| thread.join().unwrap());
    audit(&bank, &start);
    let end = (bank.books(), outcomes);
    let serial = [0, 1].map(|first| functional(&start, transfers, first));
    assert!(
        serial.contains(&end),
        "not atomic: {end:?} is neither of {serial:?}"
    );
    end
}

fn audit<V: Variant>(bank: &Bank<V>, start: &Books) {
    if let Err(complaint) = bank.check_consistency(start.total()) {
        panic!("{complaint}");
    }
}

/// Checks the bank over all executions, and that its transfers were really seen in both orders.
fn serialisable(name: &str, balances: [i64; 2], transfers: [Transfer; 2]) {
    static ENDS: Mutex<Option<HashSet<End>>> = Mutex::new(None);
    let turn = one_at_a_time();
    let ends = || ENDS.lock().unwrap_or_else(PoisonError::into_inner);
    *ends() = Some(HashSet::new());
    holds(name, move || {
        let end = two_transfers_and_auditor::<Right>(balances, transfers);
        ENDS.lock().unwrap().as_mut().unwrap().insert(end);
    });
    let seen = ends().take().unwrap();
    let serial = [0, 1].map(|first| functional(&Books(balances.to_vec()), transfers, first));
    assert_ne!(
        serial[0], serial[1],
        "the orders must differ for atomicity to mean something"
    );
    if cfg!(loom) {
        assert_eq!(
            seen,
            HashSet::from(serial),
            "each order must have been seen"
        );
    }
    drop(turn);
}

fn one_at_a_time() -> std::sync::MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn opposite_transfers_are_atomic_and_keep_the_money() {
    serialisable("bank: opposite transfers, auditor", [50, 50], OPPOSITE);
}

#[test]
fn competing_transfers_do_not_overdraw() {
    serialisable("bank: competing transfers, auditor", [100, 0], COMPETING);
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::bank::{
        CheckedOutside, LostUpdate, OppositeOrder, ReleasedEarly, UnlockedAudit,
    };
    use tsvd_loom_tests::rejected;

    fn opposite<V: Variant + 'static>() {
        let _end = two_transfers_and_auditor::<V>([50, 50], OPPOSITE);
    }

    fn competing<V: Variant + 'static>() {
        let _end = two_transfers_and_auditor::<V>([100, 0], COMPETING);
    }

    #[test]
    fn opposite_lock_order() {
        rejected(
            "mutants::opposite_lock_order",
            "deadlock; threads",
            opposite::<OppositeOrder>,
        );
    }

    #[test]
    fn first_lock_released_early() {
        rejected(
            "mutants::first_lock_released_early",
            "the auditor finds 40 instead of 100",
            competing::<ReleasedEarly>,
        );
    }

    #[test]
    fn unlocked_auditor() {
        rejected(
            "mutants::unlocked_auditor",
            "Causality violation: Concurrent",
            opposite::<UnlockedAudit>,
        );
    }

    #[test]
    fn lost_update() {
        rejected(
            "mutants::lost_update",
            "instead of 100",
            opposite::<LostUpdate>,
        );
    }

    #[test]
    fn funds_checked_outside() {
        rejected(
            "mutants::funds_checked_outside",
            "overdrawn account",
            competing::<CheckedOutside>,
        );
    }
}
