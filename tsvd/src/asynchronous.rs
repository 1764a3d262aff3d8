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

/// The same for the future that a function returns whose body has run before the first poll: never held, for what it has begun may be
/// at work.
#[inline]
pub fn begin_returned(
    operation: &'static Operation,
    called: Called,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    Operating(begin(operation, called, object, key).0.never_held())
}

/// Ends the operation when the body drops it.
#[derive(Debug)]
pub struct OperatingEnd(#[expect(dead_code, reason = "held for its drop")] backend::End);

impl Operating {
    /// An operation that is not watched.
    #[inline]
    pub fn inert() -> Self {
        Self(backend::Operating::inert())
    }

    /// With what its body owns as the last of its parameters, and so drops before the others, but after its locals.
    #[inline]
    pub fn with_end(self) -> (Self, OperatingEnd) {
        let (operating, end) = self.0.with_end();
        (Self(operating), OperatingEnd(end))
    }

    /// The operation with its body: in flight from the first poll until it is complete or dropped, or its end is.
    #[inline]
    pub fn run<F: Future>(self, body: F) -> Running<F> {
        self.run_told(body, Untold)
    }

    /// The same for an operation that really wrote only if `when` says so of its output.
    #[inline]
    pub fn run_when<F: Future, W: FnOnce(&F::Output) -> bool>(
        self,
        body: F,
        when: W,
    ) -> Running<F, When<W>> {
        self.run_told(body, When(Some(when)))
    }

    fn run_told<F, W>(self, body: F, tells: W) -> Running<F, W> {
        Running {
            operating: self.0,
            tells,
            body,
        }
    }
}

/// What an operation's output says of what it did.
pub trait Tells<R> {
    /// Whether it really wrote; `None` for what it declares. Asked once.
    fn wrote(&mut self, output: &R) -> Option<bool>;
}

/// Nothing.
#[derive(Debug)]
pub struct Untold;

impl<R> Tells<R> for Untold {
    #[inline]
    fn wrote(&mut self, _: &R) -> Option<bool> {
        None
    }
}

/// What the user's closure says.
pub struct When<W>(Option<W>);

impl<W> std::fmt::Debug for When<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("When").finish_non_exhaustive()
    }
}

// The closure is never pinned.
impl<W> Unpin for When<W> {}

impl<R, W: FnOnce(&R) -> bool> Tells<R> for When<W> {
    fn wrote(&mut self, output: &R) -> Option<bool> {
        let when = self.0.take()?;
        Some(when(output))
    }
}

/// The future of an async operation.
//
// The operation first: it ends before the body is dropped, and with it perhaps the object.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Running<F, W = Untold> {
    operating: backend::Operating,
    tells: W,
    body: F,
}

impl<F: Future, W: Tells<F::Output>> Future for Running<F, W> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `body` is never moved: it is pinned wherever `Running` is, which is `Unpin` only if `body` is, has no `drop` of
        // its own, and hands out no reference to it but this one.
        let (operating, tells, body) = unsafe {
            let this = self.get_unchecked_mut();
            let body = Pin::new_unchecked(&mut this.body);
            (&mut this.operating, &mut this.tells, body)
        };
        operating.poll(cx, |cx| body.poll(cx), |output| tells.wrote(output))
    }
}

// It has the auto traits of its body.
const _: () = {
    const fn moves<T: Send + Sync + Unpin>() {}
    moves::<Running<std::future::Ready<()>>>();
    moves::<Operating>();
    moves::<OperatingEnd>();
    moves::<Called>();
};
