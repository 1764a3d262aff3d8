//! Whether a future is raced by another, as far as the stack of its poll shows.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::backend::detect::ticker;
use crate::report::{Frame, RawStack, trim};

/// Names of what polls a future beside others, or once and no more, wherever on the stack. (`join!` is among them, for it cannot
/// be told from `select!`.)
const RACERS: [&str; 23] = [
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
    "run_until_stalled",
    "try_run_one",
    "try_tick",
];

/// The beginnings of the paths of what polls a task until it is ready.
const EXECUTORS: [&str; 9] = [
    "tokio::runtime::",
    "futures_executor::",
    "async_executor::",
    "async_global_executor::",
    "async_std::task::",
    "async_task::",
    "async_io::",
    "smol::",
    "pollster::",
];

/// The same of what polls one future and does nothing else, or calls a closure. What is not known may do anything: a guest's own
/// `select`, or a test that polls by hand.
const FORWARDING: [&str; 22] = [
    "core::future::",
    "core::ops::",
    "core::panic::",
    "core::pin::",
    "alloc::boxed::",
    "std::thread::local::",
    "tsvd::",
    "tokio::coop::",
    "tokio::task::",
    "tracing::instrument::",
    "futures_util::future::future::Flatten",
    "futures_util::future::future::Fuse",
    "futures_util::future::future::Inspect",
    "futures_util::future::future::Map",
    "futures_util::future::future::Then",
    "futures_util::future::future::flatten::",
    "futures_util::future::future::fuse::",
    "futures_util::future::future::map::",
    "futures_util::future::try_future::AndThen",
    "futures_util::future::try_future::Map",
    "futures_util::future::try_future::into_future::",
    "futures_util::future::try_future::try_flatten::",
];

/// What the compiler calls closures and the bodies of `async`. A body hands on its polls, and who calls a closure is on the stack, too.
const BODIES: [&str; 3] = ["{{closure}}", "{{synthetic}}", "#"];

/// What has been seen of stacks, by their addresses.
static KNOWN: LazyLock<Mutex<HashMap<Box<[usize]>, bool>>> = LazyLock::new(Mutex::default);

/// Whether a thread of our own looks at one.
static LOOKS: AtomicBool = AtomicBool::new(false);

/// More stacks than this are not remembered.
const MAX_KNOWN: usize = 512;

/// Whether something on `stack` may do something else if the future is not ready at once. So it is unless an executor that is known
/// polls it, through nothing but what is known to hand on polls: by hand, anything may happen; and a stack without names says nothing.
///
/// `None` while it is not known. The calling thread polls the guest's tasks, and to read debug information may take it a second: it
/// looks at the bare names of functions, and where these do not say enough, a thread of our own reads the rest.
pub(super) fn may_be_raced(stack: &RawStack) -> Option<bool> {
    let addresses = stack.addresses();
    if let Some(seen) = KNOWN.lock().get(addresses) {
        return Some(*seen);
    }
    let seen = seen_by_names(stack);
    if let Some(seen) = seen {
        remember(addresses, seen);
    } else if !LOOKS.swap(true, Ordering::Relaxed) {
        let stack = stack.clone();
        // If it cannot be begun, nothing is ever known.
        let _ = ticker::begin("tsvd stacks", move || {
            let seen = may_race(&stack.resolve(), |frame| frame.line.is_some());
            remember(stack.addresses(), seen);
            LOOKS.store(false, Ordering::Relaxed);
        });
    }
    seen
}

fn remember(addresses: &[usize], seen: bool) {
    let mut known = KNOWN.lock();
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(addresses.into(), seen);
}

/// What the names of functions say, if none is inlined: an optimised build may have inlined what races. So may one crate of a build
/// that is not, if its profile is another than ours: that is not seen here.
fn seen_by_names(stack: &RawStack) -> Option<bool> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let functions = stack.outermost_functions()?;
    let is_inlined = |name: &str| !functions.iter().any(|function| function.ends_with(name));
    if is_inlined(NEVER_OPTIMISED) {
        return None;
    }
    let frame = |function| Frame::new(function, None, None);
    Some(may_race(
        &trim(functions.into_iter().map(frame).collect()),
        |_| true,
    ))
}

