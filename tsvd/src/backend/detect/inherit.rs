//! What the calling thread inherited from the context that began it, for as long as it runs that one's closure.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;

use super::attribution::{self, Attribution};
use super::synchronised::HandOver;
use super::{ENGINE, NOW, threads};
use crate::engine::Lineage;

thread_local! {
    // Without destructor, so that it can be read until the very end of the thread; `Inheritance::run` empties it.
    static LINEAGE: RefCell<Option<ManuallyDrop<Arc<Lineage>>>> = const { RefCell::new(None) };
}

/// Lets `see` have what the calling thread inherited.
#[inline]
pub(super) fn lineage<R>(see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R {
    LINEAGE.with_borrow(|lineage| see(lineage.as_deref()))
}

/// What a context begun here inherits: for the closure that it runs.
#[derive(Debug)]
pub(crate) struct Inheritance {
    lineage: Option<Arc<Lineage>>,
    /// Whom the closure works for.
    by: Attribution,
    begun: HandOver,
}

/// What a context inherits that the caller at `site` begins now.
pub(crate) fn bequeath(site: &'static Location<'static>) -> Inheritance {
    let lineage = (!NOW.is_off()).then(|| Arc::new(own_lineage(site)));
    let by = match lineage {
        Some(_) => attribution::current(),
        None => Attribution::default(),
    };
    let begun = HandOver::made();
    Inheritance { lineage, by, begun }
}

fn own_lineage(site: &'static Location<'static>) -> Lineage {
    let orphan = || lineage(|lineage| lineage.is_none_or(|lineage| lineage.is_empty()));
    match threads::attached() {
        // Nothing has happened on this thread; perhaps there is no engine yet.
        None if orphan() => Lineage::new(site),
        attached => ENGINE.bequeath(attached, site),
    }
}

impl Inheritance {
    /// Runs `body` as the context that inherits; afterwards, also by unwinding, the thread has what it had before.
    pub(crate) fn run<R>(self, body: impl FnOnce() -> R) -> R {
        struct Before(Option<ManuallyDrop<Arc<Lineage>>>);
        impl Drop for Before {
            fn drop(&mut self) {
                if let Some(own) = LINEAGE.replace(self.0.take()) {
                    drop(ManuallyDrop::into_inner(own));
                }
            }
        }
        self.begun.got();
        let Some(lineage) = self.lineage else {
            return body();
        };
        let _before = Before(LINEAGE.replace(Some(ManuallyDrop::new(lineage))));
        self.by.run(body)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// The line of the call that the calling thread inherits from.
    fn own() -> Option<u32> {
        lineage(|lineage| lineage.map(|lineage| lineage.spawned_at().line()))
    }

    #[test]
    fn a_thread_has_afterwards_what_it_had_before() {
        let outer = Location::caller();
        bequeath(outer).run(|| {
            assert_eq!(own(), Some(outer.line()));
            let inner = Location::caller();
            let panic = catch_unwind(AssertUnwindSafe(|| {
                bequeath(inner).run(|| {
                    assert_eq!(own(), Some(inner.line()));
                    std::panic::panic_any("its own");
                })
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"its own"));
            assert_eq!(own(), Some(outer.line()));
        });
        assert_eq!(own(), None);
    }
}
