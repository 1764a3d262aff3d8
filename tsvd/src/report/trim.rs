//! What of a stack concerns the user.
//!
//! A raw stack begins inside of the runtime, has the wrappers of annotated methods in its middle and ends in whatever
//! started the thread. [`trim`] takes all three away; everything between, library frames too, stays.

use super::frame::{is_bare, is_std};
use super::model::Frame;

/// Takes away the frames of the runtime, of the wrappers of annotated methods and of what started the thread.
pub(crate) fn trim(mut frames: Vec<Frame>) -> Vec<Frame> {
    trim_start(&mut frames);
    // Between the closure of a thread, a job or a test, or an async operation's body, and what runs it.
    frames.retain(|frame| !is_inheritance(frame));
    trim_runtime(&mut frames);
    unwrap_bodies(&mut frames);
    frames
}

/// Everything from the function that std and libtest mark the end of a thread's own frames with.
fn trim_start(frames: &mut Vec<Frame>) {
    let is_start = |frame: &Frame| frame.function.contains("__rust_begin_short_backtrace");
    let Some(start) = frames.iter().position(is_start) else {
        return;
    };
    frames.truncate(start);
    // The call of the thread's closure, or of the test's function.
    let is_call = |frame: &Frame| is_std(frame) && frame.function.contains("call_once");
    while frames
        .last()
        .is_some_and(|frame| is_call(frame) || is_inheritance(frame))
    {
        frames.pop();
    }
}

/// The runtime's own frames on top, with library frames between them.
fn trim_runtime(frames: &mut Vec<Frame>) {
    let is_user = |frame: &Frame| !is_runtime(frame) && !is_std(frame);
    let user = frames.iter().position(is_user).unwrap_or(frames.len());
    let runtime = frames[..user].iter().rposition(is_runtime);
    frames.drain(..runtime.map_or(0, |last| last + 1));
}

/// `tsvd::__private::callN` and, where it is to be seen, that its closure is the body of the method below it.
fn unwrap_bodies(frames: &mut Vec<Frame>) {
    while let Some(wrapper) = frames.iter().position(is_wrapper) {
        frames.remove(wrapper);
        // Now the method is where the wrapper was, and the body above it.
        let Some([body, method]) = wrapper
            .checked_sub(1)
            .and_then(|body| frames.get_mut(body..=wrapper))
        else {
            continue;
        };
        if is_body(body, method) {
            body.function.clone_from(&method.function);
            frames.remove(wrapper);
        }
    }
}

/// Whether `body` is a closure of `method`.
fn is_body(body: &Frame, method: &Frame) -> bool {
    let is_closure = |name: &str| name == "{{closure}}" || name.starts_with("{closure#");
    match body.function.strip_prefix(&*method.function) {
        Some(rest) => {
            // Not one nested in another.
            rest.strip_prefix("::")
                .is_some_and(|rest| is_closure(rest) && !rest.contains("}::"))
        }
        None => body.file == method.file && is_bare(&method.function) && is_closure(&body.function),
    }
}

