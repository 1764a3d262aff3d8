//! Operations that are in the program, called or not: a list that the linker makes, where it can.
//!
//! Each attribute leaves a reference to its operation in a section of the executable, and the linker marks the section's ends with
//! two symbols, since its name is an identifier (ld(1), "Input Section Example"). Elsewhere than on Linux the list is empty, and
//! coverage knows the operations that were called.
//!
//! The name of the section has the version, since an executable may have several of `tsvd`, each with its own `Operation`.

use std::ptr;

use crate::contract::{Operation, Registry};

/// Those that were called on objects without identity.
static UNWATCHED: Registry<&'static Operation> = Registry::new();

/// It was called on an object that has no identity.
#[cold]
#[inline(never)]
pub(super) fn leave_unwatched(operation: &'static Operation) {
    UNWATCHED.find_or_add(|known| ptr::eq(*known, operation), || operation);
}

pub(super) fn was_unwatched(operation: &Operation) -> bool {
    UNWATCHED.iter().any(|known| ptr::eq(*known, operation))
}

/// One of several copies, where generated code is merged, stands for all.
pub(super) fn operations() -> Vec<&'static Operation> {
    let mut operations: Vec<_> = system::list().iter().copied().flatten().collect();
    operations.sort_by_key(|operation| ptr::from_ref(*operation).addr());
    operations.dedup_by_key(|operation| ptr::from_ref(*operation).addr());
    operations
}

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use std::ptr;

    use crate::contract::Operation;

    type Listed = Option<&'static Operation>;

    /// So that there is a section in any program.
    #[used]
    #[unsafe(link_section = "tsvd_operations_0_1_0")]
    static NONE: Listed = None;

    unsafe extern "C" {
        #[link_name = "__start_tsvd_operations_0_1_0"]
        static START: u8;
        #[link_name = "__stop_tsvd_operations_0_1_0"]
        static STOP: u8;
    }

    pub(super) fn list() -> &'static [Listed] {
        // Only their addresses mean something.
        let (start, stop) = (&raw const START, &raw const STOP);
        let length = (stop.addr() - start.addr()) / size_of::<Listed>();
        // SAFETY: the linker puts the two symbols around the entries of this section, of which every one is a `Listed`, immutable
        // for the life of the process: nothing but `__operation!` and `NONE` names the section.
        unsafe { ptr::slice_from_raw_parts(start.cast::<Listed>(), length).as_ref() }
            .unwrap_or_default()
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    use crate::contract::Operation;

    pub(super) fn list() -> &'static [Option<&'static Operation>] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_section_is_named_after_this_version() {
        let version = env!("CARGO_PKG_VERSION").replace(['.', '-'], "_");
        let quoted = |prefix: &str| format!("\"{prefix}tsvd_operations_{version}\"");
        let here = include_str!("declared.rs");
        assert!(here.contains(&quoted("__start_")) && here.contains(&quoted("__stop_")));
        for source in [here, include_str!("../../__private.rs")] {
            assert!(source.contains(&quoted("")), "{version}");
        }
    }
}
