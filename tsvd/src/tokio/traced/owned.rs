use std::mem;
use std::sync::Arc;

use tokio::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

use crate::section::{Call, Held};
use crate::sync::traced::Releasing;

/// A guard of tokio's that borrows its lock.
pub(super) trait Guard {
    /// Others may read beside it from now on.
    fn downgraded<'a>(self: Box<Self>) -> Box<dyn Guard + 'a>
    where
        Self: 'a;
}

impl<T: ?Sized> Guard for MutexGuard<'_, T> {
    fn downgraded<'a>(self: Box<Self>) -> Box<dyn Guard + 'a>
    where
        Self: 'a,
    {
        self
    }
}

impl<T: ?Sized> Guard for RwLockReadGuard<'_, T> {
    fn downgraded<'a>(self: Box<Self>) -> Box<dyn Guard + 'a>
    where
        Self: 'a,
    {
        self
    }
}

impl<T: ?Sized> Guard for RwLockWriteGuard<'_, T> {
    fn downgraded<'a>(self: Box<Self>) -> Box<dyn Guard + 'a>
    where
        Self: 'a,
    {
        Box::new((*self).downgrade())
    }
}

/// A guard beside the handle of the lock that it borrows, and a pointer `P` to what it guards.
//
// tokio's own owned guards take an `Arc` of tokio's lock, which is a part of ours. The guard has no type here: it would have to name
// a lifetime, and `T` may be shorter than any that could be named.
pub(super) struct Owned<L: ?Sized, P> {
    releasing: Releasing,
    guard: Box<dyn Guard>,
    section: Held,
    value: P,
    // Below the guard, which borrows it.
    lock: Arc<L>,
}

impl<L: ?Sized, P> Owned<L, P> {
    /// # Safety
    ///
    /// `guard` borrows nothing but what `lock` points to, and `value` points to what it guards, and may be used as it allows.
    #[inline]
    unsafe fn new<'a>(
        releasing: Releasing,
        guard: impl Guard + 'a,
        section: Held,
        value: P,
        lock: Arc<L>,
    ) -> Self {
        let guard: Box<dyn Guard + 'a> = Box::new(guard);
        Self {
            releasing,
            // SAFETY: only the lifetime is another. The guard does not leave `Owned`, which has the lock's handle as long, and drops it
            // after the guard; nor does the lock move, for it is in an `Arc`.
            guard: unsafe { mem::transmute::<Box<dyn Guard + 'a>, Box<dyn Guard>>(guard) },
            section,
            value,
            lock,
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> &Arc<L> {
        &self.lock
    }

    /// The same access goes on with another part of the value.
    #[inline]
    fn at<Q>(self, value: Q) -> Owned<L, Q> {
        Owned {
            releasing: self.releasing,
            guard: self.guard,
            section: self.section,
            value,
            lock: self.lock,
        }
    }

    /// Others may read beside it from now on.
    #[inline]
    fn downgraded(self) -> Self {
        Self {
            releasing: self.releasing.downgraded(),
            guard: self.guard.downgraded(),
            ..self
        }
    }
}

impl<L: ?Sized, U: ?Sized> Owned<L, *const U> {
    /// # Safety
    ///
    /// `guard` is of the lock that `lock` points to.
    #[inline]
    pub(super) unsafe fn shared<'a, G>(
        releasing: Releasing,
        guard: G,
        section: Call,
        lock: &Arc<L>,
    ) -> Self
    where
        G: Guard + std::ops::Deref<Target = U> + 'a,
    {
        let value: *const U = &*guard;
        let lock = Arc::clone(lock);
        // SAFETY: see above; the value is where it is while the guard is held, and nobody writes it.
        unsafe { Self::new(releasing, guard, section.shared(), value, lock) }
    }

    #[inline]
    pub(super) fn look(&self) -> &U {
        self.section.looks();
        // SAFETY: the guard is held, and lends it to be read.
        unsafe { &*self.value }
    }

    #[inline]
    pub(super) fn map<V: ?Sized>(self, f: impl FnOnce(&U) -> &V) -> Owned<L, *const V> {
        let value: *const V = f(self.look());
        self.at(value)
    }

    #[inline]
    pub(super) fn try_map<V: ?Sized>(
        self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<Owned<L, *const V>, Self> {
        match f(self.look()).map(|value| value as *const V) {
            Some(value) => Ok(self.at(value)),
            None => Err(self),
        }
    }
}

impl<L: ?Sized, U: ?Sized> Owned<L, *mut U> {
    /// # Safety
    ///
    /// `guard` is of the lock that `lock` points to.
    #[inline]
    pub(super) unsafe fn exclusive<'a, G>(
        releasing: Releasing,
        mut guard: G,
        section: Call,
        lock: &Arc<L>,
    ) -> Self
    where
        G: Guard + std::ops::DerefMut<Target = U> + 'a,
    {
        let value: *mut U = &mut *guard;
        let lock = Arc::clone(lock);
        // SAFETY: see above; the value is where it is while the guard is held, which is not dereferenced again.
        unsafe { Self::new(releasing, guard, section.exclusive(), value, lock) }
    }

    #[inline]
    pub(super) fn look(&self) -> &U {
        self.section.looks();
        // SAFETY: the guard is held, and `self` alone may use it.
        unsafe { &*self.value }
    }

    #[inline]
    pub(super) fn lend(&mut self) -> &mut U {
        self.section.writes();
        self.value()
    }

    /// What a closure looks at.
    #[inline]
    fn value(&mut self) -> &mut U {
        // SAFETY: the guard is held, and `self`, which nobody else has, alone may use it.
        unsafe { &mut *self.value }
    }

    #[inline]
    pub(super) fn map<V: ?Sized>(mut self, f: impl FnOnce(&mut U) -> &mut V) -> Owned<L, *mut V> {
        self.section.looks();
        let value: *mut V = f(self.value());
        self.at(value)
    }

    #[inline]
    pub(super) fn try_map<V: ?Sized>(
        mut self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<Owned<L, *mut V>, Self> {
        self.section.looks();
        match f(self.value()).map(|value| value as *mut V) {
            Some(value) => Ok(self.at(value)),
            None => Err(self),
        }
    }

    #[inline]
    pub(super) fn downgrade(self) -> Owned<L, *const U> {
        let value = self.value.cast_const();
        self.downgraded().at(value)
    }

    #[inline]
    pub(super) fn downgrade_map<V: ?Sized>(self, f: impl FnOnce(&U) -> &V) -> Owned<L, *const V> {
        let value: *const V = f(self.look());
        self.downgraded().at(value)
    }

    #[inline]
    pub(super) fn try_downgrade_map<V: ?Sized>(
        self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<Owned<L, *const V>, Self> {
        match f(self.look()).map(|value| value as *const V) {
            Some(value) => Ok(self.downgraded().at(value)),
            None => Err(self),
        }
    }
}
