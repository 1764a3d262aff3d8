//! Operations that are no function: iterators, critical phases, calls of code that cannot be annotated.

use std::hash::Hash;
use std::marker::PhantomData;

#[cfg(any(loom, feature = "detect"))]
use std::panic::Location;

#[cfg(any(loom, feature = "detect"))]
use crate::contract::{Access, Key, Object, Operation, Registry, hash_of};

/// Begins a scope on `object`: `let _op = tsvd::scope(&map).read();`.
///
/// The object is the value behind the reference, as for a method with `&self`; a pointer is not followed, so write
/// `tsvd::scope(&*shared)` for an `Arc`. Nothing happens before the last call, [`read`](ScopeBuilder::read),
/// [`write`](ScopeBuilder::write) or [`update`](ScopeBuilder::update).
///
/// ```
/// # let map = std::collections::HashMap::from([(1, "one")]);
/// let _op = tsvd::scope(&map).role("printer").read();
/// for (key, value) in &map {
///     println!("{key}: {value}");
/// }
/// ```
pub fn scope<T: ?Sized>(object: &T) -> ScopeBuilder<'_> {
    let _ = object;
    ScopeBuilder {
        #[cfg(any(loom, feature = "detect"))]
        object: Object::place(object),
        #[cfg(any(loom, feature = "detect"))]
        key: None,
        #[cfg(any(loom, feature = "detect"))]
        role: None,
        borrowed: PhantomData,
    }
}

/// A scope that is not entered yet.
#[must_use = "a scope begins with `.read()`, `.write()` or `.update()`"]
#[derive(Debug)]
pub struct ScopeBuilder<'a> {
    #[cfg(any(loom, feature = "detect"))]
    object: Object,
    #[cfg(any(loom, feature = "detect"))]
    key: Option<u64>,
    #[cfg(any(loom, feature = "detect"))]
    role: Option<&'static str>,
    borrowed: PhantomData<&'a ()>,
}

impl ScopeBuilder<'_> {
    /// Restricts the conflicts to the same key and to operations without key. Keys whose `Hash` is equal are one key.
    pub fn key<K: Hash + ?Sized>(self, key: &K) -> Self {
        let _ = key;
        Self {
            #[cfg(any(loom, feature = "detect"))]
            key: Some(hash_of(key)),
            ..self
        }
    }

    /// Restricts the conflicts to the same role and to operations without role.
    pub fn role(self, role: &'static str) -> Self {
        let _ = role;
        Self {
            #[cfg(any(loom, feature = "detect"))]
            role: Some(role),
            ..self
        }
    }

    /// Enters: reads the object until the scope is dropped.
    #[track_caller]
    pub fn read(self) -> Scope {
        self.enter(
            #[cfg(any(loom, feature = "detect"))]
            Access::Read,
        )
    }

    /// Enters: writes the object until the scope is dropped.
    #[track_caller]
    pub fn write(self) -> Scope {
        self.enter(
            #[cfg(any(loom, feature = "detect"))]
            Access::Write,
        )
    }

    /// Enters: reads and writes the object until the scope is dropped.
    #[track_caller]
    pub fn update(self) -> Scope {
        self.enter(
            #[cfg(any(loom, feature = "detect"))]
            Access::Update,
        )
    }

    #[cfg(not(any(loom, feature = "detect")))]
    fn enter(self) -> Scope {
        Scope {}
    }

    #[cfg(any(loom, feature = "detect"))]
    #[track_caller]
    fn enter(self, access: Access) -> Scope {
        let unwatched = || Scope {
            _token: crate::backend::Token::inert(),
        };
        if !crate::backend::enabled() || !self.object.is_watched() {
            return unwatched();
        }
        let site = Location::caller();
        let Some(operation) = operation(self.object.type_name(), access, self.role, site) else {
            return unwatched();
        };
        let key = self.key.map(|hash| Key { hash, debug: None });
        Scope {
            _token: crate::backend::token(operation, site, self.object, key),
        }
    }
}

/// An operation in flight from the call that returned it until its drop, on whatever thread.
///
/// It has no lifetime, so that it can be kept beside what it protects, in an iterator or a guard of your own. It must not
/// outlive its object: the object's address may by then be another's, and the end of the scope counts for that one. (A scope
/// that is leaked is harmless, and so is one whose thread has run the object's annotated `Drop::drop`.) Without detection
/// it is of size zero.
#[must_use = "a scope ends when it is dropped: bind it to a name"]
#[derive(Debug)]
pub struct Scope {
    #[cfg(any(loom, feature = "detect"))]
    _token: crate::backend::Token,
}

/// Runs `body` as a read of `object`.
#[track_caller]
pub fn reading<T: ?Sized, R>(object: &T, body: impl FnOnce() -> R) -> R {
    let _scope = scope(object).read();
    body()
}

/// Runs `body` as a write of `object`.
#[track_caller]
pub fn writing<T: ?Sized, R>(object: &T, body: impl FnOnce() -> R) -> R {
    let _scope = scope(object).write();
    body()
}

/// The operation of a scope: one for each line, access and role, made at its first call; `None` for an allocator at work
/// for the making of one.
#[cfg(any(loom, feature = "detect"))]
fn operation(
    contract: &'static str,
    access: Access,
    role: Option<&'static str>,
    site: &'static Location<'static>,
) -> Option<&'static Operation> {
    /// Lists that are looked through one after the other.
    const LISTS: usize = 256;
    static OPERATIONS: [Registry<Operation>; LISTS] = [const { Registry::new() }; LISTS];

    let place = |site: &Location<'static>| (site.line(), site.column());
    let (line, column) = place(site);
    let list = &OPERATIONS[(line.wrapping_mul(31) ^ column) as usize % LISTS];
    let is = |known: &Operation| {
        place(known.definition()) == (line, column)
            && known.access() == access
            && known.role() == role
            && known.contract() == contract
            && known.definition().file() == site.file()
    };
    let make = || {
        let operation = Operation::new(contract, "scope", access, site);
        match role {
            Some(role) => operation.with_role(role),
            None => operation,
        }
    };
    list.find_or_add(is, make).map(|(_, operation)| operation)
}
