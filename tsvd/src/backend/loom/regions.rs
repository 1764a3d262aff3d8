//! Accesses under thread-safe contracts: no two of them are in each other's way.

use std::marker::PhantomData;
use std::panic::Location;
use std::task::{Context as Poller, Poll};

use crate::contract::{Key, Object, Operation, Region};

#[derive(Debug)]
pub(crate) struct AccessGuard(());

impl AccessGuard {
    #[inline]
    pub(crate) fn inert() -> Self {
        Self(())
    }

    #[inline]
    pub(crate) fn when(&self, _wrote: bool) {}
}

#[inline]
pub(crate) fn access(
    _: &'static Operation,
    _: &'static Location<'static>,
    _: Object,
    _: Option<Key<'_>>,
) -> AccessGuard {
    AccessGuard(())
}

/// A region, which is not checked.
#[derive(Debug)]
pub(crate) struct RegionGuard(PhantomData<*const ()>);

/// What a scope's region is about.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "regions are not checked")]
pub(crate) struct On {
    pub(crate) object: Object,
    pub(crate) role: Option<&'static str>,
    pub(crate) key: Option<u64>,
}

impl RegionGuard {
    pub(crate) fn restart(&self) {}
}

pub(crate) fn region(_: &'static Region, _: Option<On>) -> RegionGuard {
    RegionGuard(PhantomData)
}

pub(crate) fn revalidated(_: Object) {}

/// A region of an `async fn`, which is not checked.
#[derive(Debug)]
pub(crate) struct PolledRegion(());

impl PolledRegion {
    pub(crate) fn new(_: &'static Region) -> Self {
        Self(())
    }

    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Poller<'_>,
        poll: impl FnOnce(&mut Poller<'_>) -> Poll<R>,
    ) -> Poll<R> {
        poll(cx)
    }
}
