//! Async operations, as expansions write them: `begin(&OPERATION, called, object, key).run(async move { … })`.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::backend;
use crate::contract::{Key, Object, Operation};

/// Where and when a function was called.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    site: &'static Location<'static>,
    moment: backend::Moment,
}

impl Called {
    /// Here and now: the caller's line.
    #[track_caller]
    #[inline]
    pub fn now() -> Self {
        Self::at(Location::caller())
    }

    /// Now, at `site`.
    #[inline]
    pub fn at(site: &'static Location<'static>) -> Self {
        Self {
            site,
            moment: backend::Moment::now(),
        }
    }
}

/// An async operation that has been called; in flight once what it [runs](Self::run) is polled.
#[must_use]
#[derive(Debug)]
pub struct Operating(backend::Operating);

/// Captures what will be in flight; nothing is yet.
#[inline]
pub fn begin(
    operation: &'static Operation,
    called: Called,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    Operating(backend::begin(
        operation,
        called.site,
        called.moment,
        object,
        key,
    ))
}

impl Operating {
    /// An operation that is not watched.
    #[inline]
    pub fn inert() -> Self {
        Self(backend::Operating::inert())
    }

    /// The operation with its body: in flight from the first poll until it is complete or dropped.
    #[inline]
    pub fn run<F: Future>(self, body: F) -> Running<F> {
        Running {
            operating: self.0,
            body,
        }
    }
}

/// The future of an async operation.
//
// The operation first: it ends before the body is dropped, and with it perhaps the object.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Running<F> {
    operating: backend::Operating,
    body: F,
}

impl<F: Future> Future for Running<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `body` is never moved: it is pinned wherever `Running` is, which is `Unpin` only if `body` is, has no `drop` of
        // its own, and hands out no reference to it but this one.
        let (operating, body) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.operating, Pin::new_unchecked(&mut this.body))
        };
        operating.poll(cx, |cx| body.poll(cx))
    }
}

// It has the auto traits of its body.
const _: () = {
    const fn moves<T: Send + Sync + Unpin>() {}
    moves::<Running<std::future::Ready<()>>>();
    moves::<Operating>();
    moves::<Called>();
};
