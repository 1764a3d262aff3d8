//! Stacks: cheap to take while the program runs, costly to read, which only a violation does.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;

use super::frame::caller_frame;
use super::model::{Frame, Site};
use super::path;
use super::trim::trim;

/// More frames than this are not taken: what matters is near the call.
const MAX_FRAMES: usize = 64;

/// The same of a deep stack, which has to be whole: a worker of tokio's has some sixty frames below its task.
const MAX_DEEP: usize = 256;

/// As many frames lie between the bottom of a thread's stack and a test, and some more.
const MAX_BOTTOM: usize = 48;

/// Threads take turns at their stacks: of those that begin a delay together each would else be held while the other is. For so
/// long at most, whatever a signal handler or a forked child finds.
static TURN: Mutex<()> = Mutex::new(());
const LONGEST_TURN: Duration = Duration::from_millis(10);

/// Goes up the calling thread's stack for as long as `on_frame` says so.
///
/// Without `backtrace`'s lock, where that is possible: who resolves a stack has it for some hundred milliseconds, and a thread
/// that waited for it would come to its own delay when whoever it was to be held for is gone.
#[inline(always)]
fn trace(on_frame: impl FnMut(&backtrace::Frame) -> bool) {
    let _turn = TURN.try_lock_for(LONGEST_TURN);
    #[cfg(windows)]
    backtrace::trace(on_frame);
    // SAFETY: the lock is for what Windows walks stacks with; elsewhere it is the unwinder of panics, which threads use at once.
    #[cfg(not(windows))]
    unsafe {
        backtrace::trace_unsynchronized(on_frame);
    }
}

/// The addresses of a stack; by default of none, for a party that was killed or had left.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawStack {
    addresses: Vec<usize>,
    /// Of a deep one: the function of each, and where its frame is.
    calls: Vec<(usize, usize)>,
}

impl RawStack {
    /// The stack of the calling thread. Addresses only: some microseconds.
    #[inline(never)]
    pub(crate) fn capture() -> Self {
        let mut addresses = Vec::with_capacity(MAX_FRAMES);
        trace(|frame| {
            addresses.push(frame.ip().addr());
            addresses.len() < MAX_FRAMES
        });
        Self {
            addresses,
            calls: Vec::new(),
        }
    }

    /// Whether it goes down to the thread's start, as far as can be told.
    pub(crate) fn is_whole(&self) -> bool {
        self.addresses.len() < MAX_FRAMES
    }

    /// The same, with what tells one call of a function from another; several times as long.
    ///
    /// With `backtrace`'s lock: threads that take turns here come between each other's check and act. Without it 13 of 20
    /// programs were suspected of both of what 20 of 20 are with it.
    #[inline(never)]
    pub(crate) fn capture_deep() -> Self {
        let mut stack = Self::default();
        backtrace::trace(|frame| {
            stack.addresses.push(frame.ip().addr());
            let call = (frame.symbol_address().addr(), frame.sp().addr());
            stack.calls.push(call);
            stack.addresses.len() < MAX_DEEP
        });
        stack
    }

    /// The places at which two deep stacks of one thread leave a call that they have in common, if it is the only difference
    /// between them up to there, and the code has gone on. (In its order, which is nearly that of the source.)
    pub(crate) fn parting(&self, next: &Self) -> Option<[usize; 2]> {
        if self.addresses.len().max(next.addresses.len()) == MAX_DEEP {
            return None;
        }
        let outermost = |stack: &'_ Self| {
            let calls = stack.calls.clone();
            stack.addresses.clone().into_iter().zip(calls).rev()
        };
        let mut frames = outermost(self).zip(outermost(next));
        let ((first, first_call), (second, second_call)) =
            frames.find(|(first, next)| first != next)?;
        let is_one = first_call == second_call && first_call.0 != 0;
        (is_one && first < second).then_some([first, second])
    }

    /// The function in one call of which this stack and a later one of the thread were, if it had gone on in its source.
    pub(crate) fn function_of_both(&self, next: &Self) -> Option<String> {
        let [first, next] = self.parting(next)?.map(outermost_symbol);
        let ((function, first), (other, next)) = (first?, next?);
        let goes_on = first.0 == next.0 && first < next;
        (goes_on && function == other).then_some(function)
    }

    /// The outermost frames of the calling thread's stack, however deep it is.
    #[inline(never)]
    pub(crate) fn capture_bottom() -> Self {
        let mut addresses = VecDeque::with_capacity(MAX_BOTTOM);
        trace(|frame| {
            if addresses.len() == MAX_BOTTOM {
                addresses.pop_front();
            }
            addresses.push_back(frame.ip().addr());
            true
        });
        Self {
            addresses: addresses.into(),
            calls: Vec::new(),
        }
    }

    /// The names of its functions, innermost first, of the runtime and of the thread's start too.
    pub(crate) fn functions(&self) -> Vec<String> {
        self.functions_read_on().collect()
    }

    /// The same, each read when it is asked for: that is what costs.
    pub(crate) fn functions_read_on(&self) -> impl Iterator<Item = String> {
        let frames = |address| symbols_at(address, root()).into_iter();
        let frames = self.addresses.iter().copied().flat_map(frames);
        frames.map(|frame| frame.function)
    }

    /// The user's frames, innermost first, inlined ones too. Reads debug information: up to seconds the first time.
    pub(crate) fn resolve(&self) -> Vec<Frame> {
        trim(self.symbols(root()))
    }

    /// What tells this stack from another.
    pub(crate) fn addresses(&self) -> &[usize] {
        &self.addresses
    }

    /// The names of its functions but of those that are inlined, innermost first, of the runtime's too; in milliseconds, and without
    /// `backtrace`'s lock. `None` where the program has no such names, or they cannot be read.
    pub(crate) fn outermost_functions(&self) -> Option<Vec<String>> {
        #[cfg(target_os = "linux")]
        return super::symbols::names(&self.addresses).ok().map(|names| {
            let known = |name: Option<String>| name.unwrap_or_else(|| UNKNOWN.to_owned());
            names.into_iter().map(known).collect()
        });
        #[cfg(not(target_os = "linux"))]
        None
    }

    fn symbols(&self, root: Option<&Path>) -> Vec<Frame> {
        let frames = |address| symbols_at(address, root);
        self.addresses.iter().copied().flat_map(frames).collect()
    }
}

