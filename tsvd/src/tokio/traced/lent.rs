use std::ops::{Deref, DerefMut};

use crate::section::{Call, Held};
use crate::sync::traced::Releasing;

/// A guard that borrows its lock, and its access, which ends after the lock is given back.
pub(super) struct Lent<G> {
    releasing: Releasing,
    inner: G,
    section: Held,
}

impl<G> Lent<G> {
    #[inline]
    pub(super) fn shared(releasing: Releasing, inner: G, section: Call) -> Self {
        Self {
            releasing,
            inner,
            section: section.shared(),
        }
    }

    #[inline]
    pub(super) fn exclusive(releasing: Releasing, inner: G, section: Call) -> Self {
        Self {
            releasing,
            inner,
            section: section.exclusive(),
        }
    }

    /// The same access goes on with what `wrap` makes of the guard.
    #[inline]
    pub(super) fn with<H>(self, wrap: impl FnOnce(G) -> H) -> Lent<H> {
        let Self {
            releasing,
            inner,
            section,
        } = self;
        Lent {
            inner: wrap(inner),
            releasing,
            section,
        }
    }

    /// The same for a closure that looks at the value.
    #[inline]
    pub(super) fn map<H>(self, wrap: impl FnOnce(G) -> H) -> Lent<H> {
        self.section.looks();
        self.with(wrap)
    }

    /// The same where the guard may be given back.
    #[inline]
    pub(super) fn try_map<H>(self, wrap: impl FnOnce(G) -> Result<H, G>) -> Result<Lent<H>, Self> {
        let Self {
            releasing,
            inner,
            section,
        } = self;
        section.looks();
        match wrap(inner) {
            Ok(inner) => Ok(Lent {
                releasing,
                inner,
                section,
            }),
            Err(inner) => Err(Self {
                releasing,
                inner,
                section,
            }),
        }
    }

    /// Others may read beside it from now on.
    #[inline]
    pub(super) fn downgraded(self) -> Self {
        Self {
            releasing: self.releasing.downgraded(),
            ..self
        }
    }
}

impl<G: Deref> Lent<G> {
    #[inline]
    pub(super) fn look(&self) -> &G::Target {
        self.section.looks();
        &self.inner
    }
}

impl<G: DerefMut> Lent<G> {
    #[inline]
    pub(super) fn lend(&mut self) -> &mut G::Target {
        self.section.writes();
        &mut self.inner
    }
}
