//! Names that are registered for whoever asks first.
//!
//! [`Variant`] selects the calls: [`Entry`] is one, the others are two, which the loom models must reject.

use tsvd::dashmap::DashMap;
use tsvd::dashmap::mapref::entry;

/// Each name with its owner.
pub type Names = DashMap<u32, &'static str>;

/// How it is found out that a name is free.
pub trait Variant {
    /// Whether by a look before, in a call of its own.
    const LOOKS_BEFORE: bool = false;
    /// Whether by a look after, in a call of its own.
    const LOOKS_AFTER: bool = false;
}

/// By the call that inserts.
#[derive(Debug)]
pub enum Entry {}
impl Variant for Entry {}

/// Mutant: another may take the name between look and act.
#[derive(Debug)]
pub enum LookThenInsert {}
impl Variant for LookThenInsert {
    const LOOKS_BEFORE: bool = true;
}

/// Mutant: another's name is overwritten, and found to be one's own unless somebody else does so, too.
#[derive(Debug)]
pub enum InsertThenLook {}
impl Variant for InsertThenLook {
    const LOOKS_AFTER: bool = true;
}

/// Whether `name` is `owner`'s from now on.
#[tsvd::expect_atomic]
pub fn register<V: Variant>(names: &Names, name: u32, owner: &'static str) -> bool {
    if V::LOOKS_BEFORE {
        if names.contains_key(&name) {
            return false;
        }
        names.insert(name, owner);
        return true;
    }
    if V::LOOKS_AFTER {
        names.insert(name, owner);
        return names.get(&name).is_some_and(|found| *found == owner);
    }
    match names.entry(name) {
        entry::Entry::Occupied(_) => false,
        entry::Entry::Vacant(free) => {
            free.insert(owner);
            true
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_it() {
        let names = Names::new();
        assert!(register::<Entry>(&names, 1, "left"));
        assert!(!register::<Entry>(&names, 1, "right"));
        assert!(!register::<LookThenInsert>(&names, 1, "right"));
        assert_eq!(*names.get(&1).unwrap(), "left");
        assert!(register::<InsertThenLook>(&names, 1, "right"));
    }
}
