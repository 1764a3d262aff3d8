//! How the drop-ins (`dashmap`, `sync`) say what they access. Nothing is left of it in mode off.
//!
//! An access begins with [`Coming::enter`] and ends with [`Call`] or [`Held`], and the moment at which it took
//! place lies between, for only then is a call that was entered after one access and left before another really between them:
//! - a lock is entered before it is taken and left after it is given back, and so is a call that locks by itself: what the engine
//!   allocates may need that very lock, if it is of the guest's allocator;
//! - a call that returns a guard or nothing is entered with the guard; where there was nothing, it is made once more ([`look`]).
//!
//! A delay comes before, in `coming!`, while no lock of the call's own is held. Under loom that is a scheduling point; the drop-ins of `sync`
//! enter there once they have made their step of loom's, and leave before the next, so they need none and come `at_once`.

#[cfg(not(any(loom, feature = "detect")))]
#[path = "section/unwatched.rs"]
mod mode;
#[cfg(any(loom, feature = "detect"))]
#[path = "section/watched.rs"]
mod mode;

#[cfg(all(test, feature = "detect", not(loom)))]
pub(crate) mod log;

pub(crate) use mode::*;

/// A call that is about to be made: `coming!("contract", Access "name", object)`, with `, key` where it is one entry's. With
/// `at_once` before it the call is not delayed, for it must not wait; with `from site,` it was called there.
#[cfg(any(loom, feature = "detect"))]
macro_rules! coming {
    (at_once from $site:expr, $($call:tt)*) => {
        coming!(@ false, $site, $($call)*)
    };
    (at_once $($call:tt)*) => {
        coming!(@ false, ::std::panic::Location::caller(), $($call)*)
    };
    (@key) => {
        None
    };
    (@key $key:expr) => {
        Some($crate::contract::hash_of($key))
    };
    (@ $delays:literal, $site:expr, $contract:expr, $access:ident $name:expr, $object:expr $(, $key:expr)?) => {{
        static OPERATION: $crate::contract::Operation = $crate::contract::Operation::new(
            $contract,
            $name,
            $crate::contract::Access::$access,
            ::std::panic::Location::caller(),
        )
        .thread_safe();
        if $crate::backend::enabled() {
            $crate::section::Coming::new(
                $delays,
                &OPERATION,
                $site,
                $crate::contract::Object::of_identity($object, &$object.identity),
                coming!(@key $($key)?),
            )
        } else {
            $crate::section::Coming::unwatched()
        }
    }};
    ($($call:tt)*) => {
        coming!(@ true, ::std::panic::Location::caller(), $($call)*)
    };
}

#[cfg(not(any(loom, feature = "detect")))]
macro_rules! coming {
    (at_once $($call:tt)*) => {
        coming!($($call)*)
    };
    ($contract:expr, $access:ident $name:expr, $object:expr $(, $key:expr)?) => {{
        let _ = ($contract, $object $(, $key)?);
        $crate::section::Coming
    }};
}

pub(crate) use coming;

/// Makes a call that returns a guard, or nothing: then it took place before it was entered, so it is made again.
#[inline]
pub(crate) fn look<G>(coming: Coming, mut call: impl FnMut() -> Option<G>) -> (Call, Option<G>) {
    let found = call();
    if found.is_some() || !coming.is_watched() {
        return (coming.enter(), found);
    }
    let entered = coming.enter();
    (entered, call())
}
