//! Operations that are no function: iterators, critical phases, calls of code that cannot be annotated.

use std::hash::Hash;
use std::marker::PhantomData;

#[cfg(any(loom, feature = "detect"))]
use std::panic::Location;

#[cfg(any(loom, feature = "detect"))]
use crate::contract::{self, Access, Key, Object, Operation, Registry, hash_of};

/// Begins a scope on `object`: `let _op = tsvd::scope(&map).read();`.
///
/// The object is the value behind the reference, as for a method with `&self`; a pointer is not followed, so write
/// `tsvd::scope(&*shared)` for an `Arc`. Nothing happens before the last call, [`read`](ScopeBuilder::read),
/// [`write`](ScopeBuilder::write), [`update`](ScopeBuilder::update) or [`expect_atomic`](ScopeBuilder::expect_atomic).
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
        #[cfg(any(loom, feature = "detect"))]
        strict: false,
        borrowed: PhantomData,
    }
}

/// A scope that is not entered yet.
#[must_use = "a scope begins with `.read()`, `.write()`, `.update()` or `.expect_atomic()`"]
#[derive(Debug)]
pub struct ScopeBuilder<'a> {
    #[cfg(any(loom, feature = "detect"))]
    object: Object,
    #[cfg(any(loom, feature = "detect"))]
    key: Option<u64>,
    #[cfg(any(loom, feature = "detect"))]
    role: Option<&'static str>,
    #[cfg(any(loom, feature = "detect"))]
    strict: bool,
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

    /// Makes a region last until it is dropped, rather than until its last access: see
    /// [`expect_atomic`](ScopeBuilder::expect_atomic).
    pub fn strict(self) -> Self {
        Self {
            #[cfg(any(loom, feature = "detect"))]
            strict: true,
            ..self
        }
    }

    /// Begins a region that is expected to be atomic: what this thread learns of the object, under this key and role, stays true
    /// while it acts on it. See [`Region`].
    ///
    /// ```
    /// # let sessions = std::sync::Mutex::new(std::collections::HashMap::from([(1, "one")]));
    /// let _region = tsvd::scope(&sessions).key(&1).expect_atomic();
    /// let known = sessions.lock().unwrap().contains_key(&1);
    /// if !known {
    ///     sessions.lock().unwrap().insert(1, "uno");
    /// }
    /// ```
    #[track_caller]
    pub fn expect_atomic(self) -> Region {
        #[cfg(any(loom, feature = "detect"))]
        {
            let site = Location::caller();
            let watched = crate::backend::enabled() && self.object.is_watched();
            let declared = watched
                .then(|| declared(self.object.type_name(), self.strict, site))
                .flatten();
            Region {
                guard: declared.map(|declared| {
                    let on = crate::backend::On {
                        object: self.object,
                        role: self.role,
                        key: self.key,
                    };
                    crate::backend::region(declared, Some(on))
                }),
            }
        }
        #[cfg(not(any(loom, feature = "detect")))]
        Region {
            thread: PhantomData,
        }
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

/// A region expected to be atomic, from the call that returned it until its drop.
///
/// It checks, and locks nothing. Between two accesses of this thread to the object, a call of another context under a
/// [thread-safe contract](macro@crate::contract) must not be such that no order of the three, one after the other, has the same
/// effect: a write between two reads, between a read and a write, or between a write and a read, or a read between two writes. With
/// [`strict`](ScopeBuilder::strict) the end of the region is a last read. What an access *did* counts, and what of it could not be
/// interrupted: a lock that is taken for writing and then looked into first starts the region anew, and so does
/// [`restart`](Region::restart).
///
/// A thread that the region waits for is a part of it if it inherits it: threads of [`tsvd::thread`](crate::thread), and closures
/// of [`context::inherit`](crate::context::inherit). Others are strangers, and reported as such.
///
/// The region is about what its thread does: it cannot be sent, and it must not be held over an `.await`, for another task on the same
/// thread would be taken for its own; use the attribute on an `async fn` for those. Its object must outlive it: what comes to lie at the
/// same address would be taken for it. One that is leaked lasts as long as its thread. Without detection it is of size zero.
///
/// In a [model](crate::model()) the same is checked in every execution: one in which the region was interrupted fails.
#[must_use = "a region ends when it is dropped: bind it to a name"]
#[derive(Debug)]
pub struct Region {
    #[cfg(any(loom, feature = "detect"))]
    guard: Option<crate::backend::RegionGuard>,
    #[cfg(not(any(loom, feature = "detect")))]
    thread: PhantomData<*const ()>,
}

impl Region {
    /// The region starts anew: all that its thread has learnt so far was looked at again, or is thrown away. For retries, and
    /// where a version number tells that nothing has changed. It has to come before the second access, at which a violation is
    /// [reported](revalidated).
    pub fn restart(&self) {
        #[cfg(any(loom, feature = "detect"))]
        if let Some(guard) = &self.guard {
            guard.restart();
        }
    }
}

/// What the calling thread's regions have learnt of `object` was looked at anew: they start anew as far as it is concerned.
///
/// For schemes that only you can see: a version number that has not changed, a second look under a lock of which `tsvd` does
/// not know. Without regions it does nothing.
///
/// The object is the value behind the reference, as for [`scope`]; a pointer is not followed, so write `tsvd::revalidated(&*shared)`
/// for an `Arc`: `&shared` is about the pointer, of which a region has learnt nothing.
///
/// It comes too late for what is already reported, and that is at the region's second access: an attempt that is going to be thrown away
/// must not read the same part twice. Let it read once and keep the value, as `len` here, or call this before the second read, as for
/// `version`:
///
/// ```
/// use tsvd::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
///
/// struct List {
///     version: AtomicU32,
///     len: AtomicUsize,
///     items: [AtomicU32; 4],
/// }
///
/// #[tsvd::expect_atomic]
/// fn sum(list: &List) -> u32 {
///     loop {
///         let version = list.version.load(SeqCst);
///         let len = list.len.load(SeqCst);
///         let sum = list.items[..len].iter().map(|item| item.load(SeqCst)).sum();
///         tsvd::revalidated(&list.version);
///         if list.version.load(SeqCst) == version {
///             return sum;
///         }
///         // Thrown away.
///         tsvd::revalidated(&list.version);
///         tsvd::revalidated(&list.len);
///         list.items.iter().for_each(tsvd::revalidated);
///     }
/// }
/// # if cfg!(loom) {
/// #     return;
/// # }
/// # let list = List { version: 0.into(), len: 2.into(), items: [1, 2, 3, 4].map(AtomicU32::new) };
/// # assert_eq!(sum(&list), 3);
/// ```
pub fn revalidated<T: ?Sized>(object: &T) {
    let _ = object;
    #[cfg(any(loom, feature = "detect"))]
    crate::backend::revalidated(Object::place(object));
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

/// The region of a scope: one for each line, made at its first call.
#[cfg(any(loom, feature = "detect"))]
fn declared(
    r#type: &'static str,
    strict: bool,
    site: &'static Location<'static>,
) -> Option<&'static contract::Region> {
    static REGIONS: Registry<contract::Region> = Registry::new();
    let is = |known: &contract::Region| {
        known.definition() == site
            && known.is_strict() == strict
            && known.end().contract() == r#type
    };
    let make = || contract::Region::new(r#type, "scope", strict, site).of_scope();
    REGIONS.find_or_add(is, make).map(|(_, region)| region)
}
