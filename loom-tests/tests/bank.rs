//! The bank of `examples/src/bank.rs`; the main thread is the auditor, each transfer has a thread of its own.
//!
//! | accounts | transfers | bound |
//! |---|---|---|
//! | two | two, opposite or competing | none |
//! | three | three, in a circle | none |
//! | three | four | two preemptions |
//!
//! Proved of `Right`, by two-phase locking (Eswaran, Gray, Lorie, Traiger, "The Notions of Consistency and Predicate Locks in a Database
//! System", CACM 1976: a transaction that takes all its locks before it gives one back can be thought of as one step, at a moment at which it
//! holds them all):
//! - the auditor finds all the money and no overdrawn account, whenever it looks;
//! - the final books and all outcomes are those of *some* order of the functional transfers: the bank refines its books by the
//!   abstraction function `Bank::books` (Abadi and Lamport, "The Existence of Refinement Mappings", TCS 1991, from Hoare 1972);
//! - the orders really differ: the unbounded models reach each end that some order has;
//! - no execution deadlocks.
//!
//! The books are read under all locks, so what is compared is loom's own state and no plain variable beside it. Loom's locks are fair
//! to nobody and never poisoned; a transfer that panics half-way is not modelled.

use std::collections::HashSet;
use std::sync::Mutex;

use tsvd::model::Model;
use tsvd::sync::Arc;
use tsvd::thread;
use tsvd_examples::bank::{Bank, Books, InsufficientFunds, Right, Transfer, Variant};
use tsvd_loom_tests::{shows, shows_within};

/// How a run of transfers ended.
type End = (Books, Vec<Result<(), InsufficientFunds>>);

/// What is to be moved, and where the money is at first.
#[derive(Clone, Copy)]
struct Orders {
    balances: &'static [i64],
    transfers: &'static [Transfer],
}

const fn transfer(from: usize, to: usize, amount: i64) -> Transfer {
    Transfer { from, to, amount }
}

/// Two transfers that need each other's money: which one comes first decides what happens.
const OPPOSITE: Orders = Orders {
    balances: &[50, 50],
    transfers: &[transfer(0, 1, 60), transfer(1, 0, 20)],
};

/// Two transfers that the account can pay only once.
const COMPETING: Orders = Orders {
    balances: &[100, 0],
    transfers: &[transfer(0, 1, 60), transfer(0, 1, 50)],
};

/// Three transfers of which each needs the money of the one before it.
const CIRCLE: Orders = Orders {
    balances: &[50, 10, 10],
    transfers: &[transfer(0, 1, 50), transfer(1, 2, 40), transfer(2, 0, 30)],
};

/// The same, and one more across.
const CIRCLE_AND_ACROSS: Orders = Orders {
    balances: CIRCLE.balances,
    transfers: &[
        CIRCLE.transfers[0],
        CIRCLE.transfers[1],
        CIRCLE.transfers[2],
        transfer(0, 2, 20),
    ],
};

fn model(name: &str) -> Model {
    Model::new()
        .name(name)
        .property("the money stays, transfers are atomic, no deadlock")
}

impl Orders {
    /// The ends of the functional transfers, in every order.
    fn serial_ends(self) -> HashSet<End> {
        let start = Books(self.balances.to_vec());
        let undecided = vec![None; self.transfers.len()];
        let mut ends = HashSet::new();
        self.carry_on(start, undecided, &mut ends);
        ends
    }

    fn carry_on(
        self,
        books: Books,
        outcomes: Vec<Option<Result<(), InsufficientFunds>>>,
        ends: &mut HashSet<End>,
    ) {
        if let Some(outcomes) = outcomes.iter().copied().collect() {
            ends.insert((books, outcomes));
            return;
        }
        for (next, transfer) in self.transfers.iter().enumerate() {
            if outcomes[next].is_none() {
                let (books, outcome) = books.transfer(*transfer);
                let mut outcomes = outcomes.clone();
                outcomes[next] = Some(outcome);
                self.carry_on(books, outcomes, ends);
            }
        }
    }

