//! What the drop-ins said, for tests.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use crate::contract::{Did, Object, Operation};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static OBJECT: Cell<Option<Object>> = const { Cell::new(None) };
    static PROBE: Cell<Option<fn() -> bool>> = const { Cell::new(None) };
}

/// Adds to what was said.
pub(crate) fn note(what: String) {
    // Said by what is probed itself.
    let Some(is_locked) = PROBE.take() else {
        return LOG.with_borrow_mut(|log| log.push(what));
    };
    let locked = if is_locked() { " locked" } else { "" };
    LOG.with_borrow_mut(|log| log.push(format!("{what}{locked}")));
    PROBE.set(Some(is_locked));
}

pub(super) fn coming(
    operation: &Operation,
    site: &Location<'_>,
    object: Object,
    key: Option<u64>,
    delays: bool,
) {
    OBJECT.set(Some(object));
    let key = if key.is_some() { " key" } else { "" };
    // Tests call from such files; the drop-ins themselves from others.
    let site = if site.file().ends_with("tests.rs") {
        ""
    } else {
        " by itself"
    };
    let (name, access) = (operation.name(), operation.access().as_str());
    let at_once = if delays { "" } else { " at once" };
    note(format!("{name} ({access}){key}{at_once}{site}"));
}

pub(super) fn entered(is_watched: bool) {
    if is_watched {
        note("enter".to_owned());
    }
}

pub(super) fn left(did: Did) {
    note(match did {
        Did::Revalidated { wrote } => format!("revalidated, wrote {wrote}"),
        did => format!("{did:?}").to_lowercase(),
    });
}

pub(super) fn left_partly(did: Did, keys: &[u64], elsewhere: Did) {
    left(did);
    let count = keys.len();
    LOG.with_borrow_mut(|log| {
        let did = log.last_mut().expect("just said");
        did.push_str(&format!(" of {count}, else {elsewhere:?}").to_lowercase());
    });
}

/// What the calling thread said in `body`, in order.
pub(crate) fn said<R>(body: impl FnOnce() -> R) -> Vec<String> {
    LOG.take();
    drop(body());
    LOG.take()
}

/// The same; whatever was said while `is_locked` has `locked` behind it.
pub(crate) fn said_locked<R>(is_locked: fn() -> bool, body: impl FnOnce() -> R) -> Vec<String> {
    PROBE.set(Some(is_locked));
    let said = said(body);
    PROBE.set(None);
    said
}

/// The object of the last call.
pub(crate) fn object() -> Option<Object> {
    OBJECT.get()
}

/// The last thing said in `body`: what it did.
pub(crate) fn did<R>(body: impl FnOnce() -> R) -> String {
    said(body).pop().unwrap_or_default()
}
