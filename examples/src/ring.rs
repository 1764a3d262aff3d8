//! A bounded queue from one producer to one consumer, in a ring (Lamport, "Proving the Correctness of Multiprocess Programs", IEEE TSE
//! 1977, section on the bounded buffer).
//!
//! `tail` counts what was pushed and is written by the producer alone, `head` what was popped and is the consumer's. The
//! producer's store of `tail` releases the item, the consumer's store of `head` the empty slot. No type says that there is one
//! of each: the contract does. Two pushes conflict, two pops conflict, a push and a pop do not.
//!
//! [`Variant`] selects the steps at compile time. [`Right`] is the ring to use; the others are mutants, each with one of
//! its steps broken, which the loom models must reject.

use std::fmt;
use std::marker::PhantomData;

use tsvd::cell::UnsafeCell;
use tsvd::sync::atomic::AtomicUsize;
use tsvd::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

/// The steps in which a ring may be broken.
pub trait Variant {
    /// Ordering of the producer's store of `tail`.
    const PUSHED: Ordering = Release;
    /// Ordering of the consumer's store of `head`.
    const POPPED: Ordering = Release;
    /// How many items the producer takes the ring to hold more than it does.
    const TOO_MANY: usize = 0;
}

/// The ring as it should be.
#[derive(Debug)]
pub enum Right {}
impl Variant for Right {}

/// Mutant: the consumer may see `tail` before the item.
#[derive(Debug)]
pub enum RelaxedTail {}
impl Variant for RelaxedTail {
    const PUSHED: Ordering = Relaxed;
}

/// Mutant: the producer may fill a slot while it still is being emptied.
#[derive(Debug)]
pub enum RelaxedHead {}
impl Variant for RelaxedHead {
    const POPPED: Ordering = Relaxed;
}

/// Mutant: pushes one item into a full ring.
#[derive(Debug)]
pub enum Overfull {}
impl Variant for Overfull {
    const TOO_MANY: usize = 1;
}

/// A queue of at most so many items.
pub struct Ring<T, V: Variant = Right> {
    slots: Box<[UnsafeCell<Option<T>>]>,
    head: AtomicUsize,
    tail: AtomicUsize,
    variant: PhantomData<fn() -> V>,
}

// SAFETY: a slot is the producer's from when the consumer has emptied it until it is filled, then the consumer's. That there is
// one of each is not kept by this type: whoever shares a ring has to order its calls as the contract below says.
unsafe impl<T: Send, V: Variant> Sync for Ring<T, V> {}

#[tsvd::contract]
impl<T, V: Variant> Ring<T, V> {
    /// An empty ring for `capacity` items.
    ///
    /// # Panics
    ///
    /// If that is none.
    pub fn with_capacity(capacity: usize) -> Self {
        assert_ne!(capacity, 0, "a ring needs room");
        Self {
            slots: (0..capacity).map(|_| UnsafeCell::new(None)).collect(),
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            variant: PhantomData,
        }
    }

    /// Puts an item behind the others.
    ///
    /// # Errors
    ///
    /// The item, if the ring is full.
    #[tsvd::write(role = "producer")]
    pub fn push(&self, item: T) -> Result<(), T> {
        let tail = self.tail.load(Relaxed);
        if tail - self.head.load(Acquire) >= self.slots.len() + V::TOO_MANY {
            return Err(item);
        }
        // SAFETY: the consumer has emptied the slot and does not come back before `tail` says so; by the contract there is no
        // other producer.
        self.slot(tail)
            .with_mut(|slot| unsafe { *slot = Some(item) });
        self.tail.store(tail + 1, V::PUSHED);
        Ok(())
    }

    /// Takes the item that has been in the ring longest, if there is one.
    #[tsvd::write(role = "consumer")]
    pub fn pop(&self) -> Option<T> {
        let head = self.head.load(Relaxed);
        if head == self.tail.load(Acquire) {
            return None;
        }
        // SAFETY: the producer has filled the slot and does not come back before `head` says so; by the contract there is no
        // other consumer.
        let item = self.slot(head).with_mut(|slot| unsafe { (*slot).take() });
        self.head.store(head + 1, V::POPPED);
        item
    }

    fn slot(&self, count: usize) -> &UnsafeCell<Option<T>> {
        &self.slots[count % self.slots.len()]
    }
}

impl<T, V: Variant> fmt::Debug for Ring<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.slots.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_the_order_they_went_in() {
        let ring = Ring::<_, Right>::with_capacity(2);
        assert_eq!(ring.pop(), None);
        assert_eq!(
            (ring.push(1), ring.push(2), ring.push(3)),
            (Ok(()), Ok(()), Err(3))
        );
        assert_eq!((ring.pop(), ring.push(3)), (Some(1), Ok(())));
        assert_eq!(
            (ring.pop(), ring.pop(), ring.pop()),
            (Some(2), Some(3), None)
        );
    }

    #[test]
    fn one_producer_and_one_consumer_at_once() {
        let ring = Ring::<u32, Right>::with_capacity(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for item in 0..1_000 {
                    while ring.push(item).is_err() {
                        std::hint::spin_loop();
                    }
                }
            });
            for expected in 0..1_000 {
                let item = std::iter::repeat_with(|| ring.pop()).flatten().next();
                assert_eq!(item, Some(expected));
            }
        });
    }
}