/// The name of the function below, which is on no stack if the compiler optimises.
const NEVER_OPTIMISED: &str = "executor::race::capture_unless_inlined";

/// The stack of the calling thread.
pub(super) fn stack() -> RawStack {
    capture_unless_inlined()
}

#[inline]
fn capture_unless_inlined() -> RawStack {
    RawStack::capture()
}

/// Whether frames, innermost first, may race; all may that are not shown whole. (Without debug information they lack what was
/// inlined, which may be all that races.)
fn may_race(frames: &[Frame], is_whole: impl Fn(&Frame) -> bool) -> bool {
    let is_executors = |at: &usize| is_executors(&frames[*at].function) || is_its_loop(frames, *at);
    let Some(executor) = (0..frames.len()).find(is_executors) else {
        return true;
    };
    let is_handed_on = |frame: &Frame| is_whole(frame) && hands_on(&frame.function);
    let races = |at: usize| races(&frames[at].function) && !is_its_loop(frames, at);
    !is_whole(&frames[executor])
        || !frames[..executor].iter().all(is_handed_on)
        || (0..frames.len()).any(races)
}

/// Whether a frame is of the two futures that smol's executors poll side by side: what they were asked to wait for, and the loop that
/// polls their tasks, which never ends.
fn is_its_loop(frames: &[Frame], at: usize) -> bool {
    // Between the two: they poll what they are given.
    const HANDS_ON: [&str; 2] = ["async_io::", "std::thread::local::"];
    let path = |frame: &Frame| frame.function.trim_start_matches('<').to_owned();
    if !path(&frames[at]).starts_with("futures_lite::future::Or<") {
        return false;
    }
    let mut callers = frames[at + 1..].iter().map(path);
    let caller = callers.find(|path| !HANDS_ON.iter().any(|known| path.starts_with(known)));
    caller.is_some_and(|path| {
        // What polls a task is async_executor's, too.
        path.starts_with("async_executor::") && path.contains("::run::")
            || path.starts_with("async_global_executor::")
    })
}

/// Whether a function is itself one of an executor's: what it calls, one poll after another, is no one call of the guest's.
pub(in crate::backend::detect) fn is_executors(function: &str) -> bool {
    let path = function.trim_start_matches('<');
    EXECUTORS.iter().any(|known| path.starts_with(known))
}

/// Whether a function hands on a poll to one future, and nothing that it does depends on what comes of it but its own end.
fn hands_on(function: &str) -> bool {
    if is_body(function) {
        return true;
    }
    let is_known = |path: &str| FORWARDING.iter().any(|known| path.starts_with(known));
    let Some((implementer, of)) = implementation(function) else {
        return is_known(function.trim_start_matches('<'));
    };
    // Of these there are no implementations but their own crates'.
    let is_sealed = of.starts_with("core::ops::function::")
        || of.starts_with("futures_core::future::TryFuture");
    let is_future = of.starts_with("core::future::");
    is_sealed || is_future && (implementer.starts_with('&') || is_known(implementer))
}

/// `…::{{closure}}`, in newer names `…::{closure#0}`.
fn is_body(function: &str) -> bool {
    let last = function.rsplit("::").next().unwrap_or(function);
    last.starts_with('{') && BODIES.iter().any(|body| last.contains(body))
}

