//! A bank with a lock per account: transfers are atomic by two-phase locking, and an auditor may look at any time.
//!
//! A transfer takes the locks of both accounts, always the lower number first so that no two transfers wait for each
//! other, and gives none back before it is done. What it means is the function [`Books::transfer`]; a
//! bank's [`Books`] are its abstraction, read with all locks held. So a run of transfers must end in books which
//! *some* order of the functional transfers ends in, and nobody may ever see money missing.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the bank to trust; the others are mutants, each with one
//! of its steps broken, which the loom models must reject.

use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::sync::{Mutex, MutexGuard};

/// The steps in which a bank may be broken.
pub trait Variant {
    /// Whether locks are taken in the order of the accounts' numbers.
    const ORDERED: bool = true;
    /// Whether the first lock is held until the transfer is done.
    const TWO_PHASE: bool = true;
    /// Whether the auditor locks the accounts it reads.
    const AUDITOR_LOCKS: bool = true;
    /// Whether a deposit reads and writes the balance under one lock.
    const ONE_DEPOSIT: bool = true;
    /// Whether the funds are checked by who withdraws them, with the lock held.
    const FUNDS_CHECKED_INSIDE: bool = true;
}

/// The bank as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: locks the paying account first, whichever it is.
#[derive(Debug)]
pub enum OppositeOrder {}
impl Variant for OppositeOrder {
    const ORDERED: bool = false;
}

/// Mutant: gives the paying account's lock back before the money has arrived.
#[derive(Debug)]
pub enum ReleasedEarly {}
impl Variant for ReleasedEarly {
    const TWO_PHASE: bool = false;
}

/// Mutant: the auditor reads without locks.
#[derive(Debug)]
pub enum UnlockedAudit {}
impl Variant for UnlockedAudit {
    const AUDITOR_LOCKS: bool = false;
}

/// Mutant: the new balance of the receiving account is worked out from one that was read under an earlier lock.
#[derive(Debug)]
pub enum LostUpdate {}
impl Variant for LostUpdate {
    const ONE_DEPOSIT: bool = false;
}

/// Mutant: looks whether there is enough, gives the lock back, and then withdraws.
#[derive(Debug)]
pub enum CheckedOutside {}
impl Variant for CheckedOutside {
    const FUNDS_CHECKED_INSIDE: bool = false;
}

/// An order to move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// The paying account.
    pub from: usize,
    /// The receiving account.
    pub to: usize,
    /// How much.
    pub amount: i64,
}

/// There was less in the account than was to be paid; nothing was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InsufficientFunds;

/// Balances by account: the state of a bank as mathematics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Books(pub Vec<i64>);

impl Books {
    /// What a transfer means: the books after it, and whether there were funds.
    pub fn transfer(&self, transfer: Transfer) -> (Self, Result<(), InsufficientFunds>) {
        let Transfer { from, to, amount } = transfer;
        let mut after = self.clone();
        if after.0[from] < amount {
            return (after, Err(InsufficientFunds));
        }
        after.0[from] -= amount;
        after.0[to] += amount;
        (after, Ok(()))
    }

    /// All the money there is.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }
}

/// Accounts that many threads use.
#[derive(Debug)]
pub struct Bank<V: Variant = Right> {
    accounts: Vec<Account>,
    variant: PhantomData<fn() -> V>,
}

#[derive(Debug)]
struct Account {
    lock: Mutex<()>,
    balance: UnsafeCell<i64>,
}

// SAFETY: the balance is accessed with the lock held. (One mutant does not, which is what loom is to find.)
unsafe impl Sync for Account {}

impl Account {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().expect("no holder of the lock panics")
    }

    #[cfg_attr(not(loom), track_caller)]
    fn balance(&self) -> i64 {
        // SAFETY: callers hold the lock, so nobody writes.
        self.balance.with(|balance| unsafe { *balance })
    }

    #[cfg_attr(not(loom), track_caller)]
    fn set_balance(&self, to: i64) {
        // SAFETY: callers hold the lock, so this is the only access.
        self.balance.with_mut(|balance| unsafe { *balance = to });
    }
}

impl<V: Variant> Bank<V> {
    /// Opens an account for each balance.
    pub fn new(balances: &[i64]) -> Self {
        let account = |balance: &i64| Account {
            lock: Mutex::new(()),
            balance: UnsafeCell::new(*balance),
        };
        Self {
            accounts: balances.iter().map(account).collect(),
            variant: PhantomData,
        }
    }