/// The frame of a return address, and those that are inlined there, innermost first.
fn symbols_at(address: usize, root: Option<&Path>) -> Vec<Frame> {
    let mut frames = Vec::new();
    // `resolve` looks up the instruction before, the call.
    backtrace::resolve(address as *mut c_void, |symbol| {
        frames.push(Frame {
            // The alternate form has no hash suffix.
            function: symbol
                .name()
                .map_or_else(|| UNKNOWN.to_owned(), |name| format!("{name:#}")),
            file: symbol.filename().map(|file| path::normalise(file, root)),
            line: symbol.lineno(),
        });
    });
    if frames.is_empty() {
        frames.push(Frame::new(UNKNOWN, None, None));
    }
    frames
}

/// A place in a source.
type Place = (PathBuf, u32, u32);

/// The function that has the instruction, not one that is inlined there, and the place of the call.
fn outermost_symbol(address: usize) -> Option<(String, Place)> {
    let mut found = None;
    backtrace::resolve(address as *mut c_void, |symbol| {
        let place = || {
            let column = symbol.colno().unwrap_or(0);
            Some((symbol.filename()?.to_owned(), symbol.lineno()?, column))
        };
        let name = symbol.name().map(|name| format!("{name:#}"));
        found = name.zip(place());
    });
    found
}

/// The call site at `location`. Where that is a library line, the line of the user's below it in `stack`, if `stack` shows it.
pub(crate) fn call_site(location: &Location<'_>, stack: &[Frame]) -> Site {
    let (file, root) = (location.file(), root());
    let site = Site::new(
        path::normalise(file, root),
        location.line(),
        location.column(),
    );
    if path::origin(file, root).is_own() {
        return site;
    }
    caller_frame(stack, &site)
        .and_then(Frame::site)
        .unwrap_or(site)
}

pub(crate) const UNKNOWN: &str = "<unknown>";

