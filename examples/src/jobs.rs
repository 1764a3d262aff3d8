//! A queue of jobs that several consumers take from, each job once.
//!
//! [`Variant`] selects the steps of a consumer. [`OneSection`] and [`SecondLook`] are right; the others look in one critical section and
//! take in another, which the loom models must reject.

use std::collections::VecDeque;
use std::sync::PoisonError;

use tsvd::sync::{RwLock, RwLockWriteGuard};

/// The jobs that are left.
pub type Jobs = RwLock<VecDeque<u32>>;

/// How a consumer looks before it takes.
pub trait Variant {
    /// Whether it looks under a read lock first, and goes away if there is nothing.
    const READS_FIRST: bool = false;
    /// Whether it looks under a write lock first, and gives that back.
    const WRITES_FIRST: bool = false;
    /// Whether it looks with the lock held under which it takes.
    const LOOKS_AGAIN: bool = true;
}

/// Looks and takes in one critical section.
#[derive(Debug)]
pub enum OneSection {}
impl Variant for OneSection {}

/// Spares the write lock if there is nothing to take, and looks again if there was.
#[derive(Debug)]
pub enum SecondLook {}
impl Variant for SecondLook {
    const READS_FIRST: bool = true;
}

/// Mutant: takes the job at the front, whichever it is by now.
#[derive(Debug)]
pub enum LookThenTake {}
impl Variant for LookThenTake {
    const READS_FIRST: bool = true;
    const LOOKS_AGAIN: bool = false;
}

/// Mutant: the same with two write locks.
#[derive(Debug)]
pub enum LockTwice {}
impl Variant for LockTwice {
    const WRITES_FIRST: bool = true;
    const LOOKS_AGAIN: bool = false;
}

/// The next job, for its caller alone.
#[tsvd::expect_atomic]
pub fn take<V: Variant>(jobs: &Jobs) -> Option<u32> {
    let mut next = None;
    if V::READS_FIRST {
        let jobs = jobs.read().unwrap_or_else(PoisonError::into_inner);
        next = Some(*jobs.front()?);
    }
    if V::WRITES_FIRST {
        next = Some(*locked(jobs).front()?);
    }
    let mut jobs = locked(jobs);
    if V::LOOKS_AGAIN {
        next = Some(*jobs.front()?);
    }
    jobs.pop_front();
    next
}

fn locked(jobs: &Jobs) -> RwLockWriteGuard<'_, VecDeque<u32>> {
    jobs.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn in_order<V: Variant>() {
        let jobs = RwLock::new(VecDeque::from([1, 2]));
        let taken = [(); 3].map(|()| take::<V>(&jobs));
        assert_eq!(taken, [Some(1), Some(2), None]);
    }

    #[test]
    fn jobs_are_taken_in_order() {
        in_order::<OneSection>();
        in_order::<SecondLook>();
        in_order::<LookThenTake>();
        in_order::<LockTwice>();
    }
}
