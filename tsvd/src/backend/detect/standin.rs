//! Stand-in for the accesses of regions: the same names, and nothing behind them.

use std::panic::Location;

use crate::contract::{Did, Object, Operation};

/// A call that is about to be made.
#[derive(Debug)]
pub(crate) struct Approach(());

/// An access that has begun.
#[derive(Debug)]
pub(crate) struct Section(());

/// Before the inner lock is taken or the inner call is made: may sleep.
#[inline]
pub(crate) fn approach(
    _: &'static Operation,
    _: &'static Location<'static>,
    _: Object,
    _: Option<u64>,
) -> Approach {
    Approach(())
}

impl Approach {
    /// The same for where nobody may sleep.
    #[inline]
    pub(crate) fn undelayed(
        _: &'static Operation,
        _: &'static Location<'static>,
        _: Object,
        _: Option<u64>,
    ) -> Self {
        Self(())
    }

    /// The access begins here.
    #[inline]
    pub(crate) fn enter(self) -> Section {
        let Self(()) = self;
        Section(())
    }
}

impl Section {
    /// The access ends here.
    #[inline]
    pub(crate) fn leave(self, _: Did) {}
}

/// The life of what is at `address` ends: accesses of it by any context are of nothing that is to come there.
#[inline]
pub(crate) fn ended(_: usize) {}
