//! Whether a future is raced by another, as far as the stack of its poll shows.

use crate::report::{Frame, RawStack};

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

/// The beginnings of the paths of what polls a task until it is ready.
const EXECUTORS: [&str; 7] = [
    "tokio::runtime::",
    "futures_executor::",
    "async_executor::",
    "async_task::",
    "async_io::",
    "smol::",
    "pollster::",
];

/// Whether something on `stack` may do something else if the future is not ready at once. So it is unless an executor that is known
/// polls it, and nothing that races: by hand, anything may happen; and a stack without names says nothing.
pub(super) fn may_be_raced(stack: &RawStack) -> bool {
    may_race(&stack.resolve())
}

/// The same of its frames, innermost first. Without debug information they lack what was inlined, which may be all that races.
fn may_race(frames: &[Frame]) -> bool {
    let Some(executor) = frames.iter().position(|frame| is_executor(&frame.function)) else {
        return true;
    };
    let mut polled = frames[..=executor].iter();
    polled.any(|frame| frame.line.is_none()) || frames.iter().any(|frame| races(&frame.function))
}

/// Whether a function is itself one of an executor's: what it calls, one poll after another, is no one call of the guest's.
pub(in crate::backend::detect) fn is_executors(function: &str) -> bool {
    let path = function.trim_start_matches('<');
    EXECUTORS.iter().any(|known| path.starts_with(known))
}

pub(super) fn is_executor(function: &str) -> bool {
    let is_part_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    function
        .split(|c| !is_part_of_path(c))
        .any(|path| EXECUTORS.iter().any(|known| path.starts_with(known)))
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
    fn executors_are_known_by_their_paths() {
        for executor in [
            "tokio::runtime::scheduler::current_thread::CoreGuard::block_on::{{closure}}",
            "<tokio::runtime::blocking::task::BlockingTask<T> as core::future::future::Future>::poll",
            "futures_executor::local_pool::block_on",
            "<async_executor::Executor>::run::{{closure}}",
            "async_io::driver::block_on",
        ] {
            assert!(is_executor(executor), "{executor}");
        }
        for other in [
            "tokio::sync::mutex::Mutex<T>::lock",
            "app::tokio::runtime::run",
            "my_smol::block_on",
            "<core::pin::Pin<P> as core::future::future::Future>::poll",
        ] {
            assert!(!is_executor(other), "{other}");
        }
    }

    #[test]
    fn the_functions_of_executors_are_theirs() {
        assert!(is_executors(
            "tokio::runtime::scheduler::multi_thread::worker::Context::run"
        ));
        assert!(is_executors(
            "<tokio::runtime::blocking::task::BlockingTask<T> as core::future::future::Future>::poll"
        ));
        assert!(!is_executors("app::ask::<tokio::runtime::handle::Handle>"));
        assert!(!is_executors("app::serve::{{closure}}"));
    }

    #[test]
    fn a_stack_that_lacks_what_is_inlined_may_be_raced() {
        let frame =
            |function: &str, line| Frame::new(function, Some("src/lib.rs".to_owned()), line);
        let executor = "tokio::runtime::runtime::Runtime::block_on";
        let shown = [
            frame("app::cache::fill::{{closure}}", Some(1)),
            frame(executor, Some(2)),
            // Of C.
            frame("start", None),
        ];
        assert!(!may_race(&shown));
        let [fill, run, _] = shown;
        let bare = |frame: Frame| Frame {
            line: None,
            ..frame
        };
        assert!(may_race(&[bare(fill.clone()), run.clone()]));
        assert!(may_race(&[fill, bare(run)]));
    }

    #[test]
    fn a_stack_without_names_may_be_raced() {
        assert!(may_be_raced(&RawStack::default()));
    }
}
