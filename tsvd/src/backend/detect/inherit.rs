//! What the calling thread inherited from the context that began it, for as long as it runs that one's closure.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;
use std::task::Context;

use super::attribution::{self, Attribution};
use super::synchronised::HandOver;
use super::{ENGINE, NOW, threads};
use crate::engine::Lineage;
use crate::engine::tasks::task_number;

thread_local! {
    // Without destructor, so that it can be read until the very end of the thread; `Inheritance::run` empties it.
    static LINEAGE: RefCell<Option<ManuallyDrop<Arc<Lineage>>>> = const { RefCell::new(None) };
}

/// Lets `see` have what the calling thread inherited.
#[inline]
pub(super) fn lineage<R>(see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R {
    LINEAGE.with_borrow(|lineage| see(lineage.as_deref()))
}

/// The calling thread inherits `lineage` from now on; what it had before.
pub(super) fn swap(lineage: Option<Arc<Lineage>>) -> Option<Arc<Lineage>> {
    let before = LINEAGE.replace(lineage.map(ManuallyDrop::new));
    before.map(ManuallyDrop::into_inner)
}

/// Puts back, also by unwinding, what the thread inherited before.
pub(super) struct Before(Option<Arc<Lineage>>);

impl Before {
    /// The calling thread inherits `lineage` until this is dropped.
    pub(super) fn acting(lineage: &Arc<Lineage>) -> Self {
        Self(swap(Some(Arc::clone(lineage))))
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        drop(swap(self.0.take()));
    }
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
        self.begun.got();
        let Some(lineage) = self.lineage else {
            return body();
        };
        let _before = Before::acting(&lineage);
        self.by.run(body)
    }

    /// For a future that is polled as a context of its own.
    pub(crate) fn into_future(self) -> Inherited {
        let beginning = match self.lineage {
            Some(lineage) => Beginning::Begun(lineage, Some(self.begun)),
            None => Beginning::Unwatched(Some(self.begun)),
        };
        Inherited {
            beginning,
            by: self.by,
        }
    }
}

/// What a future inherits that is polled as a context of its own.
#[derive(Debug)]
pub(crate) struct Inherited {
    beginning: Beginning,
    /// Whom the future works for, whoever polls it.
    by: Attribution,
}

#[derive(Debug)]
enum Beginning {
    /// Nothing is watched.
    Unwatched(Option<HandOver>),
    /// Not polled yet: it gets its number then.
    Begun(Arc<Lineage>, Option<HandOver>),
    Polled(Arc<Lineage>),
}

impl Inherited {
    /// Polls `body` as the context that inherits.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        body: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        let lineage = match &mut self.beginning {
            Beginning::Unwatched(begun) => {
                if let Some(begun) = begun.take() {
                    begun.got();
                }
                return body(cx);
            }
            Beginning::Begun(lineage, begun) => {
                if let Some(begun) = begun.take() {
                    begun.got();
                }
                let task = task_number(cx.waker());
                let lineage = Lineage::clone(lineage);
                Arc::new(ENGINE.own_context(lineage, task))
            }
            Beginning::Polled(lineage) => Arc::clone(lineage),
        };
        let _before = Before::acting(&lineage);
        self.beginning = Beginning::Polled(lineage);
        self.by.clone().run(|| body(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// The line of the call that the calling thread inherits from.
    fn own() -> Option<u32> {
        lineage(|lineage| Some(lineage?.spawned_at()?.line()))
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
