//! Whether a future is raced by another, as far as the stack of its poll shows.

use crate::report::RawStack;

/// Names of what polls a future beside others, or once and no more. (`join!` is among them, for it cannot be told from
/// `select!`.)
const RACERS: [&str; 20] = [
    "PollFn",
    "poll_fn",
    "select",
    "select_biased",
    "Select",
    "SelectAll",
    "SelectOk",
    "TrySelect",
    "timeout",
    "timeout_at",
    "Timeout",
    "race",
    "Race",
    "Or",
    "now_or_never",
    "poll_once",
    "PollOnce",
    "poll_immediate",
    "PollImmediate",
    "Abortable",
];

/// Whether something on `stack` may do something else if the future is not ready at once; also if the stack has no names.
pub(super) fn may_be_raced(stack: &RawStack) -> bool {
    let frames = stack.resolve();
    let named = frames
        .iter()
        .any(|frame| frame.function.contains("::") || frame.file.is_some());
    !named || frames.iter().any(|frame| races(&frame.function))
}

fn races(function: &str) -> bool {
    let is_part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    function
        .split(|c| !is_part_of_name(c))
        .any(|name| RACERS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinators_that_race_are_known_by_name() {
        for racer in [
            "<core::future::poll_fn::PollFn<F> as core::future::future::Future>::poll",
            "<tokio::time::timeout::Timeout<T> as core::future::future::Future>::poll",
            "<futures_util::future::select::Select<A,B> as core::future::future::Future>::poll",
            "<futures_util::abortable::Abortable<Fut> as core::future::future::Future>::poll",
            "futures_util::future::future::FutureExt::now_or_never",
            "<futures_lite::future::PollOnce<F> as core::future::future::Future>::poll",
        ] {
            assert!(races(racer), "{racer}");
        }
        for innocent in [
            "app::cache::fill::{{closure}}",
            "<core::pin::Pin<P> as core::future::future::Future>::poll",
            "tokio::runtime::task::core::Core<T,S>::poll",
            "app::backtrace::selected",
        ] {
            assert!(!races(innocent), "{innocent}");
        }
    }

    #[test]
    fn a_stack_without_names_may_be_raced() {
        assert!(may_be_raced(&RawStack::default()));
    }
}
