//! Whether a scope was dropped with a future, as far as the stack of its drop shows.

use super::race::is_executors;
use crate::report::{RawStack, UNKNOWN};

/// Whether nothing on `stack` drops or polls a future: then the code that had the scope came to its end. A future that is dropped
/// may have waited for anybody, and what it has is dropped with it. A stack without names, or without its end, says nothing.
pub(in crate::backend::detect) fn ends_by_itself(stack: &RawStack) -> bool {
    let functions = stack.functions();
    let has_names = functions.first().is_some_and(|name| name != UNKNOWN);
    has_names && stack.is_whole() && !functions.iter().any(|name| is_of_a_future(name))
}

fn is_of_a_future(function: &str) -> bool {
    // The body of an async function is named as a closure is.
    let drops_a_body = function.contains("drop_in_place") && function.contains("closure");
    let names = ["Future", "::future::", "futures_", "async_", "tokio::"];
    drops_a_body || is_executors(function) || names.iter().any(|name| function.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_polls_or_drops_futures_is_known() {
        for name in [
            "core::ptr::drop_in_place<app::fill::{{closure}}>",
            "core::ptr::drop_in_place::<app::fill::{closure#0}>",
            "core::ptr::drop_in_place<core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output=()>>>>",
            "<tokio::time::timeout::Timeout<T> as core::future::future::Future>::poll",
            "tokio::runtime::task::core::Core<T,S>::drop_future_or_output",
            "core::ptr::drop_in_place<app::fill::{async_fn_env#0}>",
        ] {
            assert!(is_of_a_future(name), "{name}");
        }
        for name in [
            "core::ptr::drop_in_place<tsvd::scope::Scope>",
            "core::ptr::drop_in_place<app::Iter>",
            "app::fill::{{closure}}",
            "std::thread::Builder::spawn_unchecked_::{{closure}}",
        ] {
            assert!(!is_of_a_future(name), "{name}");
        }
    }

    #[test]
    fn a_stack_without_names_says_nothing() {
        assert!(!ends_by_itself(&RawStack::default()));
        assert!(ends_by_itself(&RawStack::capture()));
    }
}