    /// Moves money between two different accounts, or nothing at all.
    ///
    /// # Errors
    ///
    /// [`InsufficientFunds`] if the paying account has less than the amount.
    ///
    /// # Panics
    ///
    /// If there is no such account, or both are the same.
    pub fn transfer(&self, transfer: Transfer) -> Result<(), InsufficientFunds> {
        let Transfer { from, to, amount } = transfer;
        assert_ne!(from, to, "a transfer needs two accounts");
        let (payer, payee) = (&self.accounts[from], &self.accounts[to]);
        if !V::FUNDS_CHECKED_INSIDE {
            let _checking = payer.lock();
            if payer.balance() < amount {
                return Err(InsufficientFunds);
            }
        }
        if !V::TWO_PHASE {
            return Self::transfer_in_two_halves(payer, payee, amount);
        }
        let stale = if V::ONE_DEPOSIT {
            None
        } else {
            let _reading = payee.lock();
            Some(payee.balance())
        };
        let payer_first = !V::ORDERED || from < to;
        let (first, second) = if payer_first {
            (payer, payee)
        } else {
            (payee, payer)
        };
        let _first = first.lock();
        let _second = second.lock();
        if V::FUNDS_CHECKED_INSIDE && payer.balance() < amount {
            return Err(InsufficientFunds);
        }
        payer.set_balance(payer.balance() - amount);
        payee.set_balance(stale.unwrap_or_else(|| payee.balance()) + amount);
        Ok(())
    }

    /// The mutant that has no second phase.
    fn transfer_in_two_halves(
        payer: &Account,
        payee: &Account,
        amount: i64,
    ) -> Result<(), InsufficientFunds> {
        {
            let _payer = payer.lock();
            if payer.balance() < amount {
                return Err(InsufficientFunds);
            }
            payer.set_balance(payer.balance() - amount);
        }
        let _payee = payee.lock();
        payee.set_balance(payee.balance() + amount);
        Ok(())
    }

    /// The abstraction: all balances at one moment.
    pub fn books(&self) -> Books {
        let _locks: Vec<_> = if V::AUDITOR_LOCKS {
            self.accounts.iter().map(Account::lock).collect()
        } else {
            Vec::new()
        };
        Books(
            self.accounts
                .iter()
                .map(|account| account.balance())
                .collect(),
        )
    }

    /// What the auditor wants to know: that the money is all there, and no account is overdrawn.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn check_consistency(&self, total: i64) -> Result<(), String> {
        let books = self.books();
        if books.total() != total {
            return Err(format!(
                "the auditor finds {} instead of {total} in {books:?}",
                books.total()
            ));
        }
        if books.0.iter().any(|balance| *balance < 0) {
            return Err(format!(
                "the auditor finds an overdrawn account in {books:?}"
            ));
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_does_what_it_means() {
        let bank = Bank::<Right>::new(&[50, 50]);
        for (from, to, amount) in [(0, 1, 60), (1, 0, 20), (0, 1, 60), (1, 0, 0)] {
            let transfer = Transfer { from, to, amount };
            let (expected, outcome) = bank.books().transfer(transfer);
            assert_eq!(bank.transfer(transfer), outcome);
            assert_eq!(bank.books(), expected);
        }
        assert_eq!(bank.books(), Books(vec![10, 90]));
    }

    #[test]
    fn the_auditor_sees_what_is_wrong() {
        assert_eq!(Bank::<Right>::new(&[50, 50]).check_consistency(100), Ok(()));
        let missing = Bank::<Right>::new(&[50, 40])
            .check_consistency(100)
            .unwrap_err();
        assert_eq!(
            missing,
            "the auditor finds 90 instead of 100 in Books([50, 40])"
        );
        let overdrawn = Bank::<Right>::new(&[-10, 110])
            .check_consistency(100)
            .unwrap_err();
        assert_eq!(
            overdrawn,
            "the auditor finds an overdrawn account in Books([-10, 110])"
        );
    }

    #[test]
    fn the_money_stays_while_threads_move_it() {
        let bank = Bank::<Right>::new(&[100, 100, 100]);
        std::thread::scope(|scope| {
            for from in 0..3 {
                let bank = &bank;
                scope.spawn(move || {
                    for amount in 0..500 {
                        let to = (from + 1 + usize::from(amount % 2 == 0)) % 3;
                        // Refused or not, the sum is what counts.
                        let _outcome = bank.transfer(Transfer {
                            from,
                            to,
                            amount: amount % 40,
                        });
                    }
                });
            }
            for _ in 0..500 {
                assert_eq!(bank.check_consistency(300), Ok(()));
            }
        });
        assert_eq!(bank.check_consistency(300), Ok(()));
    }
}
