//! Deliberate defects of the shims, which their models must reject. Outside of those nothing is left of them.

/// One mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// `OnceLock` says that the value is there by a relaxed store.
    RelaxedPublication,
    /// `OnceLock` is read after a relaxed load.
    RelaxedGet,
    /// `OnceLock` is not looked at again under the lock.
    InitialisedTwice,
    /// `Condvar::wait_while` believes the first notification.
    WaitsOnce,
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn planted(_: Defect) -> bool {
    false
}

#[cfg(test)]
pub(crate) use self::modelled::{plant, planted};

#[cfg(test)]
mod modelled {
    use super::Defect;
    use std::sync::OnceLock;

    static PLANTED: OnceLock<Defect> = OnceLock::new();

    /// Plants `defect` in this process, for good: each mutant has a process of its own.
    pub(crate) fn plant(defect: Defect) {
        PLANTED.set(defect).expect("one mutant a process");
    }

    pub(crate) fn planted(defect: Defect) -> bool {
        PLANTED.get() == Some(&defect)
    }
}
