//! The bank of "A brief introduction to Iris" (Chajed, 2020), with the ghost state of its proof carried along and checked in every run.
//!
//! Two accounts that hold nothing together: `transfer` moves money from one to the other, `check_consistency` locks both and finds
//! that they add up to zero. The proof cannot say so of the balances alone, since between the two writes of a transfer they do not. So each
//! account has a ghost variable beside its balance, and a permission to it in two halves:
//! - the **lock invariant** of an account owns one half, and says that the ghost variable is the balance;
//! - the **bank invariant** owns the other halves, and says that the two variables add up to zero: always, between any two steps.
//!
//! To change a ghost variable takes both halves. A transfer has one of each by holding the locks, and gets the others by opening
//! the bank invariant, for no longer than no step at all: both variables change at one moment, which is the moment at which the
//! transfer happens. The auditor holds both locks and opens the invariant to learn that what it read adds up.
//!
//! Half a permission is enough to read, since the other half cannot change anything alone: fractional permissions (Boyland,
//! "Checking Interference with Fractional Permissions", SAS 2003).
//!
//! [`Proof`] selects the steps. [`Proof::Right`] is the one to use; the others are mutants, each a proof that Iris would not accept,
//! which must be rejected when it runs.

use tsvd::ghost::{Invariant as Shared, Permission};

use crate::invariant::{Broken, Invariant, InvariantMutex};

/// How a transfer changes the ghost state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Both variables, with the bank invariant open and no step in between.
    Right,
    /// Mutant: changes a variable with the lock's half of its permission.
    WithHalf,
    /// Mutant: does not close the bank invariant.
    NeverCloses,
    /// Mutant: puts together halves of the two accounts.
    TwoVariables,
    /// Mutant: takes the second lock while the bank invariant is open.
    AcrossAStep,
    /// Mutant: changes the ghost variable of one account only.
    OneSided,
    /// Mutant: changes no ghost variable.
    Forgotten,
}

/// What the lock of an account protects.
#[derive(Debug)]
struct Account {
    balance: i64,
    /// One half of the permission to the account's ghost variable.
    ghost: Permission<i64>,
}

/// The lock invariant.
#[derive(Debug)]
enum Agrees {}

impl Invariant<Account> for Agrees {
    const SAYS: &'static str = "the balance is that of the ghost variable";

    fn holds(account: &Account) -> bool {
        account.balance == account.ghost.get()
    }
}

/// Two accounts that add up to zero.
#[derive(Debug)]
pub struct GhostBank {
    accounts: [InvariantMutex<Account, Agrees>; 2],
    /// The other halves.
    sum: Shared<[Permission<i64>; 2]>,
}

impl Default for GhostBank {
    fn default() -> Self {
        Self::new()
    }
}

impl GhostBank {
    /// A bank without money.
    pub fn new() -> Self {
        let [one, other] = [0, 0].map(|balance| Permission::new(balance).split());
        let account = |ghost| InvariantMutex::new(Account { balance: 0, ghost });
        Self {
            accounts: [account(one.0), account(other.0)],
            sum: Shared::new("the balances add up to zero", [one.1, other.1], |halves| {
                halves[0].get() + halves[1].get() == 0
            }),
        }
    }

    /// Moves money from the first account to the second.
    ///
    /// # Errors
    ///
    /// [`Broken`], if an earlier transfer has panicked in the middle.
    ///
    /// # Panics
    ///
    /// If `proof` is not right.
    pub fn transfer(&self, amount: i64, proof: Proof) -> Result<(), Broken> {
        let [payer, payee] = &self.accounts;
        payer.section(|payer| {
            let early = (proof == Proof::AcrossAStep).then(|| self.sum.open());
            payee.section(|payee| {
                payer.balance -= amount;
                payee.balance += amount;
                if proof == Proof::Forgotten {
                    return;
                }
                if proof == Proof::WithHalf {
                    payer.ghost.set(payer.balance);
                }
                let mut open = early.unwrap_or_else(|| self.sum.open());
                let [of_payer, of_payee] = &mut *open;
                if proof == Proof::TwoVariables {
                    payer.ghost.update_with(of_payee, payer.balance);
                }
                payer.ghost.update_with(of_payer, payer.balance);
                if proof != Proof::OneSided {
                    payee.ghost.update_with(of_payee, payee.balance);
                }
                if proof != Proof::NeverCloses {
                    open.close();
                }
            })
        })?
    }

    /// The sum of both balances, and what the bank invariant says that it is.
    ///
    /// # Errors
    ///
    /// [`Broken`], if a transfer has panicked in the middle.
    pub fn check_consistency(&self) -> Result<[i64; 2], Broken> {
        let [one, other] = &self.accounts;
        one.section(|one| {
            other.section(|other| {
                let open = self.sum.open();
                let proved = open[0].get() + open[1].get();
                open.close();
                [one.balance + other.balance, proved]
            })
        })?
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stays_zero_while_threads_move_money() {
        let bank = GhostBank::new();
        std::thread::scope(|scope| {
            for amount in [3, -2] {
                let bank = &bank;
                scope.spawn(move || {
                    for _ in 0..200 {
                        assert_eq!(bank.transfer(amount, Proof::Right), Ok(()));
                        assert_eq!(bank.check_consistency(), Ok([0, 0]));
                    }
                });
            }
        });
        let balance = bank.accounts[0].section(|account| account.balance);
        assert_eq!(balance, Ok(-200));
    }
}
