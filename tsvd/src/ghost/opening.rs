//! What ghost state is open on this OS thread: within it no step may be made, nor may it be opened again.

use std::cell::RefCell;
use std::panic::Location;

std::thread_local! {
    /// Innermost last. All threads of a loom model share it, which is right: between two steps only one of them runs.
    static OPEN: RefCell<Vec<Open>> = const { RefCell::new(Vec::new()) };
}

struct Open {
    address: usize,
    site: &'static Location<'static>,
}

/// Some ghost state is open until it is dropped.
#[derive(Debug)]
pub(super) struct Opening {
    address: usize,
}

impl Opening {
    /// # Panics
    ///
    /// If it is open already, which a lock would take for ever to find out.
    pub(super) fn start<T: ?Sized>(
        state: &T,
        what: &str,
        site: &'static Location<'static>,
    ) -> Self {
        let address = std::ptr::from_ref(state).cast::<()>().addr();
        let before = OPEN.with_borrow(|open| {
            let same = open.iter().find(|open| open.address == address);
            same.map(|open| open.site)
        });
        if let Some(before) = before {
            panic!("tsvd: {what} is opened at {site}, but it has been open since {before}");
        }
        OPEN.with_borrow_mut(|open| open.push(Open { address, site }));
        Self { address }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.retain(|open| open.address != self.address));
    }
}

/// Where what is open was opened.
#[cfg(loom)]
pub(crate) fn opened_at() -> Option<&'static Location<'static>> {
    OPEN.with_borrow(|open| open.first().map(|open| open.site))
}

/// An execution that failed may have left something open.
#[cfg(loom)]
pub(crate) fn begin_execution() {
    OPEN.with_borrow_mut(Vec::clear);
}

/// A step on the ghosts' clock. Within other ghost state there is none: all that happens there is one step.
#[cfg(loom)]
pub(super) fn step(what: &'static str, site: &'static Location<'static>) {
    use crate::backend::steps::{Act, Value, begin};
    if opened_at().is_none() {
        let step = begin(Act::new(what), site);
        crate::backend::tick();
        step.end(Value::Nothing);
    }
}

#[cfg(not(loom))]
pub(super) fn step(_: &'static str, _: &'static Location<'static>) {}
