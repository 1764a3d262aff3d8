//! Async operations: tokens that their futures own. To regions each is an access, and works for those it was first polled in.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use super::defect::{Defect, planted};
use super::ledger::Call;
use super::regions::{self, Section, bequeath};
use super::{Inherited, Token, token};
use crate::contract::{Key, Object, Operation};

/// When an async operation was called: nobody here asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment;

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self
    }
}

/// An async operation, from its call until it is complete or dropped.
#[derive(Debug)]
pub(crate) struct Operating {
    state: Asynchronous,
    /// Known at the first poll; what the operation does later, on whatever thread, is a part of the same regions.
    inherited: Option<Inherited>,
}

#[derive(Debug)]
enum Asynchronous {
    Inert,
    Begun {
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<u64>,
        shared: Shared,
    },
    /// From its first poll on, until it is complete or dropped, or its [`End`] is.
    InFlight(#[expect(dead_code, reason = "held for its drop")] End),
    /// The same under a thread-safe contract.
    Access(Section),
}

/// What is in flight; whoever ends it takes it out. Not loom's lock: it is the books', not the program's.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Option<Token>>>);

impl Shared {
    fn replace(&self, token: Option<Token>) -> Option<Token> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, token)
    }
}

/// Ends, as a scope does, wherever it is dropped. Its body has one, too, and drops it before its other parameters.
#[derive(Debug)]
pub(crate) struct End(Option<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let token = self.0.take().and_then(|shared| shared.replace(None));
        // Under no lock, for others run meanwhile.
        drop(token);
    }
}

/// An operation that was called at `site`; nothing is in flight yet.
pub(crate) fn begin(
    operation: &'static Operation,
    site: &'static Location<'static>,
    _: Moment,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    Operating {
        state: Asynchronous::Begun {
            operation,
            site,
            object,
            key: key.map(|key| key.hash),
            shared: Shared::default(),
        },
        inherited: None,
    }
}

impl Operating {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self {
            state: Asynchronous::Inert,
            inherited: None,
        }
    }

    /// Nothing is held here.
    #[inline]
    pub(crate) fn never_held(self) -> Self {
        self
    }

    /// With what its body owns.
    pub(crate) fn with_end(self) -> (Self, End) {
        let end = match &self.state {
            Asynchronous::Begun { shared, .. } => Some(shared.clone()),
            _ => None,
        };
        (self, End(end))
    }

    /// Polls `body` in the operation.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        body: impl FnOnce(&mut Context<'_>) -> Poll<R>,
        wrote: impl FnOnce(&R) -> Option<bool>,
    ) -> Poll<R> {
        if let Asynchronous::Begun { .. } = self.state
            // Nothing is in flight should this panic.
            && let Asynchronous::Begun {
                operation,
                site,
                object,
                key,
                shared,
            } = std::mem::replace(&mut self.state, Asynchronous::Inert)
        {
            let key = key.map(|hash| Key { hash, debug: None });
            self.inherited = Some(bequeath().into_future());
            self.state = if operation.is_thread_safe() {
                let call = Call::new(operation, site, key);
                Asynchronous::Access(regions::begin_access(call, object))
            } else {
                shared.replace(Some(token(operation, site, object, key)));
                Asynchronous::InFlight(End(Some(shared)))
            };
        }
        let polled = match &mut self.inherited {
            Some(inherited) if !planted(Defect::OperationForgets) => inherited.poll(cx, body),
            _ => body(cx),
        };
        if let Poll::Ready(result) = &polled {
            let state = std::mem::replace(&mut self.state, Asynchronous::Inert);
            if let Asynchronous::Access(section) = state {
                regions::end_access(section, wrote(result));
            }
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::super::enter;
    use super::super::tests::{READ, WRITE, here};
    use crate::asynchronous::Called;
    use crate::sync::Arc;
    use crate::thread;
    use ::loom::sync::atomic::AtomicBool;
    use ::loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
    use std::task::Poll;

    /// An async operation is polled on one thread, and once more, to its end, on another, which then sets a flag with `publish`.
    fn polled_by_two(publish: Ordering) {
        let done = Arc::new(AtomicBool::new(false));
        let (site, list) = here();
        let mut polls = 0;
        let body = std::future::poll_fn(move |_| {
            polls += 1;
            match polls {
                1 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        });
        let operation = crate::asynchronous::begin(&WRITE, Called::at(site), list, None);
        let mut operation = Box::pin(operation.run(body));
        let mut poll = move || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            operation.as_mut().poll(&mut cx)
        };
        // Nothing is in flight before the first poll.
        drop(enter(&WRITE, site, list, None));
        assert!(poll().is_pending());
        let other = {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                assert!(poll().is_ready());
                done.store(true, publish);
            })
        };
        if done.load(Acquire) {
            drop(enter(&READ, site, list, None));
        }
        other.join().unwrap();
        drop(enter(&READ, site, list, None));
    }

    #[test]
    fn an_async_operation_ends_where_it_is_complete() {
        let exploration = crate::model(|| polled_by_two(Release));
        assert!(exploration.executions() > 1);
    }

    #[test]
    #[should_panic(expected = "`List::push` (write) at")]
    fn an_async_operation_that_was_completed_unseen_is_in_the_way() {
        crate::model(|| polled_by_two(Relaxed));
    }
}
