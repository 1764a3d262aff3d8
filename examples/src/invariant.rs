//! A mutex with a lock invariant: whoever gets the lock may rely on a sentence about the value, and owes it when giving the lock back.
//!
//! This is the rule of concurrent separation logic (O'Hearn, "Resources, Concurrency, and Local Reasoning", TCS 2007, from Hoare 1972), as
//! Iris has it for locks (Birkedal and Bizjak, "Lecture Notes on Iris", on the spin lock): `acquire` gives the
//! invariant, `release` takes it. In between the owner may break it. Here the sentence is a function that is evaluated at both ends.
//!
//! A critical section is a closure, so nobody can leak the lock. If it panics the lock is given back as well: where it
//! leaves the invariant whole, nothing has happened; if not, nobody gets the value any more, the lock is [`Broken`].
//!
//! [`Variant`] selects the steps of the mutex and [`Section`] those of who uses it. [`Right`] and [`Section::Whole`] are the ones to use;
//! the others are mutants, which the loom models must reject.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tsvd::cell::UnsafeCell;
use tsvd::sync::{Mutex, PoisonError};

/// A sentence about values of a type.
pub trait Invariant<T> {
    /// The sentence.
    const SAYS: &'static str;

    /// Whether it is true.
    fn holds(value: &T) -> bool;
}

/// The steps in which a mutex may be broken.
pub trait Variant {
    /// Whether the invariant is demanded at release.
    const DEMANDS: bool = true;
    /// Whether a section that panicked and left the invariant broken keeps the value from all others.
    const KEEPS_BACK: bool = true;
    /// Whether the lock is given back after a panic.
    const RELEASES: bool = true;
}

/// The mutex as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: takes any value back.
#[derive(Debug)]
pub enum Undemanding {}
impl Variant for Undemanding {
    const DEMANDS: bool = false;
}

/// Mutant: a section that panicked publishes what it left.
#[derive(Debug)]
pub enum PublishesBroken {}
impl Variant for PublishesBroken {
    const KEEPS_BACK: bool = false;
}

/// Mutant: the guard of a section that panicked is leaked.
#[derive(Debug)]
pub enum LeaksGuard {}
impl Variant for LeaksGuard {
    const RELEASES: bool = false;
}

/// A critical section panicked and left the invariant broken: the value is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// A value of which `P` is true whenever nobody owns the lock.
pub struct InvariantMutex<T, P, V: Variant = Right> {
    /// Whether the value was left broken.
    broken: Mutex<bool>,
    value: UnsafeCell<T>,
    variant: PhantomData<fn() -> (P, V)>,
}

// SAFETY: the value is reached by the holder of the lock only.
unsafe impl<T: Send, P, V: Variant> Sync for InvariantMutex<T, P, V> {}

impl<T, P: Invariant<T>, V: Variant> InvariantMutex<T, P, V> {
    /// A free lock.
    ///
    /// # Panics
    ///
    /// If the invariant is not true of `value`.
    pub fn new(value: T) -> Self {
        assert!(P::holds(&value), "not established: {}", P::SAYS);
        Self {
            broken: Mutex::new(false),
            value: UnsafeCell::new(value),
            variant: PhantomData,
        }
    }