fn is_wrapper(frame: &Frame) -> bool {
    let name = if is_bare(&frame.function) && own_source(frame) == Some("__private.rs") {
        Some(&*frame.function)
    } else {
        let name = frame.function.strip_prefix("tsvd::__private::");
        name.map(|name| name.strip_prefix("active::").unwrap_or(name))
    };
    name.and_then(|name| name.strip_prefix("call"))
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a frame runs a closure, or polls a future, with what it inherits, or to check it.
fn is_inheritance(frame: &Frame) -> bool {
    const MODULES: [&str; 8] = [
        "tsvd::asynchronous::",
        "tsvd::context::",
        "tsvd::thread::inherit::",
        "tsvd::backend::detect::asynchronous::",
        "tsvd::backend::detect::inherit::",
        "tsvd::backend::detect::attribution::",
        "tsvd::backend::detect::watch::",
        "tsvd::check::",
    ];
    const SOURCES: [&str; 9] = [
        "asynchronous.rs",
        "context.rs",
        "thread/inherit.rs",
        "backend/detect/asynchronous.rs",
        "backend/detect/inherit.rs",
        "backend/detect/attribution.rs",
        "backend/detect/watch.rs",
        "check/mod.rs",
        "check/test.rs",
    ];
    let name = frame.function.trim_start_matches('<');
    MODULES.iter().any(|module| name.starts_with(module))
        || own_source(frame).is_some_and(|file| SOURCES.contains(&file))
}

/// Whether a frame is of the runtime, or drops something of the runtime's.
fn is_runtime(frame: &Frame) -> bool {
    const MODULES: [&str; 10] = [
        "tsvd::asynchronous::",
        "tsvd::dashmap::",
        "tsvd::section::",
        "tsvd::sync::",
        "tsvd::engine::",
        "tsvd::backend::",
        "tsvd::__private::",
        "tsvd::report::",
        "tsvd::scope::",
        "backtrace::",
    ];
    const SOURCES: [&str; 11] = [
        "asynchronous.rs",
        "dashmap/",
        "section.rs",
        "section/",
        "sync/",
        "engine/",
        "backend/",
        "__private.rs",
        "report/",
        "scope.rs",
        "scope/",
    ];
    if is_wrapper(frame) {
        return false;
    }
    // Compilers name drop glue in two ways.
    let name = [
        "core::ptr::drop_in_place",
        "core::ptr::drop_glue",
        "drop_in_place",
        "drop_glue",
    ]
    .iter()
    .find_map(|glue| frame.function.strip_prefix(glue))
    .unwrap_or(&frame.function);
    let name = name.trim_start_matches("::").trim_start_matches('<');
    let file = frame.file.as_deref().unwrap_or_default();
    MODULES.iter().any(|module| name.starts_with(module))
        || own_source(frame)
            .is_some_and(|file| SOURCES.iter().any(|source| file.starts_with(source)))
        || file
            .strip_prefix("backtrace-")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The file of a frame, relative to the folder of this crate's sources, if it is one of them.
fn own_source(frame: &Frame) -> Option<&str> {
    // As the compiler names this file: `tsvd/src/report/trim.rs`, `…/tsvd-0.1.0/src/report/trim.rs`.
    let own = file!().trim_end_matches(|c| c != '/' && c != '\\');
    let folder = own
        .strip_suffix("report/")
        .or_else(|| own.strip_suffix("report\\"))?;
    let folder = super::path::normalise(folder, None);
    let file = frame.file.as_deref()?;
    match file.rsplit_once(&*folder) {
        Some((before, rest)) if before.is_empty() || before.ends_with('/') => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(functions: &[&str]) -> Vec<Frame> {
        functions
            .iter()
            .map(|function| Frame::new(*function, None, None))
            .collect()
    }

    fn trimmed(functions: &[&str]) -> Vec<String> {
        trim(frames(functions))
            .into_iter()
            .map(|frame| frame.function)
            .collect()
    }

    #[test]
    fn the_runtime_goes_from_the_top() {
        let stack = trimmed(&[
            "backtrace::backtrace::trace",
            "tsvd::report::stack::RawStack::capture",
            "tsvd::engine::traps::caught::{{closure}}",
            "std::thread::local::LocalKey<T>::with",
            "tsvd::engine::enter",
            "<tsvd::backend::detect::Real as tsvd::engine::Environment>::enter",
            "tsvd::__private::active::enter",
            "app::Slab::insert",
            "tsvd::report::read",
        ]);
        assert_eq!(stack, ["app::Slab::insert", "tsvd::report::read"]);
    }

    #[test]
    fn the_drop_of_a_guard_goes_too() {
        let stack = trimmed(&[
            "tsvd::report::stack::RawStack::capture",
            "<tsvd::backend::detect::Guard as core::ops::drop::Drop>::drop",
            "core::ptr::drop_in_place<tsvd::backend::detect::Guard>",
            "core::ptr::drop_in_place<tsvd::__private::active::Guard>",
            "app::Slab::insert",
        ]);
        assert_eq!(stack, ["app::Slab::insert"]);
    }

    #[test]
    fn what_polls_the_body_of_an_async_operation_goes_wherever_it_is() {
        let stack = trimmed(&[
            "tsvd::report::stack::RawStack::capture",
            "tsvd::engine::tasks::<impl tsvd::engine::Engine<E>>::arrive",
            "tsvd::backend::detect::asynchronous::Operating::open",
            "<tsvd::asynchronous::Running<F> as core::future::future::Future>::poll",
            "app::Cache::insert::{{closure}}",
            "<tsvd::asynchronous::Running<F> as core::future::future::Future>::poll::{{closure}}",
            "tsvd::backend::detect::asynchronous::Operating::poll",
            "<tsvd::asynchronous::Running<F> as core::future::future::Future>::poll",
            "app::Cache::fill::{{closure}}",
        ]);
        let users = [
            "app::Cache::insert::{{closure}}",
            "app::Cache::fill::{{closure}}",
        ];
        assert_eq!(stack, users);
    }

    #[test]
    fn a_drop_in_begins_with_its_caller() {
        let stack = trimmed(&[
            "tsvd::report::stack::RawStack::capture",
            "tsvd::section::mode::Call::wrote",
            "tsvd::dashmap::map::DashMap<K,V,S>::insert",
            "app::register",
        ]);
        assert_eq!(stack, ["app::register"]);
    }

    #[test]
    fn both_names_of_drop_glue_are_known() {
        for glue in [
            "core::ptr::drop_in_place",
            "core::ptr::drop_glue",
            "drop_glue",
        ] {
            let glue = format!("{glue}::<tsvd::__private::active::Guard>");
            // Last before the user's frame, so that it does not go for what is below it.
            let stack = ["tsvd::engine::leave", &glue, "<app::Slab<u64>>::insert"];
            assert_eq!(trimmed(&stack), ["<app::Slab<u64>>::insert"], "{glue}");
        }
    }

    #[test]
    fn line_tables_only_are_enough() {
        let line =
            |function: &str, file: &str| Frame::new(function, Some(file.to_owned()), Some(1));
        let own = |function, file| line(function, &format!("tsvd/src/{file}"));
        let stack = trim(vec![
            line(
                "trace<tsvd::report::stack::{closure_env#0}>",
                "backtrace-0.3.77/src/backtrace/mod.rs",
            ),
            own("capture", "report/stack.rs"),
            own("{closure#0}", "engine/enter.rs"),
            line(
                "with<core::cell::Cell<u8>, app::f>",
                "std/src/thread/local.rs",
            ),
            own("enter", "backend/detect.rs"),
            own("enter", "__private.rs"),
            line("get<u8>", "src/slab.rs"),
            line("{closure#0}<u64>", "src/slab.rs"),
            own(
                "call2<&app::Slab<u64>, u32, app::{impl#0}::insert::{closure_env#0}<u64>>",
                "__private.rs",
            ),
            line("insert<u64>", "src/slab.rs"),
            line("fill<u64>", "src/main.rs"),
            own("lock", "sync/mutex.rs"),
            line("call_once<fn(), ()>", "core/src/ops/function.rs"),
            line(
                "std::sys::backtrace::__rust_begin_short_backtrace",
                "std/src/sys/backtrace.rs",
            ),
        ]);
        let functions: Vec<_> = stack.iter().map(|frame| &*frame.function).collect();
        assert_eq!(functions, ["get<u8>", "insert<u64>", "fill<u64>", "lock"]);
    }

    #[test]
    fn the_sources_of_this_crate_are_known_wherever_they_lie() {
        let source = |file: &str| {
            own_source(&Frame::new("f", Some(file.to_owned()), None)).map(str::to_owned)
        };
        assert_eq!(
            source("tsvd/src/engine/enter.rs").as_deref(),
            Some("engine/enter.rs")
        );
        assert_eq!(
            source("/home/me/tsvd/src/scope.rs").as_deref(),
            Some("scope.rs")
        );
        assert_eq!(source("my-tsvd/src/scope.rs"), None);
        assert_eq!(source("src/scope.rs"), None);
    }

    #[test]
    fn library_frames_of_the_user_stay() {
        let stack = trimmed(&[
            "tsvd::engine::enter",
            "core::option::Option<T>::map",
            "app::run",
            "rayon::iter::drive",
        ]);
        assert_eq!(
            stack,
            [
                "core::option::Option<T>::map",
                "app::run",
                "rayon::iter::drive"
            ]
        );
        assert_eq!(
            trimmed(&["core::option::Option<T>::map", "app::run"]).len(),
            2
        );
    }

    #[test]
    fn crates_with_a_like_name_are_the_users() {
        let stack = [
            "tsvd_examples::engine::run",
            "tsvd::sync::lock",
            "backtraces::run",
        ];
        assert_eq!(trimmed(&stack), stack);
    }

    #[test]
    fn the_start_of_a_thread_goes_from_the_bottom() {
        let stack = trimmed(&[
            "tsvd::engine::enter",
            "app::work",
            "app::main::{{closure}}",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::thread::Builder::spawn_unchecked_::{{closure}}",
            "core::ops::function::FnOnce::call_once{{vtable.shim}}",
            "clone3",
        ]);
        assert_eq!(stack, ["app::work", "app::main::{{closure}}"]);
    }

    #[test]
    fn the_runner_of_a_test_goes_from_the_bottom() {
        let stack = trimmed(&[
            "app::tests::it_works",
            "app::tests::it_works::{{closure}}",
            "core::ops::function::FnOnce::call_once",
            "core::ops::function::FnOnce::call_once",
            "test::__rust_begin_short_backtrace",
            "test::run_test_in_process",
            "std::sys::backtrace::__rust_begin_short_backtrace",
        ]);
        assert_eq!(
            stack,
            ["app::tests::it_works", "app::tests::it_works::{{closure}}"]
        );
    }

    #[test]
    fn an_annotated_method_is_one_frame_at_the_line_of_its_body() {
        let line = |function, line| Frame::new(function, Some("src/a.rs".to_owned()), Some(line));
        for closure in [
            "app::Slab::insert::{{closure}}",
            "app::Slab::insert::{closure#0}",
        ] {
            let stack = trim(vec![
                line("app::Map::get", 7),
                line(closure, 30),
                line("tsvd::__private::active::call2", 90),
                line("app::Slab::insert", 20),
                line("app::main", 50),
            ]);
            let expected = [
                line("app::Map::get", 7),
                line("app::Slab::insert", 30),
                line("app::main", 50),
            ];
            assert_eq!(stack, expected);
        }
    }

    #[test]
    fn a_wrapper_goes_also_where_its_method_was_inlined() {
        assert_eq!(
            trimmed(&["app::a", "tsvd::__private::call0::<u8>", "app::b"]),
            ["app::a", "app::b"]
        );
        assert_eq!(trimmed(&["app::a", "tsvd::__private::call0"]), ["app::a"]);
        assert_eq!(trimmed(&["tsvd::__private::call0", "app::b"]), ["app::b"]);
        assert_eq!(
            trimmed(&["app::b::{{closure}}", "app::b"]),
            ["app::b::{{closure}}", "app::b"]
        );
    }

    #[test]
    fn a_closure_in_a_closure_is_no_body() {
        for nested in [
            "app::b::{{closure}}::{{closure}}",
            "app::b::{closure#0}::{closure#1}",
        ] {
            assert_eq!(
                trimmed(&[nested, "tsvd::__private::call0", "app::b"]),
                [nested, "app::b"]
            );
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert!(trimmed(&[]).is_empty());
        assert!(trimmed(&["tsvd::engine::enter"]).is_empty());
    }
}
