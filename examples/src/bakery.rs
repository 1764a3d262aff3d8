//! Lamport's bakery (Lamport, "A New Solution of Dijkstra's Concurrent Programming Problem", CACM 1974): a lock for any number of
//! threads, from loads, stores and fences alone.
//!
//! A customer draws a number greater than all it sees, then waits for everybody with a smaller one. Two may draw the same, since
//! drawing is many steps: then the customers' own numbers decide (the tie-break). And whoever is still drawing may come out with a
//! smaller number than a customer that does not wait for it, so `choosing` says who is.
//!
//! The fences are sequentially consistent: one after `choosing` was set and one after it was cleared, so that of two customers who
//! draw at once, one sees the other's number or that it is choosing.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the lock to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::fmt;
use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::hint::spin_loop;
use tsvd::sync::Arc;
use tsvd::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::atomic::{AtomicBool, AtomicUsize, fence};

use crate::guard::{Guard, Lock};

/// The steps in which a lock may be broken.
pub trait Variant {
    /// Whether a customer says that it is drawing.
    const CHOOSING: bool = true;
    /// Whether there is a fence before the numbers are looked at for drawing.
    const FIRST_FENCE: bool = true;
    /// Whether there is a fence before they are looked at for waiting.
    const SECOND_FENCE: bool = true;
    /// Whether two of the same number go one after the other.
    const TIE_BREAK: bool = true;
}

/// The lock as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: nobody waits for who is still drawing.
#[derive(Debug)]
pub enum NoChoosing {}
impl Variant for NoChoosing {
    const CHOOSING: bool = false;
}

/// Mutant: stores may be seen after the loads that follow them.
#[derive(Debug)]
pub enum NoFences {}
impl Variant for NoFences {
    const FIRST_FENCE: bool = false;
    const SECOND_FENCE: bool = false;
}

/// Mutant: may draw before it is seen choosing.
#[derive(Debug)]
pub enum NoFirstFence {}
impl Variant for NoFirstFence {
    const FIRST_FENCE: bool = false;
}

/// Mutant: may look at the others before its number is seen.
#[derive(Debug)]
pub enum NoSecondFence {}
impl Variant for NoSecondFence {
    const SECOND_FENCE: bool = false;
}

/// Mutant: two of the same number both go.
#[derive(Debug)]
pub enum NoTieBreak {}
impl Variant for NoTieBreak {
    const TIE_BREAK: bool = false;
}

struct Shop<T> {
    counters: Vec<Counter>,
    value: UnsafeCell<T>,
}

/// What one customer says of itself; only it writes here.
struct Counter {
    choosing: AtomicBool,
    /// Zero while the customer wants nothing.
    number: AtomicUsize,
}

/// One of those who share a value. It is not `Clone`, and locks through `&mut`: a customer is one thread's at a time.
pub struct Customer<T, V: Variant = Right> {
    me: usize,
    shop: Arc<Shop<T>>,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: the value is reached through a `Guard` only, and there is one at a time, on whichever thread.
unsafe impl<T: Send, V: Variant> Send for Customer<T, V> {}

/// All customers of a free lock.
pub fn customers<T, V: Variant>(count: usize, value: T) -> Vec<Customer<T, V>> {
    let counter = |_| Counter {
        choosing: AtomicBool::new(false),
        number: AtomicUsize::new(0),
    };
    let shop = Arc::new(Shop {
        counters: (0..count).map(counter).collect(),
        value: UnsafeCell::new(value),
    });
    let customer = |me| Customer {
        me,
        shop: Arc::clone(&shop),
        variant: PhantomData,
    };
    (0..count).map(customer).collect()
}

impl<T, V: Variant> Customer<T, V> {
    /// Waits for the customer's turn, and takes the lock.
    pub fn lock(&mut self) -> Guard<'_, Self> {
        let number = self.draw();
        for other in self.others() {
            while V::CHOOSING && other.is_choosing() {
                spin_loop();
            }
            while self.goes_after(number, other) {
                spin_loop();
            }
        }
        Guard::new(self)
    }

    /// Takes the lock if there is nobody to wait for; else gives the number back.
    pub fn try_lock(&mut self) -> Option<Guard<'_, Self>> {
        let number = self.draw();
        let has_to_wait = self
            .others()
            .any(|other| V::CHOOSING && other.is_choosing() || self.goes_after(number, other));
        if has_to_wait {
            self.leave();
            return None;
        }
        Some(Guard::new(self))
    }

    /// The doorway: comes out with a number greater than all that were seen.
    fn draw(&self) -> usize {
        let mine = &self.shop.counters[self.me];
        if V::CHOOSING {
            mine.choosing.store(true, Relaxed);
        }
        if V::FIRST_FENCE {
            fence(SeqCst);
        }
        let seen = self.others().map(|other| other.number()).max();
        let number = 1 + seen.unwrap_or(0);
        mine.number.store(number, Relaxed);
        if V::CHOOSING {
            // Whoever sees it cleared sees the number.
            mine.choosing.store(false, Release);
        }
        if V::SECOND_FENCE {
            fence(SeqCst);
        }
        number
    }

    fn others(&self) -> impl Iterator<Item = Other<'_>> {
        let others = self.shop.counters.iter().enumerate();
        others
            .filter(|(index, _)| *index != self.me)
            .map(|(index, counter)| Other { index, counter })
    }

    /// Whether the other one has a number and is to be served before this one, who has `number`.
    fn goes_after(&self, number: usize, other: Other<'_>) -> bool {
        let theirs = other.number();
        let first = if V::TIE_BREAK {
            (theirs, other.index) < (number, self.me)
        } else {
            theirs < number
        };
        theirs != 0 && first
    }

    fn leave(&self) {
        self.shop.counters[self.me].number.store(0, Release);
    }
}

/// Another customer.
#[derive(Clone, Copy)]
struct Other<'a> {
    index: usize,
    counter: &'a Counter,
}

impl Other<'_> {
    fn is_choosing(self) -> bool {
        self.counter.choosing.load(Acquire)
    }

    /// Acquires what its last owner wrote, if that is why it is zero or great.
    fn number(self) -> usize {
        self.counter.number.load(Acquire)
    }
}

impl<T, V: Variant> Lock for Customer<T, V> {
    type Value = T;

    fn value(&self) -> &UnsafeCell<T> {
        &self.shop.value
    }

    unsafe fn give_back(&self) {
        self.leave();
    }
}

impl<T, V: Variant> fmt::Debug for Customer<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost() {
        let mut customers = customers::<u64, Right>(2, 0);
        std::thread::scope(|scope| {
            for customer in &mut customers {
                scope.spawn(|| (0..500).for_each(|_| customer.lock().write(|count| *count += 1)));
            }
        });
        assert_eq!(customers[0].lock().read(|count| *count), 1_000);
    }

    #[test]
    fn who_would_have_to_wait_may_give_up() {
        let mut customers = customers::<u64, Right>(2, 0);
        let [first, second] = &mut customers[..] else {
            unreachable!("two customers")
        };
        let guard = first.lock();
        assert!(second.try_lock().is_none());
        drop(guard);
        assert!(second.try_lock().is_some());
        assert!(first.try_lock().is_some());
    }
}
