//! Which frames of a stack are the user's own.

use super::model::{Frame, Site};
use super::path::{is_own_code, is_std_folder};

/// The frame that called an operation, in code the user can be expected to edit.
///
/// That is the frame at the call site. Above it in the stack are the annotated method itself and what it calls. Where the
/// call site is a library line, as with `.map(S::operation)`, it is the first frame of the user's below that line.
/// `None` where the stack does not show the call site: it is empty, or there is no debug information.
pub fn caller_frame<'a>(frames: &'a [Frame], site: &Site) -> Option<&'a Frame> {
    let in_file = |frame: &&Frame| frame.file.as_deref() == Some(&*site.file);
    // The nearest line: debug information may name another line of a call that spans several.
    let distance = |frame: &Frame| frame.line.map_or(u32::MAX, |line| line.abs_diff(site.line));
    let called = (0..frames.len())
        .filter(|index| in_file(&&frames[*index]))
        .min_by_key(|index| distance(&frames[*index]))?;
    first_workspace_frame(&frames[called..])
}

/// The first frame, from the innermost, in code the user can be expected to edit.
pub fn first_workspace_frame(frames: &[Frame]) -> Option<&Frame> {
    frames.iter().find(|frame| {
        let own = |file| is_own_code(file) || (is_std_folder(file) && !is_std(frame));
        frame.file.as_deref().is_some_and(own)
    })
}

/// Whether a frame is of the standard library.
///
/// A folder of the workspace may be called `core`, its crate may not, so the function decides where it names its crate. With
/// line tables only, it does not.
pub(super) fn is_std(frame: &Frame) -> bool {
    let in_folder = frame.file.as_deref().is_some_and(is_std_folder);
    let name = frame.function.trim_start_matches(['<', '&', '*']);
    let of_std = |name: &str| STD_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    // `<app::f as core::ops::function::FnOnce<…>>::call_once` is the library's code for a type of the user's.
    let trait_of_std = || {
        name.split_once(" as ")
            .is_some_and(|(_, name)| of_std(name))
    };
    of_std(name) || (in_folder && (is_bare(&frame.function) || trait_of_std()))
}

/// Whether a function's name is its last part only, as debug information of the kind "line tables only" has it.
pub(super) fn is_bare(function: &str) -> bool {
    function
        .split('<')
        .next()
        .is_some_and(|name| !name.is_empty() && !name.contains("::"))
}

const STD_PREFIXES: [&str; 5] = ["core::", "std::", "alloc::", "test::", "__rust"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_workspace_frame_is_no_library_line() {
        let at = |function: &str, file: &str| Frame::new(function, Some(file.to_owned()), Some(1));
        let stack = [
            Frame::new("app::unknown", None, None),
            at("core::option::Option<T>::map", "core/src/option.rs"),
            at("serde::de", "serde-1.0.228/src/de.rs"),
            at("app::run", "src/run.rs"),
        ];
        assert_eq!(first_workspace_frame(&stack), Some(&stack[3]));
        assert_eq!(first_workspace_frame(&stack[..3]), None);
        let stack = [
            at("<core::X as core::Y>::z", "core/src/a.rs"),
            at(
                "<app::f as core::ops::function::FnOnce<()>>::call_once",
                "core/src/ops/function.rs",
            ),
            at("map<u8, app::f>", "core/src/option.rs"),
            at("app_core::run", "core/src/run.rs"),
        ];
        assert_eq!(first_workspace_frame(&stack), Some(&stack[3]));
    }

    #[test]
    fn the_caller_is_at_the_call_site() {
        let at = |function: &str, file: &str, line| {
            Frame::new(function, Some(file.to_owned()), Some(line))
        };
        let stack = [
            at("app::Slab::insert", "src/main.rs", 10),
            at("app::fill", "src/main.rs", 52),
            at("app::main", "src/main.rs", 90),
        ];
        let caller = |line| caller_frame(&stack, &Site::new("src/main.rs", line, 9));
        assert_eq!(caller(52), Some(&stack[1]));
        // The method's name stands on another line than the start of the call.
        assert_eq!(caller(54), Some(&stack[1]));
        assert_eq!(
            caller_frame(&stack, &Site::new("src/other.rs", 52, 9)),
            None
        );
        assert_eq!(caller_frame(&[], &Site::new("src/main.rs", 52, 9)), None);
        assert_eq!(
            caller_frame(&[Frame::new("app::fill", None, None)], &Site::new("", 0, 0)),
            None
        );
    }

    #[test]
    fn the_caller_of_a_library_line_is_below_it() {
        let at = |function: &str, file: &str, line| {
            Frame::new(function, Some(file.to_owned()), Some(line))
        };
        let stack = [
            at("app::Slab::get", "src/slab.rs", 10),
            at("core::option::Option<T>::map", "core/src/option.rs", 1165),
            at("app::look", "src/main.rs", 52),
        ];
        let site = Site::new("core/src/option.rs", 1165, 29);
        assert_eq!(caller_frame(&stack, &site), Some(&stack[2]));
        assert_eq!(caller_frame(&stack[..2], &site), None);
    }
}
