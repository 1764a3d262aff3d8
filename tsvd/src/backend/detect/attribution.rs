//! Which test a call belongs to, where that can be known; never a guess.
//!
//! Three things tell, and the runner's own word comes first:
//! - nextest runs a process for each test and says so in the environment;
//! - libtest runs a test on a thread that bears the test's name, and its own frames lie at the bottom of that thread's stack. (Where it runs
//!   them on `main`, as older ones do with one test thread, nothing is known.)
//! - `#[tsvd::test]` and `tsvd::check` mark the thread for the time of their body.
//!
//! The last two are handed on to what a thread begins with `tsvd::thread`, `context::inherit` or `inherit_future`, until the test
//! is over: what outlives its test, such as a pool, serves others.

use std::cell::RefCell;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::threads;
use super::watch::Frame;
use crate::report::RawStack;

/// A stack, and what is known of the test it was taken in: the detector's own kind of stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    stack: RawStack,
    by: Attribution,
}

impl Seen {
    /// The calling thread's.
    #[inline(never)]
    pub(super) fn capture() -> Self {
        Self {
            stack: RawStack::capture(),
            by: current(),
        }
    }

    /// The same with all of its frames.
    #[inline(never)]
    pub(super) fn capture_deep() -> Self {
        Self {
            stack: RawStack::capture_deep(),
            by: current(),
        }
    }

    pub(super) fn by(&self) -> &Attribution {
        &self.by
    }
}

impl Deref for Seen {
    type Target = RawStack;

    fn deref(&self) -> &RawStack {
        &self.stack
    }
}

/// What a thread does its work for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attribution {
    /// The innermost body that is being watched for its own violations.
    frame: Option<Arc<Frame>>,
    origin: Option<Arc<Origin>>,
}

impl Attribution {
    /// The frames it is within that are not over, innermost first.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Arc<Frame>> {
        std::iter::successors(self.innermost(), |frame| frame.outer())
            .filter(|frame| !frame.is_over())
    }

    pub(super) fn innermost(&self) -> Option<&Arc<Frame>> {
        self.frame.as_ref()
    }

    /// The name of the test, as its runner shows it. Resolves symbols the first time.
    pub(super) fn test(&self) -> Option<&str> {
        self.test_or(self.frames().find_map(|frame| frame.name()))
    }

    /// The same, where the frames say `named`.
    pub(super) fn test_or(&self, named: Option<&'static str>) -> Option<&str> {
        let by_origin = || self.origin.as_deref()?.test();
        let outer = || self.frames().find_map(|frame| frame.name());
        let known = process_test().or_else(by_origin);
        known.or(named).or_else(outer)
    }

    /// The same within `frame`.
    pub(super) fn within(self, frame: Arc<Frame>) -> Self {
        Self {
            frame: Some(frame),
            ..self
        }
    }

    /// Runs `body` for whom this says; afterwards, also by unwinding, the thread works for whom it did before.
    pub(super) fn run<R>(self, body: impl FnOnce() -> R) -> R {
        struct Before(Option<ManuallyDrop<Attribution>>);
        impl Drop for Before {
            fn drop(&mut self) {
                if let Some(own) = CURRENT.replace(self.0.take()) {
                    drop(ManuallyDrop::into_inner(own));
                }
            }
        }
        let _before = Before(CURRENT.replace(Some(ManuallyDrop::new(self))));
        body()
    }
}

thread_local! {
    // Without destructor, so that it can be read until the very end of the thread; `Attribution::run` empties it.
    static CURRENT: RefCell<Option<ManuallyDrop<Attribution>>> = const { RefCell::new(None) };
    static OWN: Own = const { Own(OnceLock::new()) };
}

/// What the calling thread does its work for, as far as it is known.
pub(crate) fn current() -> Attribution {
    let handed = CURRENT.with_borrow(|current| current.as_deref().cloned());
    let mut by = handed.unwrap_or_else(|| Attribution {
        frame: None,
        origin: Origin::of_this_thread(),
    });
    by.origin = by.origin.filter(|origin| !origin.is_over());
    by
}

/// A thread that nobody of ours began, for all that is begun on it.
#[derive(Debug)]
struct Origin {
    /// Its name.
    thread: String,
    /// The bottom of its stack, which does not change.
    bottom: RawStack,
    is_over: AtomicBool,
    is_libtests: OnceLock<bool>,
}

struct Own(OnceLock<Option<Arc<Origin>>>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(Some(origin)) = self.0.get() {
            origin.is_over.store(true, Ordering::Relaxed);
        }
    }
}

impl Origin {
    /// `None` for a thread that cannot be a test's, and for one that is ending.
    fn of_this_thread() -> Option<Arc<Self>> {
        OWN.try_with(|own| own.0.get_or_init(Self::new).clone())
            .ok()
            .flatten()
    }