/// The type and the trait of `<type as trait>::function`.
fn implementation(function: &str) -> Option<(&str, &str)> {
    let inner = function.strip_prefix('<')?;
    let (mut depth, mut before) = (0, ' ');
    for (index, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            // Not that of `fn() -> T`.
            '>' if before != '-' => depth -= 1,
            ' ' if depth == 0 => {
                if let Some(of) = inner[index..].strip_prefix(" as ") {
                    return Some((&inner[..index], of));
                }
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        before = c;
    }
    None
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
    fn what_hands_on_polls_is_known_in_both_kinds_of_names() {
        for known in [
            "app::cache::fill::{{closure}}",
            "app::cache::fill::{{closure}}::{{synthetic}}",
            "app::cache::fill::<u8>::{closure#0}",
            "<core::pin::Pin<P> as core::future::future::Future>::poll",
            "<core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output = ()>>> as core::future::future::Future>::poll",
            "<alloc::boxed::Box<F,A> as core::future::future::Future>::poll",
            "core::future::future::<impl core::future::future::Future for &mut F>::poll",
            "<&mut app::First<fn() -> u8> as core::future::future::Future>::poll",
            "<core::panic::unwind_safe::AssertUnwindSafe<F> as core::future::future::Future>::poll",
            "core::ops::function::FnOnce::call_once",
            "<app::run::{closure#0} as core::ops::function::FnOnce<()>>::call_once",
            "std::thread::local::LocalKey<T>::try_with",
            "tokio::task::local::LocalSet::with::{{closure}}",
            "<tokio::task::local::RunUntil<T> as core::future::future::Future>::poll",
            "<tokio::task::coop::unconstrained::Unconstrained<F> as core::future::future::Future>::poll",
            "<tokio::task::task_local::TaskLocalFuture<T,F> as core::future::future::Future>::poll",
            "<tracing::instrument::Instrumented<T> as core::future::future::Future>::poll",
            "<futures_util::future::future::map::Map<Fut,F> as core::future::future::Future>::poll",
            "<futures_util::future::future::Map<Fut,F> as core::future::future::Future>::poll",
            "<F as futures_core::future::TryFuture>::try_poll",
            "<tsvd::__private::region::RunningRegion<F> as core::future::future::Future>::poll",
        ] {
            assert!(hands_on(known), "{known}");
        }
        for other in [
            "app::look",
            "<app::FirstOf<A,B> as core::future::future::Future>::poll",
            "<app::FirstOf<core::pin::Pin<P>> as core::future::future::Future>::poll",
            "app::first::<impl core::future::future::Future for app::FirstOf<A,B>>::poll",
            "<core::pin::Pin<P> as app::Poller>::look",
            "<core::pin::Pin<<A as core::future::future::Future>::B> as app::Poller>::look",
            "<app::Task<tokio::runtime::task::join::JoinHandle<()>>>::poll",
            "tokio_test::task::Spawn<T>::poll",
            "tokio_test::task::MockTask::enter",
            "futures_util::future::future::FutureExt::poll_unpin",
            "<futures_util::future::maybe_done::MaybeDone<Fut> as core::future::future::Future>::poll",
            "<futures_util::stream::futures_unordered::FuturesUnordered<Fut> as futures_core_like::Stream>::poll_next",
            "core::iter::traits::iterator::Iterator::any",
            "poll<app::FirstOf>",
            "<unknown>",
        ] {
            assert!(!hands_on(other), "{other}");
        }
    }

    #[test]
    fn what_polls_by_hand_may_race() {
        let stack = |functions: &[&str]| {
            let frame = |function: &&str| Frame::new(*function, None, Some(1));
            functions.iter().map(frame).collect::<Vec<_>>()
        };
        let may_race = |frames: &[Frame]| super::may_race(frames, |_| true);
        let (own, executor) = (
            "app::cache::fill::{{closure}}",
            "tokio::runtime::task::core::Core<T,S>::poll::{{closure}}",
        );
        let hand = "tokio_test::task::Spawn<T>::poll";
        assert!(!may_race(&stack(&[own, own, executor])));
        assert!(may_race(&stack(&[own, hand, own, executor])));
        // Which is polled until it is ready, whoever began it.
        assert!(!may_race(&stack(&[own, executor, hand])));
        assert!(may_race(&stack(&[
            own,
            "app::<tokio::runtime::Runtime>::ask"
        ])));
    }

    /// Stacks of smol 2.0 and async-std 1.13.
    #[test]
    fn the_loop_of_an_executor_is_no_racer() {
        let may_race = |functions: &[&str]| {
            let frame = |function: &&str| Frame::new(*function, None, Some(1));
            let frames: Vec<_> = functions.iter().map(frame).collect();
            super::may_race(&frames, |_| true)
        };
        let own = "app::cache::fill::{{closure}}";
        let task = [
            "<async_executor::AsyncCallOnDrop<Fut,Cleanup> as core::future::future::Future>::poll",
            "async_task::raw::RawTask<F,T,S,M>::run",
        ];
        let or = "<futures_lite::future::Or<F1,F2> as core::future::future::Future>::poll";
        let run = [
            "async_executor::State::run::{{closure}}::{{closure}}",
            or,
            "async_executor::State::run::{{closure}}",
        ];
        let block_on = [
            "async_io::driver::block_on::{{closure}}",
            "std::thread::local::LocalKey<T>::with",
            "async_io::driver::block_on",
        ];
        let global = "async_global_executor::reactor::block_on";
        let locals = "<async_std::task::builder::SupportTaskLocals<F> as core::future::future::Future>::poll";
        let stack = |parts: &[&[&'static str]]| parts.concat();
        // A task; one beside what the program waits for; that itself.
        assert!(!may_race(&stack(&[&[own], &task, &run, &block_on])));
        assert!(!may_race(&stack(&[
            &[own, locals],
            &task,
            &run,
            &[or],
            &block_on,
            &[global]
        ])));
        assert!(!may_race(&stack(&[&[own], &run[1..], &block_on])));
        // The guest's own race: in a task, of the executor with something else, of what it was asked to wait for.
        assert!(may_race(&stack(&[&[own, or], &task, &run, &block_on])));
        assert!(may_race(&stack(&[
            &[own],
            &task,
            &run,
            &[or],
            &block_on,
            &["app::main"]
        ])));
        assert!(may_race(&stack(&[&[own, or], &run[1..], &block_on])));
        assert!(may_race(&stack(&[
            &[own, or, locals],
            &run[1..],
            &block_on,
            &[global]
        ])));
        assert!(may_race(&stack(&[
            &[own],
            &task,
            &["async_executor::Executor::try_tick"]
        ])));
    }

    #[test]
    fn the_functions_of_executors_are_theirs() {
        assert!(is_executors(
            "tokio::runtime::scheduler::multi_thread::worker::Context::run"
        ));
        for executor in [
            "tokio::runtime::scheduler::current_thread::CoreGuard::block_on::{{closure}}",
            "futures_executor::local_pool::block_on",
            "<async_executor::Executor>::run::{{closure}}",
            "async_io::driver::block_on",
        ] {
            assert!(is_executors(executor), "{executor}");
        }
        assert!(is_executors(
            "<tokio::runtime::blocking::task::BlockingTask<T> as core::future::future::Future>::poll"
        ));
        assert!(!is_executors("app::ask::<tokio::runtime::handle::Handle>"));
        assert!(!is_executors("app::serve::{{closure}}"));
        assert!(!is_executors("tokio::sync::mutex::Mutex<T>::lock"));
        assert!(!is_executors("my_smol::block_on"));
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
        let may_race = |frames: &[Frame]| super::may_race(frames, |frame| frame.line.is_some());
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
    fn what_names_do_not_say_another_thread_finds_out() {
        // As if the compiler had inlined something.
        let stack = RawStack::capture();
        assert_eq!(may_be_raced(&stack), None);
        let begun = std::time::Instant::now();
        let seen = loop {
            if let Some(seen) = may_be_raced(&stack) {
                break seen;
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(60));
            std::thread::yield_now();
        };
        assert!(seen, "by no executor");
    }

    #[test]
    fn a_stack_without_names_may_be_raced() {
        assert!(may_race(&RawStack::default().resolve(), |_| true));
    }
}
