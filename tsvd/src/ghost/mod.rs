//! State that exists for a specification only: event numbers, abstraction functions, permissions.
//!
//! Loom tries two orders of two steps only if they touch the same of *its* objects. Of state in a plain static or in std's
//! types it knows nothing, so a specification that compares such state misses orders, and an exhausted model says less than it
//! seems to. A [`Ghost`] is a step of its own: every two accesses to ghosts are tried in both orders. (A step on one common
//! clock, which stores nothing: it makes nobody wait and orders no memory, so it hides no bug.) Only state that is always
//! accessed under the same lock of [`sync`](crate::sync) may do without.
//!
//! [`Permission`] and [`Invariant`] are the ghost variables with fractional permissions and the invariants of Iris (Jung et
//! al., "Iris from the ground up", JFP 2018; fractions after Boyland, SAS 2003), checked while a program runs. A permission
//! is the right to read a ghost variable, the whole of it the right to change it. So a share that somebody keeps pins the value. An
//! invariant owns shares and what must be true of them; it can be opened anywhere, for no longer than no step at all.
//!
//! ```
//! use tsvd::ghost::{Invariant, Permission};
//!
//! // The lock of an account owns one half, the invariant the other.
//! let (mut mine, halves) = Permission::new(60).split();
//! let invariant = Invariant::new("the balance is even", halves, |half| half.get() % 2 == 0);
//!
//! let mut open = invariant.open();
//! mine.update_with(&mut open, 40);
//! open.close();
//! assert_eq!(mine.get(), 40);
//! ```
//!
//! Without `--cfg loom` all of this is plain state behind a lock, and steps are not seen.

mod invariant;
mod opening;
mod permission;

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

pub use self::invariant::{Invariant, Opened};
use self::opening::{Opening, step};
#[cfg(loom)]
pub(crate) use self::opening::{begin_execution, opened_at};
pub use self::permission::Permission;

/// A value of the specification that threads share.
///
/// ```
/// use tsvd::ghost::Ghost;
///
/// let events = Ghost::new(0);
/// let next = || events.with(|number| { *number += 1; *number });
/// assert!(next() < next());
/// ```
pub struct Ghost<T>(Mutex<T>);

impl<T> Ghost<T> {
    /// A ghost of `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Reads or changes the value, as one step. Under loom the step comes first, and `access` may make no other.
    ///
    /// # Panics
    ///
    /// If `access` makes a step under loom, or comes back to this ghost.
    #[track_caller]
    pub fn with<R>(&self, access: impl FnOnce(&mut T) -> R) -> R {
        let site = Location::caller();
        step("ghost", site);
        let _opening = Opening::start(self, "a ghost", site);
        // No other thread has it under loom, since no step is made in between.
        access(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of the value, as one step.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), of the value's `clone`.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(|value| value.clone())
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Ghost<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// No value: to read it is a step.
impl<T> fmt::Debug for Ghost<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ghost").finish_non_exhaustive()
    }
}