    fn new() -> Option<Arc<Self>> {
        // What this allocates is nobody's operation.
        threads::unwatched(|| {
            let thread = std::thread::current().name()?.to_owned();
            if thread == "main" {
                return None;
            }
            Some(Arc::new(Self {
                thread,
                bottom: RawStack::capture_bottom(),
                is_over: AtomicBool::new(false),
                is_libtests: OnceLock::new(),
            }))
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn test(&self) -> Option<&str> {
        let is_libtests = self
            .is_libtests
            .get_or_init(|| is_libtests(&self.bottom.functions()));
        is_libtests.then_some(&*self.thread)
    }
}

/// Whether the functions of a stack are those of a thread on which libtest runs a test.
fn is_libtests(functions: &[String]) -> bool {
    let any = |name: &str| functions.iter().any(|function| function.starts_with(name));
    any("test::__rust_begin_short_backtrace") && any("test::run_test")
}

/// The one test of this process, where its runner says that there is but one.
pub(super) fn process_test() -> Option<&'static str> {
    static TEST: OnceLock<Option<String>> = OnceLock::new();
    TEST.get_or_init(|| {
        let arguments: Vec<_> = std::env::args_os().skip(1).collect();
        nextest(|name| std::env::var(name).ok(), &arguments)
    })
    .as_deref()
}

/// What nextest says, see its documentation on "Environment variables nextest sets". Programs that a test runs inherit the
/// variables, but not the arguments.
fn nextest(variable: impl Fn(&str) -> Option<String>, arguments: &[OsString]) -> Option<String> {
    let is = |name, value| variable(name).as_deref() == Some(value);
    if !is("NEXTEST", "1") || !is("NEXTEST_EXECUTION_MODE", "process-per-test") {
        return None;
    }
    let exact = arguments
        .iter()
        .position(|argument| argument == "--exact")?;
    let name = arguments.get(exact + 1)?.to_str()?;
    if name.starts_with("--") {
        return None;
    }
    // Older versions do not set it.
    match variable("NEXTEST_TEST_NAME") {
        Some(said) if said != name => None,
        _ => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(variables: &[(&str, &str)], arguments: &[&str]) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        nextest(variable, &arguments)
    }

    const PER_TEST: [(&str, &str); 2] = [
        ("NEXTEST", "1"),
        ("NEXTEST_EXECUTION_MODE", "process-per-test"),
    ];

    #[test]
    fn nextest_names_the_test_of_a_process() {
        let arguments = ["--exact", "a::b", "--nocapture"];
        assert_eq!(asked(&PER_TEST, &arguments).as_deref(), Some("a::b"));
        let [nextest, mode] = PER_TEST;
        let named = [nextest, mode, ("NEXTEST_TEST_NAME", "a::b")];
        assert_eq!(asked(&named, &arguments).as_deref(), Some("a::b"));
    }

    #[test]
    fn what_nextest_does_not_say_is_unknown() {
        let arguments = ["--exact", "a::b", "--nocapture"];
        let [nextest, mode] = PER_TEST;
        assert_eq!(asked(&[], &arguments), None);
        assert_eq!(asked(&[nextest], &arguments), None);
        let other = ("NEXTEST_EXECUTION_MODE", "wasm");
        assert_eq!(asked(&[nextest, other], &arguments), None);
        // A program that the test runs, with arguments of its own.
        assert_eq!(asked(&PER_TEST, &["a::b"]), None);
        let child = [nextest, mode, ("NEXTEST_TEST_NAME", "a::parent")];
        assert_eq!(asked(&child, &arguments), None);
        assert_eq!(asked(&PER_TEST, &["--exact"]), None);
        assert_eq!(asked(&PER_TEST, &["a", "--exact", "--nocapture"]), None);
    }

    #[test]
    fn frames_of_libtest_are_known_by_two_of_them() {
        let of =
            |names: &[&str]| is_libtests(&names.iter().map(|n| n.to_string()).collect::<Vec<_>>());
        let start = "test::__rust_begin_short_backtrace::<core::result::Result<(), String>, fn()>";
        assert!(of(&[start, "test::run_test_in_process", "clone3"]));
        assert!(!of(&["app::tests::it_works", "test::run_test_in_process"]));
        assert!(!of(&[
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "clone3"
        ]));
    }

    #[test]
    fn this_test_is_known_by_its_thread() {
        const NAME: &str = "backend::detect::attribution::tests::this_test_is_known_by_its_thread";
        if std::thread::current().name() != Some(NAME) {
            // An older libtest with one test thread: it is `main`, and that is no evidence.
            assert_eq!(current().origin.as_deref().and_then(Origin::test), None);
            return;
        }
        let own = current();
        assert_eq!(own.test(), Some(NAME));
        let handed = std::thread::spawn({
            let own = own.clone();
            move || {
                let before = current().test().map(str::to_owned);
                let within = own.run(|| current().test().map(str::to_owned));
                (before, within)
            }
        });
        let (before, within) = handed.join().unwrap();
        assert_eq!(before.as_deref(), process_test());
        assert_eq!(within.as_deref(), Some(NAME));
        // A thread of this name is none of libtest's.
        let named = std::thread::Builder::new().name(NAME.to_owned());
        let named = named.spawn(|| current().test().map(str::to_owned)).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), process_test());
    }

    #[test]
    fn what_outlives_its_thread_is_unknown() {
        let named = std::thread::Builder::new().name("a".to_owned());
        let by = named.spawn(current).unwrap().join().unwrap();
        assert!(by.origin.as_deref().unwrap().is_over());
        by.run(|| assert!(current().origin.is_none()));
    }
}
