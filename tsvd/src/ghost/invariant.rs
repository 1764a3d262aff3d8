//! Invariants: what is true of ghost state between any two steps.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::opening::{Opening, step};

/// Ghost state that everybody shares, and what is true of it between any two steps.
///
/// Whoever needs it opens it, changes it together with what he owns, and closes it before the next step. In a proof this
/// is the rule for opening an invariant round an atomic step; here it is checked that there is no step at all in between: no access
/// of [`sync`](crate::sync), [`thread`](crate::thread) or [`cell`](crate::cell), and no annotated call. (Loom's own types are not
/// seen, nor its `Arc`, of which [`sync::Arc`](crate::sync::Arc) is one.)
pub struct Invariant<T> {
    name: &'static str,
    content: Mutex<T>,
    holds: Box<dyn Fn(&T) -> bool + Send + Sync>,
}

impl<T> Invariant<T> {
    /// An invariant over `content`.
    ///
    /// # Panics
    ///
    /// If it does not hold.
    #[track_caller]
    pub fn new(
        name: &'static str,
        content: T,
        holds: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        assert!(
            holds(&content),
            "tsvd: invariant `{name}` does not hold from the beginning"
        );
        Self {
            name,
            content: Mutex::new(content),
            holds: Box::new(holds),
        }
    }

    /// Takes the content out, as one step, until [`Opened::close`]. Under loom the step comes first, and no other may follow.
    ///
    /// # Panics
    ///
    /// If it is open already.
    #[track_caller]
    pub fn open(&self) -> Opened<'_, T> {
        let site = Location::caller();
        step("open", site);
        let opening = Opening::start(self, &format!("invariant `{}`", self.name), site);
        Opened {
            invariant: self,
            site,
            open: Some((
                self.content.lock().unwrap_or_else(PoisonError::into_inner),
                opening,
            )),
        }
    }
}

impl<T> fmt::Debug for Invariant<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invariant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An invariant that is open: its content, for which nothing is promised before it is closed.
///
/// # Panics
///
/// When it is dropped without having been closed, unless the thread panics already.
#[must_use = "an invariant that is opened has to be closed"]
pub struct Opened<'a, T> {
    invariant: &'a Invariant<T>,
    site: &'static Location<'static>,
    /// There until it is closed.
    open: Option<(MutexGuard<'a, T>, Opening)>,
}

impl<T> Opened<'_, T> {
    /// Gives the content back.
    ///
    /// # Panics
    ///
    /// If the invariant does not hold.
    #[track_caller]
    pub fn close(mut self) {
        let holds = (self.invariant.holds)(&self);
        self.open = None;
        assert!(
            holds,
            "tsvd: invariant `{}` does not hold when it is closed; opened at {}",
            self.invariant.name, self.site
        );
    }
}

impl<T> Deref for Opened<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.open.as_ref().expect("not closed").0
    }
}

impl<T> DerefMut for Opened<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.open.as_mut().expect("not closed").0
    }
}

impl<T> Drop for Opened<'_, T> {
    fn drop(&mut self) {
        if self.open.take().is_some() && !std::thread::panicking() {
            panic!(
                "tsvd: invariant `{}` was opened at {} and never closed",
                self.invariant.name, self.site
            );
        }
    }
}

impl<T> fmt::Debug for Opened<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("name", &self.invariant.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Permission;
    use super::*;

    fn even() -> (Permission<i32>, Invariant<Permission<i32>>) {
        let (mine, half) = Permission::new(2).split();
        (
            mine,
            Invariant::new("even", half, |half| half.get() % 2 == 0),
        )
    }

    #[test]
    fn it_is_changed_with_what_is_owned_and_closed() {
        let (mut mine, invariant) = even();
        for value in [4, 6] {
            let mut open = invariant.open();
            mine.update_with(&mut open, value - 1);
            mine.update_with(&mut open, value);
            open.close();
        }
        assert_eq!(mine.get(), 6);
    }

    #[test]
    #[should_panic(expected = "invariant `odd` does not hold from the beginning")]
    fn it_must_be_established() {
        let _ = Invariant::new("odd", 2, |number| number % 2 == 1);
    }

    #[test]
    #[should_panic(expected = "invariant `even` does not hold when it is closed; opened at ")]
    fn it_must_hold_when_it_is_closed() {
        let (mut mine, invariant) = even();
        let mut open = invariant.open();
        mine.update_with(&mut open, 3);
        open.close();
    }

    #[test]
    #[should_panic(expected = "and never closed")]
    fn it_must_be_closed() {
        let (_mine, invariant) = even();
        drop(invariant.open());
    }

    #[test]
    #[should_panic(expected = "invariant `even` is opened at ")]
    fn it_is_not_opened_within_itself() {
        let (_mine, invariant) = even();
        let _first = invariant.open();
        let _second = invariant.open();
    }

    #[test]
    #[should_panic(expected = "invariant `even` is opened at ")]
    fn an_opening_that_is_leaked_stays_open() {
        let (_mine, invariant) = even();
        std::mem::forget(invariant.open());
        let _second = invariant.open();
    }

    #[test]
    fn a_panic_of_the_program_is_not_hidden_by_another() {
        let (_mine, invariant) = even();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _open = invariant.open();
            panic!("the program's own");
        }))
        .unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the program's own"));
        invariant.open().close();
    }
}