    /// All transfers at once, and the auditor.
    fn run<V: Variant + 'static>(self) -> End {
        let bank = Arc::new(Bank::<V>::new(self.balances));
        let total = self.balances.iter().sum();
        let threads: Vec<_> = self
            .transfers
            .iter()
            .copied()
            .map(|transfer| {
                let bank = Arc::clone(&bank);
                thread::spawn(move || bank.transfer(transfer))
            })
            .collect();
        audit(&bank, total);
        let outcomes = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        audit(&bank, total);
        (bank.books(), outcomes)
    }

    /// The body of a model: each end must be that of some order. Returns the ends that were seen.
    fn serialisable(self, check: impl FnOnce(Body)) -> HashSet<End> {
        let serial = self.serial_ends();
        let seen = std::sync::Arc::new(Mutex::new(HashSet::new()));
        let ends = std::sync::Arc::clone(&seen);
        check(Box::new(move || {
            let end = self.run::<Right>();
            assert!(
                serial.contains(&end),
                "not atomic: {end:?} is none of {serial:?}"
            );
            ends.lock().unwrap().insert(end);
        }));
        std::mem::take(&mut *seen.lock().unwrap())
    }

    /// Checks the bank over all executions, and that each end was seen which some order has.
    fn all_orders(self, name: &str) {
        let serial = self.serial_ends();
        assert!(
            serial.len() > 1,
            "the orders must differ for atomicity to mean something"
        );
        let seen = self.serialisable(|body| {
            shows(model(name), body);
        });
        if cfg!(loom) {
            assert_eq!(seen, serial, "each order must have been seen");
        }
    }
}

type Body = Box<dyn Fn() + Send + Sync>;

fn audit<V: Variant>(bank: &Bank<V>, total: i64) {
    if let Err(complaint) = bank.check_consistency(total) {
        panic!("{complaint}");
    }
}

#[test]
fn opposite_transfers_are_atomic_and_keep_the_money() {
    OPPOSITE.all_orders("bank: opposite transfers, auditor");
}

#[test]
fn competing_transfers_do_not_overdraw() {
    COMPETING.all_orders("bank: competing transfers, auditor");
}

#[test]
fn transfers_in_a_circle_are_atomic_and_keep_the_money() {
    CIRCLE.all_orders("bank: three accounts, three transfers, auditor");
}

#[test]
fn four_transfers_are_atomic_and_keep_the_money() {
    let seen = CIRCLE_AND_ACROSS.serialisable(|body| {
        shows_within(
            2,
            model("bank: three accounts, four transfers, auditor"),
            body,
        );
    });
    assert!(seen.len() > 1 || !cfg!(loom), "the orders must differ");
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_examples::bank::{
        CheckedOutside, LostUpdate, OppositeOrder, ReleasedEarly, UnlockedAudit,
    };
    use tsvd_loom_tests::{fails, rejected};

    fn opposite<V: Variant + 'static>() {
        let _end = OPPOSITE.run::<V>();
    }

    fn competing<V: Variant + 'static>() {
        let _end = COMPETING.run::<V>();
    }

    /// Within the bound of the model that they are mutants of.
    fn three_accounts_rejected<V: Variant + 'static>(test: &str, message: &str) {
        fails(test, &[], message, || {
            let model = Model::new().name(test).preemption_bound(2);
            model.accept_preemption_bound().check(|| {
                let _end = CIRCLE_AND_ACROSS.run::<V>();
            })
        });
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

    #[test]
    fn three_accounts_opposite_lock_order() {
        three_accounts_rejected::<OppositeOrder>(
            "mutants::three_accounts_opposite_lock_order",
            "deadlock; threads",
        );
    }

    #[test]
    fn three_accounts_first_lock_released_early() {
        three_accounts_rejected::<ReleasedEarly>(
            "mutants::three_accounts_first_lock_released_early",
            "instead of 70",
        );
    }

    #[test]
    fn three_accounts_unlocked_auditor() {
        three_accounts_rejected::<UnlockedAudit>(
            "mutants::three_accounts_unlocked_auditor",
            "Causality violation: Concurrent",
        );
    }

    #[test]
    fn three_accounts_lost_update() {
        three_accounts_rejected::<LostUpdate>(
            "mutants::three_accounts_lost_update",
            "instead of 70",
        );
    }

    #[test]
    fn three_accounts_funds_checked_outside() {
        three_accounts_rejected::<CheckedOutside>(
            "mutants::three_accounts_funds_checked_outside",
            "overdrawn account",
        );
    }
}
