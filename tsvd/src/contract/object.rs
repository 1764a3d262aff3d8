use std::any::type_name;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::{fmt, ops::Deref};

use super::Registry;

/// What an operation acts on: the same object is the same kind with the same word and type, whatever the contract.
#[derive(Clone, Copy)]
pub struct Object {
    /// Address, number of the resource, or id.
    word: u64,
    /// Hash of the type of a place; [`RESOURCE`], [`ID`] or [`UNWATCHED`] otherwise.
    type_word: u64,
    /// Which of the values that may have been here it is, if it knows itself; 0 otherwise. No part of the identity, but of whether what was
    /// remembered of it is of this one.
    #[cfg(any(loom, feature = "detect"))]
    number: u64,
    name: fn() -> &'static str,
}

/// No identity: a value of size zero, a null pointer.
const UNWATCHED: u64 = 0;
const RESOURCE: u64 = 1;
const ID: u64 = 2;

/// The kind of an object, as in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Place,
    Resource,
    Id,
}

impl Object {
    /// The value `place`, known by its address and type. A value of size zero has no identity of its own.
    #[inline]
    pub fn place<T: ?Sized>(place: &T) -> Self {
        if size_of_val(place) == 0 {
            return Self::unwatched();
        }
        let mut object = Self::at::<T>(std::ptr::from_ref(place).cast::<u8>().addr());
        if size_of::<&T>() > size_of::<usize>() {
            // `dyn Trait` is the type of an owner and of its first field alike, a slice of its own beginning.
            object.type_word =
                object.type_word.rotate_left(7) ^ (size_of_val(place) as u64) << 3 | 4;
        }
        object
    }

    #[inline]
    fn at<T: ?Sized>(address: usize) -> Self {
        Self {
            word: address as u64,
            type_word: type_word::<T>(),
            #[cfg(any(loom, feature = "detect"))]
            number: 0,
            name: type_name::<T>,
        }
    }

    /// Something outside memory, one per name and process. Unwatched where it is met for the first time by an allocator at
    /// work for this very call.
    pub fn resource(name: &'static str) -> Self {
        match RESOURCES.find_or_add(|known| *known == name, || name) {
            Some((index, _)) => Self {
                word: index as u64 + 1,
                type_word: RESOURCE,
                #[cfg(any(loom, feature = "detect"))]
                number: 0,
                name: || "resource",
            },
            None => Self::unwatched(),
        }
    }

    /// A value known by its [`ObjectId`](crate::ObjectId), wherever it moves.
    #[inline]
    pub fn id(id: &crate::ObjectId) -> Self {
        Self {
            word: id.number(),
            type_word: ID,
            #[cfg(any(loom, feature = "detect"))]
            number: 0,
            name: || "id",
        }
    }

    /// A value of a drop-in, which has a number in it.
    #[inline]
    pub(crate) fn of_identity<T: ?Sized>(place: &T, identity: &crate::section::Identity) -> Self {
        Self {
            number: identity.number(),
            ..Self::place(place)
        }
    }

    /// Whether what was at this place, `before`, can be the same value.
    pub(crate) fn may_be(self, before: Self) -> bool {
        self.number == 0 || before.number == 0 || self.number == before.number
    }

    #[inline]
    pub(crate) fn unwatched() -> Self {
        Self {
            word: 0,
            type_word: UNWATCHED,
            #[cfg(any(loom, feature = "detect"))]
            number: 0,
            name: || "",
        }
    }

    #[inline]
    pub(crate) fn is_watched(self) -> bool {
        self.type_word != UNWATCHED
    }

    /// What it is made of, to be passed in registers: the words of its identity, and what names its type.
    #[cfg_attr(loom, allow(dead_code, reason = "models need no registers"))]
    #[inline]
    pub(crate) fn into_parts(self) -> (u64, u64, fn() -> &'static str) {
        (self.word, self.type_word, self.name)
    }

    #[cfg_attr(loom, allow(dead_code, reason = "models need no registers"))]
    #[inline]
    pub(crate) fn from_parts(word: u64, type_word: u64, name: fn() -> &'static str) -> Self {
        Self {
            word,
            type_word,
            #[cfg(any(loom, feature = "detect"))]
            number: 0,
            name,
        }
    }

    /// The two words that decide identity.
    #[inline]
    pub(crate) fn words(self) -> [u64; 2] {
        [self.word, self.type_word]
    }

    pub(crate) fn kind(self) -> Kind {
        match self.type_word {
            RESOURCE => Kind::Resource,
            ID => Kind::Id,
            _ => Kind::Place,
        }
    }

    /// The type of a place, for reports.
    pub(crate) fn type_name(self) -> &'static str {
        (self.name)()
    }

    /// The name of a resource.
    pub(crate) fn resource_name(self) -> Option<&'static str> {
        if self.type_word != RESOURCE {
            return None;
        }
        let index = usize::try_from(self.word).ok()?.checked_sub(1)?;
        RESOURCES.get(index).copied()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.words() == other.words()
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x}", self.type_name(), self.word)
    }
}

/// Names of resources, compared as text; a place is what the number is made of.
static RESOURCES: Registry<&'static str> = Registry::new();