    /// Waits for the lock and runs a critical section, which finds the invariant true and leaves it true.
    ///
    /// # Errors
    ///
    /// [`Broken`], for ever, once a section has panicked and left the invariant broken.
    ///
    /// # Panics
    ///
    /// If the section does; if it leaves the invariant broken; and if the invariant is not true at first, which only a mutant
    /// can bring about.
    pub fn section<R>(&self, section: impl FnOnce(&mut T) -> R) -> Result<R, Broken> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if *broken {
            return Err(Broken);
        }
        // What is said of a mutant is said without the lock, which a panic would poison.
        if !self.invariant_holds() {
            drop(broken);
            panic!("lock invariant broken at acquire: {}", P::SAYS);
        }
        let section = AssertUnwindSafe(|| {
            // SAFETY: the lock is held.
            self.value.with_mut(|value| section(unsafe { &mut *value }))
        });
        let outcome = catch_unwind(section);
        let whole = self.invariant_holds();
        *broken = !whole
            && if outcome.is_err() {
                V::KEEPS_BACK
            } else {
                V::DEMANDS
            };
        if outcome.is_err() && !V::RELEASES {
            mem::forget(broken);
        } else {
            drop(broken);
        }
        let result = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        assert!(
            whole || !V::DEMANDS,
            "lock invariant broken at release: {}",
            P::SAYS
        );
        Ok(result)
    }

    /// For the holder of the lock.
    fn invariant_holds(&self) -> bool {
        // SAFETY: the lock is held, so nobody writes.
        self.value.with(|value| P::holds(unsafe { &*value }))
    }
}

impl<T, P, V: Variant> fmt::Debug for InvariantMutex<T, P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvariantMutex").finish_non_exhaustive()
    }
}

/// Money in two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    /// At hand.
    pub coins: i64,
    /// In the bank.
    pub savings: i64,
}

/// The invariant of a [`Purse`].
#[derive(Debug)]
pub enum Hundred {}

impl Invariant<Purse> for Hundred {
    const SAYS: &'static str = "coins + savings = 100";

    fn holds(purse: &Purse) -> bool {
        purse.coins + purse.savings == 100
    }
}

/// How [`save`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Both places in one critical section.
    Whole,
    /// Panics between the two places.
    PanicsHalfWay,
    /// Panics when both are done.
    PanicsAtTheEnd,
    /// Mutant: forgets the second place.
    ForgetsOne,
    /// Mutant: a critical section for each place.
    ByHalves,
}

/// Puts money aside.
///
/// # Errors
///
/// [`Broken`], if an earlier section has panicked half-way.
///
/// # Panics
///
/// With the section, if that is one that panics.
pub fn save<V: Variant>(
    purse: &InvariantMutex<Purse, Hundred, V>,
    amount: i64,
    section: Section,
) -> Result<(), Broken> {
    if section == Section::ByHalves {
        purse.section(|purse| purse.coins -= amount)?;
        return purse.section(|purse| purse.savings += amount);
    }
    purse.section(|purse| {
        purse.coins -= amount;
        match section {
            Section::ForgetsOne => return,
            // Without the panic hook, which would say it once per execution.
            Section::PanicsHalfWay => resume_unwind(Box::new(section)),
            _ => purse.savings += amount,
        }
        if section == Section::PanicsAtTheEnd {
            resume_unwind(Box::new(section));
        }
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    type Locked = InvariantMutex<Purse, Hundred>;

    fn full() -> Locked {
        let (coins, savings) = (100, 0);
        InvariantMutex::new(Purse { coins, savings })
    }

    fn panics(purse: &Locked, section: Section) -> bool {
        catch_unwind(AssertUnwindSafe(|| save(purse, 30, section))).is_err()
    }

    #[test]
    fn a_panic_in_the_middle_keeps_the_value_back() {
        let purse = full();
        assert_eq!(save(&purse, 30, Section::Whole), Ok(()));
        assert!(panics(&purse, Section::PanicsAtTheEnd));
        let seen = purse.section(|purse| *purse);
        let (coins, savings) = (40, 60);
        assert_eq!(seen, Ok(Purse { coins, savings }));
        assert!(panics(&purse, Section::PanicsHalfWay));
        assert_eq!(save(&purse, 30, Section::Whole), Err(Broken));
    }

    #[test]
    #[should_panic(expected = "lock invariant broken at release: coins + savings = 100")]
    fn the_invariant_is_owed_at_release() {
        let _outcome = save(&full(), 30, Section::ForgetsOne);
    }

    #[test]
    #[should_panic(expected = "not established: coins + savings = 100")]
    fn the_invariant_is_owed_at_first() {
        let (coins, savings) = (1, 2);
        let _mutex = Locked::new(Purse { coins, savings });
    }
}
