//! Nothing is watched: values of size zero, calls of nothing.

/// A call that is about to be made.
#[derive(Debug)]
pub(crate) struct Coming;

impl Coming {
    #[inline(always)]
    pub(crate) fn is_watched(&self) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn enter(self) -> Call {
        Call
    }
}

/// A call that is being made.
#[derive(Debug)]
pub(crate) struct Call;

impl Call {
    #[inline(always)]
    pub(crate) fn read(self) {}

    #[inline(always)]
    pub(crate) fn overwrote(self, _is_changed: bool) {}

    #[inline(always)]
    pub(crate) fn updated(self) {}

    #[inline(always)]
    pub(crate) fn revalidated(self, _wrote: bool) {}

    #[inline(always)]
    pub(crate) fn refused(self) {}

    #[inline(always)]
    pub(crate) fn keys(&self) -> Keys {
        Keys
    }

    #[inline(always)]
    pub(crate) fn swept(self, _keys: Keys) {}

    #[inline(always)]
    pub(crate) fn cleared(self, _keys: Keys) {}

    #[inline(always)]
    pub(crate) fn shared(self) -> Held {
        Held
    }

    #[inline(always)]
    pub(crate) fn exclusive(self) -> Held {
        Held
    }
}

/// The keys that a call of all of them writes.
#[derive(Debug)]
pub(crate) struct Keys;

impl Keys {
    #[inline(always)]
    pub(crate) fn add<K>(&mut self, _key: &K) {}
}

/// Part of a guard.
#[derive(Debug)]
pub(crate) struct Held;

impl Held {
    #[inline(always)]
    pub(crate) fn found(self) -> Self {
        self
    }

    #[inline(always)]
    pub(crate) fn looked(self) -> Self {
        self
    }

    #[inline(always)]
    pub(crate) fn late(self) -> Self {
        self
    }

    #[inline(always)]
    pub(crate) fn looks(&self) {}

    #[inline(always)]
    pub(crate) fn writes(&self) {}

    #[inline(always)]
    pub(crate) fn common(self) -> Common {
        Common
    }
}

/// Part of several guards of one section.
#[derive(Clone, Debug)]
pub(crate) struct Common;

impl Common {
    #[inline(always)]
    pub(crate) fn looks(&self) {}

    #[inline(always)]
    pub(crate) fn writes<K>(&mut self, _key: &K) {}
}

/// Part of an object.
#[derive(Debug, Default)]
pub(crate) struct Identity;

impl Identity {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self
    }
}
