//! What expansions of the attributes call, and nothing else. Not part of the API: it changes with any version.

/// What `#[tsvd::test]` expands to, in every mode.
pub use crate::check::{Ends, Test};
#[cfg(any(loom, feature = "detect"))]
pub use active::*;
#[cfg(any(loom, feature = "detect"))]
pub use core;
#[cfg(any(loom, feature = "detect"))]
#[path = "__private/region.rs"]
mod region;
#[cfg(any(loom, feature = "detect"))]
pub use region::{
    AccessGuard, OperatingRegion, OperatingRegionEnd, RegionGuard, RunningRegion, access,
    begin_region, region,
};

/// What `reachable!` calls.
#[cfg(loom)]
pub use crate::model::goals::reach;
#[cfg(not(loom))]
#[inline(always)]
pub fn reach(_: &str) {}

/// What `tsvd-loom-tests` calls.
#[cfg(loom)]
pub use crate::model::record::rejected;

/// Picks the original item: this build watches nothing.
#[cfg(not(any(loom, feature = "detect")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ({ $($original:tt)* } { $($instrumented:tt)* }) => { $($original)* };
}

/// Picks the instrumented item.
#[cfg(any(loom, feature = "detect"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ({ $($original:tt)* } { $($instrumented:tt)* }) => { $($instrumented)* };
}

/// The static of an operation, which the linker collects for `backend::detect::declared`.
//
// A macro of this crate, so that the attribute meets no lint about unsafe code where it is used; and one for each case, since a
// `cfg` in a macro is looked up where it is used, too.
#[cfg(all(feature = "detect", not(loom), target_os = "linux", not(miri)))]
#[doc(hidden)]
#[macro_export]
macro_rules! __operation {
    ($name:ident = $operation:expr) => {
        static $name: $crate::__private::Operation = $operation;
        const _: () = {
            #[used]
            #[unsafe(link_section = "tsvd_operations_0_1_0")]
            static LISTED: $crate::__private::core::option::Option<
                &'static $crate::__private::Operation,
            > = $crate::__private::core::option::Option::Some(&$name);
        };
    };
}

/// The static of an operation. That of a required method has no other use than the second line.
#[cfg(any(
    loom,
    all(feature = "detect", not(all(target_os = "linux", not(miri))))
))]
#[doc(hidden)]
#[macro_export]
macro_rules! __operation {
    ($name:ident = $operation:expr) => {
        static $name: $crate::__private::Operation = $operation;
        const _: fn() -> &'static $crate::__private::Operation = || &$name;
    };
}

/// The object behind a place expression.
//
// The import is unused where an inherent method wins; lints are silent about macros of other crates, and an `allow` would
// be an error under `forbid`.
#[cfg(any(loom, feature = "detect"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __place {
    ($place:expr) => {{
        use $crate::__private::Place as _;
        $crate::__private::Probe(&$place).object()
    }};
}

#[cfg(any(loom, feature = "detect"))]
mod active {
    use std::marker::PhantomData;
    use std::panic::Location;
    use std::pin::Pin;

    pub use crate::asynchronous::{
        Called, Operating, OperatingEnd, Running, begin, begin_returned,
    };
    pub use crate::contract::for_macros::*;

    /// An operation in flight, from its check to its drop on the same thread.
    #[must_use]
    #[derive(Debug)]
    pub struct Guard(
        crate::backend::Guard,
        // It ends an entry of its own thread's.
        PhantomData<*const ()>,
    );

    impl Guard {
        /// Whether the call, which is about to return, really wrote: only regions look at it.
        #[inline]
        pub fn when(&self, wrote: bool) {
            self.0.when(wrote);
        }

        /// The guard of an operation that is not watched.
        #[inline]
        pub fn inert() -> Self {
            Self(crate::backend::Guard::inert(), PhantomData)
        }
    }

    /// Whether operations are watched at all; objects and keys are evaluated only then.
    #[inline]
    pub fn enabled() -> bool {
        crate::backend::may_enter()
    }

    /// Checks `operation` on `object`, called at `site`, perhaps delays it, and says that it is in flight.
    #[inline(always)]
    pub fn enter(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<Key<'_>>,
    ) -> Guard {
        Guard(
            crate::backend::enter(operation, site, object, key),
            PhantomData,
        )
    }

    macro_rules! calls {
        ($($name:ident($($argument:ident: $type:ident),*);)*) => {$(
            /// Calls a body with its parameters: they are the closure's own, so they are dropped as a function's are,
            /// and their types are known before the body is checked.
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            pub fn $name<$($type,)* R>($($argument: $type,)* body: impl FnOnce($($type),*) -> R) -> R {
                body($($argument),*)
            }
        )*};
    }

    calls! {
        call0();
        call1(a: A);
        call2(a: A, b: B);
        call3(a: A, b: B, c: C);
        call4(a: A, b: B, c: C, d: D);
        call5(a: A, b: B, c: C, d: D, e: E);
        call6(a: A, b: B, c: C, d: D, e: E, f: F);
        call7(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
        call8(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
        call9(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I);
        call10(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J);
        call11(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K);
        call12(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L);
    }

    /// Hands `result` to a closure, whose parameter has a type then.
    #[inline]
    pub fn call_with<R: ?Sized>(result: &R, body: impl FnOnce(&R) -> bool) -> bool {
        body(result)
    }

    /// Where it is returned, what a body returns has this type. Never called.
    #[cold]
    pub fn never<R>() -> R {
        unreachable!("it stands behind `if false`")
    }

    /// Has its argument captured, and whole.
    #[inline(always)]
    pub fn capture<T>(_: T) {}

    /// `!`, which has no name yet but as what a function returns.
    pub type Never = <fn() -> ! as Returns>::Output;

    /// How `!` gets its name.
    pub trait Returns {
        /// The type.
        type Output;
    }

    impl<R> Returns for fn() -> R {
        type Output = R;
    }

    /// A future that never ends, whatever the compiler would have taken its output for.
    #[inline(always)]
    pub fn diverging<F: Future<Output = Never>>(future: F) -> F {
        future
    }

    /// The path of a test as libtest shows it, from its module's.
    pub const fn without_crate(path: &'static str) -> &'static str {
        let mut at = 0;
        while at + 1 < path.len() {
            if path.as_bytes()[at] == b':' && path.as_bytes()[at + 1] == b':' {
                return path.split_at(at + 2).1;
            }
            at += 1;
        }
        path
    }

    /// A future in the box that a function says it returns.
    #[inline]
    pub fn boxed<F: Future>(future: F) -> Pin<Box<F>> {
        Box::pin(future)
    }

    // A guard stays on its thread: were it `Send`, two of these would fit and the call be ambiguous.
    const _: fn() = || {
        trait Stays<Why> {
            fn stays() {}
        }
        impl<T> Stays<()> for T {}
        impl<T: Send> Stays<u8> for T {}
        <Guard as Stays<_>>::stays();
    };
}
