//! Stand-ins for what the runtime will provide, so that expansions compile and run until it is there.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Guard, Key, Object, Operation};

#[derive(Clone, Copy, Debug)]
pub struct Called(&'static Location<'static>);

impl Called {
    #[track_caller]
    #[inline]
    pub fn now() -> Self {
        Self(Location::caller())
    }

    pub fn at(site: &'static Location<'static>) -> Self {
        Self(site)
    }
}

#[derive(Debug)]
pub struct Operating(Option<(&'static Operation, Called, Object, Option<u64>)>);

pub fn begin(
    operation: &'static Operation,
    called: Called,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    Operating(Some((operation, called, object, key.map(|key| key.hash))))
}

impl Operating {
    pub fn inert() -> Self {
        Self(None)
    }

    pub fn run<F: Future>(self, body: F) -> Running<F> {
        Running {
            body,
            operating: self,
            token: None,
        }
    }

    /// Computes `when` of the output before the operation leaves.
    pub fn run_when<F: Future, W: FnOnce(&F::Output) -> bool>(
        self,
        body: F,
        when: W,
    ) -> Running<impl Future<Output = F::Output>> {
        self.run(async move {
            let output = body.await;
            when(&output);
            output
        })
    }
}

#[derive(Debug)]
pub struct Running<F> {
    body: F,
    operating: Operating,
    token: Option<crate::backend::Token>,
}

impl<F: Future> Future for Running<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out, and the body is pinned as long as this is.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some((operation, called, object, hash)) = this.operating.0.take() {
            let key = hash.map(|hash| Key { hash, debug: None });
            this.token = Some(crate::backend::token(operation, called.0, object, key));
        }
        // SAFETY: as above.
        let polled = unsafe { Pin::new_unchecked(&mut this.body) }.poll(context);
        if polled.is_ready() {
            this.token = None;
        }
        polled
    }
}

/// A thread-safe operation is never in conflict: not watched at all.
#[must_use]
#[derive(Debug)]
pub struct AccessGuard(PhantomData<*const ()>);

pub fn access(
    _: &'static Operation,
    _: &'static Location<'static>,
    _: Object,
    _: Option<Key<'_>>,
) -> AccessGuard {
    AccessGuard(PhantomData)
}

impl AccessGuard {
    pub fn inert() -> Self {
        Self(PhantomData)
    }

    pub fn when(&self, _: bool) {}
}

impl Guard {
    pub fn when(&self, _: bool) {}
}

#[derive(Debug)]
pub struct Region;

impl Region {
    pub const fn new(
        _: &'static str,
        _: &'static str,
        _strict: bool,
        _: &'static Location<'static>,
    ) -> Self {
        Self
    }
}

#[must_use]
#[derive(Debug)]
pub struct RegionGuard(PhantomData<*const ()>);

pub fn region(_: &'static Region, _: &'static Location<'static>) -> RegionGuard {
    RegionGuard(PhantomData)
}

impl RegionGuard {
    pub fn inert() -> Self {
        Self(PhantomData)
    }
}

#[derive(Debug)]
pub struct OperatingRegion(());

pub fn begin_region(_: &'static Region, _: Called) -> OperatingRegion {
    OperatingRegion(())
}

impl OperatingRegion {
    pub fn inert() -> Self {
        Self(())
    }

    pub fn run<F: Future>(self, body: F) -> F {
        body
    }
}

/// Runs the body once.
#[derive(Clone, Copy, Debug)]
pub struct Test;

impl Test {
    pub const fn new(_: &'static str) -> Self {
        Self
    }

    pub const fn rounds(self, _: u32) -> Self {
        self
    }

    pub const fn expects(self, _: &'static str) -> Self {
        self
    }

    pub fn run<R>(self, mut body: impl FnMut() -> R) -> R {
        body()
    }

    pub async fn run_async<R, F: Future<Output = R>>(self, mut body: impl FnMut() -> F) -> R {
        body().await
    }
}