/// The identity of a type in one word, lifetimes left out (`typeid` needs no `'static`).
#[inline]
pub(crate) fn type_word<T: ?Sized>() -> u64 {
    struct Fold(u64);
    impl Hasher for Fold {
        #[inline]
        fn finish(&self) -> u64 {
            self.0
        }
        #[inline]
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.write_u64(u64::from(*byte));
            }
        }
        #[inline]
        fn write_u64(&mut self, word: u64) {
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 4;
        }
    }
    // `TypeId` is itself a hash and hashes as one word, which the compiler folds to a constant.
    let mut fold = Fold(0);
    typeid::of::<T>().hash(&mut fold);
    fold.finish()
}

/// Finds the object behind a place expression: pointers are followed one level to what they point to.
///
/// Inherent methods win over the trait [`Place`], which takes every other type as the place itself.
pub struct Probe<'a, P: ?Sized>(pub &'a P);

impl<P: ?Sized> fmt::Debug for Probe<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// Places that are no pointers.
pub trait Place {
    /// The place itself.
    fn object(&self) -> Object;
}

impl<P: ?Sized> Place for Probe<'_, P> {
    #[inline]
    fn object(&self) -> Object {
        Object::place(self.0)
    }
}

macro_rules! follow {
    ($($pointer:ty),*) => {$(
        impl<T: ?Sized> Probe<'_, $pointer> {
            /// What the pointer points to.
            #[inline]
            pub fn object(&self) -> Object {
                Object::place::<T>(self.0)
            }
        }
    )*};
}

follow!(Arc<T>, Rc<T>, Box<T>, &T, &mut T);
// `tsvd::sync::Arc` in a model: a handle of its own type per thread would be an object of its own.
#[cfg(loom)]
follow!(loom::sync::Arc<T>);

impl<P: Deref> Probe<'_, Pin<P>> {
    /// What the pinned pointer points to.
    #[inline]
    pub fn object(&self) -> Object {
        Object::place::<P::Target>(self.0)
    }
}

macro_rules! follow_raw {
    ($($pointer:ty, $address:expr;)*) => {$(
        impl<T> Probe<'_, $pointer> {
            /// What the pointer points to; null and values of size zero have no identity.
            #[inline]
            pub fn object(&self) -> Object {
                let address: usize = $address(*self.0);
                if size_of::<T>() == 0 || address == 0 {
                    return Object::unwatched();
                }
                Object::at::<T>(address)
            }
        }
    )*};
}

follow_raw!(
    *const T, |p: *const T| p.addr();
    *mut T, |p: *mut T| p.addr();
    NonNull<T>, |p: NonNull<T>| p.addr().get();
);

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! object {
        ($place:expr) => {
            Probe(&$place).object()
        };
    }

    #[test]
    fn pointers_lead_to_what_they_point_to() {
        let value = Arc::new(7_u32);
        let target = Object::place(&*value);
        let raw = Arc::as_ptr(&value);
        let reference = &*value;
        let other = Arc::clone(&value);
        assert_eq!(object!(value), target);
        assert_eq!(object!(other), target);
        assert_eq!(object!(raw), target);
        assert_eq!(object!(raw.cast_mut()), target);
        assert_eq!(object!(NonNull::from(reference)), target);
        assert_eq!(object!(reference), target);
        assert_eq!(object!(Pin::new(reference)), target);
        assert_ne!(object!(5_u32), target);
    }

    #[test]
    fn an_owner_and_its_first_field_are_two_objects() {
        struct Foo<T>(T);
        let nested = Foo(Foo(1_u8));
        assert_eq!(
            Object::place(&nested).words()[0],
            Object::place(&nested.0).words()[0]
        );
        assert_ne!(Object::place(&nested), Object::place(&nested.0));
        assert_ne!(Object::place(&nested.0), Object::place(&nested.0.0));
    }

    #[test]
    fn an_unsized_place_is_its_size_too() {
        let pair = [1_u8, 2];
        assert_ne!(Object::place(&pair[..]), Object::place(&pair[..1]));
        assert_eq!(Object::place(&pair[..]), Object::place(&pair[..]));
        let whole: &dyn std::fmt::Debug = &pair;
        let first: &dyn std::fmt::Debug = &pair[0];
        assert_ne!(Object::place(whole), Object::place(first));
    }

    #[test]
    fn size_zero_and_null_have_no_identity() {
        assert!(!Object::place(&()).is_watched());
        assert!(!object!(Arc::new(())).is_watched());
        assert!(!object!(std::ptr::null::<u8>()).is_watched());
        assert!(!object!(NonNull::<()>::dangling()).is_watched());
        let empty: &[u8] = &[];
        assert!(!Object::place(empty).is_watched());
    }

    #[test]
    fn a_resource_is_its_name() {
        assert_eq!(
            Object::resource("environment"),
            Object::resource("environment")
        );
        assert_ne!(Object::resource("environment"), Object::resource("cwd"));
        assert_eq!(
            Object::resource("environment").resource_name(),
            Some("environment")
        );
    }

    #[test]
    fn generic_code_follows_what_it_can_see() {
        fn shared<T>(handle: &Arc<T>) -> Object {
            object!(*handle)
        }
        let value = Arc::new([1_u8; 4]);
        assert_eq!(shared(&value), Object::place(&*value));
    }
}
