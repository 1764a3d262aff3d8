//! Ghost variables with fractional permissions.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use super::opening::Opening;

/// A share of the permission to a ghost variable: any share reads it, only the whole changes it.
///
/// So while somebody keeps a share, the value stays, and all shares agree on it. To read or change a variable is no step, for
/// nobody else can at that moment do what would make a difference.
///
/// Under loom one makes them anew in each execution. Shares may be dropped; the whole is then never had again.
pub struct Permission<T> {
    variable: Arc<Variable<T>>,
    /// In parts of [`WHOLE`].
    share: u64,
}

struct Variable<T> {
    value: Mutex<T>,
    made_at: &'static Location<'static>,
}

const WHOLE: u64 = 1 << 62;

impl<T> Permission<T> {
    /// A new ghost variable, and the whole permission to it.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self {
            variable: Arc::new(Variable {
                value: Mutex::new(value),
                made_at: Location::caller(),
            }),
            share: WHOLE,
        }
    }

    /// Two halves of this share.
    ///
    /// # Panics
    ///
    /// If it was split 62 times before.
    #[track_caller]
    pub fn split(mut self) -> (Self, Self) {
        assert!(self.share > 1, "tsvd: {self:?} is too small to be split");
        let half = self.share / 2;
        self.share -= half;
        let other = Self {
            variable: Arc::clone(&self.variable),
            share: half,
        };
        (self, other)
    }

    /// Both shares as one.
    ///
    /// # Panics
    ///
    /// If they are of two variables.
    #[track_caller]
    pub fn combine(mut self, other: Self) -> Self {
        self.assert_same(&other, "combined");
        self.share += other.share;
        self
    }

    /// The value, which any share may read.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.access(|value| value.clone())
    }

    /// Changes the value, and returns the old one.
    ///
    /// # Panics
    ///
    /// If this is not the whole permission.
    #[track_caller]
    pub fn set(&mut self, value: T) -> T {
        self.assert_whole(self.share);
        self.access(|old| std::mem::replace(old, value))
    }

    /// Changes the value with two shares that make the whole together, and returns the old one. Each stays where it is.
    ///
    /// # Panics
    ///
    /// If they are of two variables, or not the whole.
    #[track_caller]
    pub fn update_with(&mut self, other: &mut Self, value: T) -> T {
        self.assert_same(other, "combined for an update");
        self.assert_whole(self.share + other.share);
        self.access(|old| std::mem::replace(old, value))
    }

    /// Whether nobody else has a share.
    pub fn is_whole(&self) -> bool {
        self.share == WHOLE
    }

    /// Whether both are shares of one variable.
    pub fn is_of_same_variable(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.variable, &other.variable)
    }

    #[track_caller]
    fn access<R>(&self, access: impl FnOnce(&mut T) -> R) -> R {
        let variable = &*self.variable;
        // The value's `clone` is the caller's code.
        let _opening = Opening::start(variable, "a ghost variable", Location::caller());
        access(
            &mut variable
                .value
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    #[track_caller]
    fn assert_same(&self, other: &Self, how: &str) {
        assert!(
            self.is_of_same_variable(other),
            "tsvd: shares of two ghost variables {how}: {self:?} and {other:?}"
        );
    }

    #[track_caller]
    fn assert_whole(&self, share: u64) {
        assert!(
            share == WHOLE,
            "tsvd: a ghost variable is updated with {} of its permission, which takes the whole: {self:?}",
            Share(share)
        );
    }
}

impl<T> fmt::Debug for Permission<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, share } = self;
        write!(
            f,
            "{} of the variable made at {}",
            Share(*share),
            variable.made_at
        )
    }
}

/// A reduced fraction of the whole.
struct Share(u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let common = self.0.trailing_zeros().min(WHOLE.trailing_zeros());
        match (self.0 >> common, WHOLE >> common) {
            (whole, 1) => whole.fmt(f),
            (part, of) => write!(f, "{part}/{of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_one_variable_agree_and_the_whole_changes_it() {
        let mut whole = Permission::new(1);
        assert_eq!(whole.set(2), 1);
        let (mut mine, theirs) = whole.split();
        let (mut one, mut other) = theirs.split();
        assert_eq!((mine.get(), one.get(), other.get()), (2, 2, 2));
        assert_eq!(format!("{one:?}").split(' ').next(), Some("1/4"));
        assert!(one.is_of_same_variable(&mine) && !mine.is_whole());
        other = other.combine(one);
        assert_eq!(mine.update_with(&mut other, 3), 2);
        one = mine.combine(other);
        assert_eq!((one.get(), one.is_whole()), (3, true));
        assert_eq!(format!("{one:?}").split(' ').next(), Some("1"));
    }

    #[test]
    #[should_panic(
        expected = "a ghost variable is updated with 1/2 of its permission, which takes the whole"
    )]
    fn a_half_does_not_update() {
        let (mut half, _other) = Permission::new(1).split();
        half.set(2);
    }

    #[test]
    #[should_panic(expected = "a ghost variable is updated with 3/4 of its permission")]
    fn three_quarters_do_not_update() {
        let (mut half, other) = Permission::new(1).split();
        let (mut quarter, _lost) = other.split();
        half.update_with(&mut quarter, 2);
    }

    #[test]
    #[should_panic(
        expected = "shares of two ghost variables combined: 1/2 of the variable made at"
    )]
    fn halves_of_two_variables_are_no_whole() {
        let (one, _) = Permission::new(1).split();
        let (other, _) = Permission::new(1).split();
        one.combine(other);
    }

    #[test]
    #[should_panic(expected = "shares of two ghost variables combined for an update")]
    fn halves_of_two_variables_do_not_update() {
        let (mut one, _) = Permission::new(1).split();
        let (mut other, _) = Permission::new(1).split();
        one.update_with(&mut other, 2);
    }
}