/// The workspace's root, looked up once: the current folder may change.
fn root() -> Option<&'static Path> {
    static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();
    ROOT.get_or_init(path::workspace_root).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn inner(depth: usize) -> RawStack {
        if depth == 0 {
            RawStack::capture()
        } else {
            std::hint::black_box(inner(depth - 1))
        }
    }

    /// Resolving may take a second in a large program, and a call that is to be held has its stack taken first.
    #[cfg(not(windows))]
    #[test]
    fn a_stack_is_taken_while_another_thread_resolves_one() {
        let address = RawStack::capture().addresses[0] as *mut c_void;
        let mut taken = Vec::new();
        backtrace::resolve(address, |_| {
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let stacks = [RawStack::capture(), RawStack::capture_bottom()];
                let _ = send.send(stacks);
            });
            taken.push(receive.recv_timeout(std::time::Duration::from_secs(10)));
        });
        assert!(matches!(&taken[..], [Ok(_), ..]));
    }

    #[test]
    fn functions_files_and_lines_are_found() {
        let line = line!() + 1;
        let stack = std::hint::black_box(inner(0));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let frames = stack.symbols(root);
        let of = |name: &str| {
            let suffix = format!("::stack::tests::{name}");
            frames
                .iter()
                .find(|frame| frame.function.ends_with(&suffix))
        };
        let test =
            of("functions_files_and_lines_are_found").unwrap_or_else(|| panic!("{frames:#?}"));
        assert_eq!(test.file.as_deref(), Some("tsvd/src/report/stack.rs"));
        assert_eq!(test.line, Some(line));
        assert!(of("inner").is_some(), "{frames:#?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_are_found_without_debug_information() {
        let stack = std::hint::black_box(inner(3));
        let names = stack.outermost_functions().expect("a table of symbols");
        assert_eq!(names.len(), stack.addresses.len());
        let named = |name: &str| {
            let suffix = format!("::stack::tests::{name}");
            let is_it = |function: &&String| function.ends_with(&suffix);
            names.iter().filter(is_it).count()
        };
        assert_eq!(named("inner"), 4, "{names:#?}");
        let test = "names_are_found_without_debug_information";
        assert_eq!(named(test), 1, "{names:#?}");
        let nowhere = RawStack {
            addresses: vec![1, usize::MAX],
            ..RawStack::default()
        };
        let unknown = vec![UNKNOWN.to_owned(); 2];
        assert_eq!(nowhere.outermost_functions(), Some(unknown));
    }

    #[inline(never)]
    fn step() -> RawStack {
        std::hint::black_box(RawStack::capture_deep())
    }

    #[inline(never)]
    fn two_steps() -> [RawStack; 2] {
        let first = step();
        let second = step();
        std::hint::black_box([first, second])
    }

    #[test]
    fn one_call_that_goes_on_is_told_from_two() {
        let [first, second] = two_steps();
        let function = first.function_of_both(&second).expect("one call");
        assert!(function.ends_with("tests::two_steps"), "{function}");
        assert_eq!(second.function_of_both(&first), None, "it does not go back");
        assert_eq!(first.function_of_both(&first), None, "one place");
        let [_, third] = two_steps();
        let outer = first.function_of_both(&third).expect("one call");
        assert!(
            outer.ends_with("one_call_that_goes_on_is_told_from_two"),
            "{outer}"
        );
        let rounds: Vec<_> = (0..2).map(|_| step()).collect();
        assert_eq!(rounds[0].function_of_both(&rounds[1]), None, "two rounds");
        let elsewhere = std::thread::spawn(two_steps).join().unwrap();
        assert_eq!(
            first.function_of_both(&elsewhere[1]),
            None,
            "another thread"
        );
        let flat = RawStack::capture();
        assert_eq!(flat.function_of_both(&second), None, "nothing is known");
    }

    #[test]
    fn the_start_of_the_thread_is_not_shown() {
        let stack = std::thread::spawn(|| inner(0)).join().unwrap();
        let whole = stack.symbols(None);
        let start = |frame: &Frame| frame.function.contains("__rust_begin_short_backtrace");
        assert!(whole.iter().any(start), "{whole:#?}");
        // All that is left of this stack is in this crate's own module, so it is the runtime's.
        assert_eq!(stack.resolve(), []);
    }

    #[test]
    fn deep_stacks_are_cut() {
        assert_eq!(inner(100).addresses.len(), MAX_FRAMES);
    }

    #[test]
    fn a_library_line_is_no_call_site() {
        #[track_caller]
        fn operation((): ()) -> &'static Location<'static> {
            Location::caller()
        }
        let here = operation(());
        let own = Site::new("tsvd/src/report/stack.rs", here.line(), here.column());
        assert_eq!(call_site(here, &[]), own);
        // Called by the library, which is called here.
        let library = std::iter::once(()).map(operation).next().unwrap();
        let site = call_site(library, &[]);
        assert!(site.file.starts_with("core/src/"), "{site:?}");
        let stack = [
            Frame::new(
                "core::ops::function::FnOnce::call_once",
                Some(site.file),
                Some(site.line),
            ),
            Frame::new("app::look", Some("src/main.rs".to_owned()), Some(7)),
        ];
        assert_eq!(call_site(library, &stack), Site::new("src/main.rs", 7, 0));
    }

    #[test]
    fn an_empty_stack_and_a_wrong_address_resolve() {
        assert_eq!(RawStack::default().resolve(), []);
        assert_eq!(
            RawStack {
                addresses: vec![1],
                ..RawStack::default()
            }
            .resolve(),
            [Frame::new(UNKNOWN, None, None)]
        );
    }

    #[test]
    fn stacks_can_be_taken_while_a_thread_ends() {
        use std::cell::RefCell;
        use std::sync::mpsc;
        struct AtEnd(mpsc::Sender<usize>);
        impl Drop for AtEnd {
            fn drop(&mut self) {
                self.0.send(RawStack::capture().addresses.len()).unwrap();
            }
        }
        thread_local!(static LAST: RefCell<Option<AtEnd>> = const { RefCell::new(None) });
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || LAST.set(Some(AtEnd(sender))))
            .join()
            .unwrap();
        assert!(receiver.recv().unwrap() > 0);
    }
}
