//! Thread-safe contracts, and regions expected to be atomic.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::backend;
use crate::contract::for_macros::{Key, Object, Operation, Region};

/// An access under a thread-safe contract, to its drop on the same thread.
#[must_use]
#[derive(Debug)]
pub struct AccessGuard(backend::AccessGuard, PhantomData<*const ()>);

impl AccessGuard {
    /// The guard of an access that is not watched.
    #[inline]
    pub fn inert() -> Self {
        Self(backend::AccessGuard::inert(), PhantomData)
    }

    /// Whether the call, which is about to return, really wrote. If not, it is a read that looked anew.
    #[inline]
    pub fn when(&self, wrote: bool) {
        self.0.when(wrote);
    }
}

/// Begins an access: `operation` on `object`, called at `site`. Between the check and the act of a region it may be delayed.
#[inline]
pub fn access(
    operation: &'static Operation,
    site: &'static Location<'static>,
    object: Object,
    key: Option<Key<'_>>,
) -> AccessGuard {
    AccessGuard(backend::access(operation, site, object, key), PhantomData)
}

/// A region of a function, to its drop on the same thread.
#[must_use]
#[derive(Debug)]
pub struct RegionGuard(
    #[expect(dead_code, reason = "held for its drop")] Option<backend::RegionGuard>,
    PhantomData<*const ()>,
);

impl RegionGuard {
    /// The guard of a region that is not watched.
    #[inline]
    pub fn inert() -> Self {
        Self(None, PhantomData)
    }
}

/// Begins `region`; it was called at `site`.
pub fn region(region: &'static Region, _site: &'static Location<'static>) -> RegionGuard {
    RegionGuard(Some(backend::region(region, None)), PhantomData)
}

/// A region of an `async fn` that has not begun.
#[must_use]
#[derive(Debug)]
pub struct OperatingRegion(Option<backend::PolledRegion>);

/// Ends the region when the body drops it.
#[derive(Debug)]
pub struct OperatingRegionEnd(
    #[expect(dead_code, reason = "held for its drop")] Option<backend::RegionEnd>,
);

/// A future that is a region from its first poll to its completion or drop.
#[must_use = "futures do nothing unless polled"]
pub struct RunningRegion<F> {
    region: Option<backend::PolledRegion>,
    body: Pin<Box<F>>,
}

/// Begins the region of an `async fn` that was called at `called`.
pub fn begin_region(region: &'static Region, _called: super::Called) -> OperatingRegion {
    OperatingRegion(Some(backend::PolledRegion::new(region)))
}

impl OperatingRegion {
    /// One that is not watched.
    #[inline]
    pub fn inert() -> Self {
        Self(None)
    }

    /// With what its body owns as the last of its parameters.
    pub fn with_end(self) -> (Self, OperatingRegionEnd) {
        let end = self.0.as_ref().map(backend::PolledRegion::end);
        (self, OperatingRegionEnd(end))
    }

    /// The region's body.
    pub fn run<F: Future>(self, body: F) -> RunningRegion<F> {
        RunningRegion {
            region: self.0,
            body: Box::pin(body),
        }
    }
}

impl<F: Future> Future for RunningRegion<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { region, body } = self.get_mut();
        match region {
            Some(region) => region.poll(context, |context| body.as_mut().poll(context)),
            None => body.as_mut().poll(context),
        }
    }
}

impl<F> std::fmt::Debug for RunningRegion<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningRegion").finish_non_exhaustive()
    }
}
