use tokio::sync as tokio;

use super::guard;
use super::lent::Lent;

/// [`tokio::sync::RwLockReadGuard`](::tokio::sync::RwLockReadGuard) of an [`RwLock`](super::RwLock).
#[must_use = "if unused the lock is released at once"]
pub struct RwLockReadGuard<'a, T: ?Sized>(pub(super) Lent<tokio::RwLockReadGuard<'a, T>>);

/// [`tokio::sync::RwLockWriteGuard`](::tokio::sync::RwLockWriteGuard) of an [`RwLock`](super::RwLock).
#[must_use = "if unused the lock is released at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized>(pub(super) Lent<tokio::RwLockWriteGuard<'a, T>>);

/// [`tokio::sync::RwLockMappedWriteGuard`](::tokio::sync::RwLockMappedWriteGuard) of an [`RwLock`](super::RwLock).
pub struct RwLockMappedWriteGuard<'a, T: ?Sized>(Lent<tokio::RwLockMappedWriteGuard<'a, T>>);

guard!(['a, T: ?Sized] RwLockReadGuard<'a, T>, T);
guard!(mut ['a, T: ?Sized] RwLockWriteGuard<'a, T>, T);
guard!(mut ['a, T: ?Sized] RwLockMappedWriteGuard<'a, T>, T);

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// [`tokio::sync::RwLockReadGuard::map`](::tokio::sync::RwLockReadGuard::map).
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard(this.0.map(|inner| tokio::RwLockReadGuard::map(inner, f)))
    }

    /// [`tokio::sync::RwLockReadGuard::try_map`](::tokio::sync::RwLockReadGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        this.0
            .try_map(|inner| tokio::RwLockReadGuard::try_map(inner, f))
            .map(RwLockReadGuard)
            .map_err(Self)
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// [`tokio::sync::RwLockWriteGuard::map`](::tokio::sync::RwLockWriteGuard::map).
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RwLockMappedWriteGuard(this.0.map(|inner| tokio::RwLockWriteGuard::map(inner, f)))
    }

    /// [`tokio::sync::RwLockWriteGuard::try_map`](::tokio::sync::RwLockWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        this.0
            .try_map(|inner| tokio::RwLockWriteGuard::try_map(inner, f))
            .map(RwLockMappedWriteGuard)
            .map_err(Self)
    }

    /// [`tokio::sync::RwLockWriteGuard::downgrade_map`](::tokio::sync::RwLockWriteGuard::downgrade_map).
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard(
            this.0
                .map(|inner| tokio::RwLockWriteGuard::downgrade_map(inner, f))
                .downgraded(),
        )
    }

    /// [`tokio::sync::RwLockWriteGuard::try_downgrade_map`](::tokio::sync::RwLockWriteGuard::try_downgrade_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        this.0
            .try_map(|inner| tokio::RwLockWriteGuard::try_downgrade_map(inner, f))
            .map(|lent| RwLockReadGuard(lent.downgraded()))
            .map_err(Self)
    }

    /// [`tokio::sync::RwLockWriteGuard::into_mapped`](::tokio::sync::RwLockWriteGuard::into_mapped).
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockMappedWriteGuard(this.0.with(tokio::RwLockWriteGuard::into_mapped))
    }

    /// [`tokio::sync::RwLockWriteGuard::downgrade`](::tokio::sync::RwLockWriteGuard::downgrade).
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard(self.0.with(tokio::RwLockWriteGuard::downgrade).downgraded())
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// [`tokio::sync::RwLockMappedWriteGuard::map`](::tokio::sync::RwLockMappedWriteGuard::map).
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RwLockMappedWriteGuard(
            this.0
                .map(|inner| tokio::RwLockMappedWriteGuard::map(inner, f)),
        )
    }

    /// [`tokio::sync::RwLockMappedWriteGuard::try_map`](::tokio::sync::RwLockMappedWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// With the guard, if `f` returns nothing.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        this.0
            .try_map(|inner| tokio::RwLockMappedWriteGuard::try_map(inner, f))
            .map(RwLockMappedWriteGuard)
            .map_err(Self)
    }
}
