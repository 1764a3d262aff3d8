//! A body does what it would do without us: each method here exists twice, and both must leave the same log.

#![expect(
    clippy::expect_fun_call,
    clippy::toplevel_ref_arg,
    reason = "what is legal must work, be it good style or not"
)]

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::recorder::{log, record};

/// Logs its name when dropped.
struct Noisy(&'static str);

impl Noisy {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        log(self.0);
    }
}

struct Pair {
    x: Noisy,
    y: Noisy,
}

fn fails() -> Result<usize, String> {
    Err("failed".to_owned())
}

/// The methods in a plain and in a watched `impl`; `$names` are all of them.
macro_rules! twins {
    ([$($names:tt)*] $($methods:tt)*) => {
        mod plain {
            use super::*;
            pub(super) struct Twin(pub(super) Noisy, pub(super) Noisy);
            impl Twin { $($methods)* }
        }
        mod watched {
            use super::*;
            pub(super) struct Twin(pub(super) Noisy, pub(super) Noisy);
            #[tsvd::contract(crate = crate::recorder, resource = "twin", write($($names)*))]
            impl Twin { $($methods)* }
        }
    };
}

twins! {
    [
        parameters, patterns, moved, tail, tail_match, early, question, question_option, consumed, partly_moved, boxed,
        hidden, hidden_function, panics, unwraps, nested, loops, rebound, reference
    ]

    pub(super) fn parameters(&self, _first: Noisy, second: Noisy, _: Noisy, mut fourth: Noisy) -> usize {
        let _local = Noisy("local");
        fourth.0 = "fourth changed";
        second.len()
    }

    pub(super) fn patterns(
        &self,
        (a, _): (Noisy, Noisy),
        ref b: Noisy,
        Pair { x, .. }: Pair,
        [c, mut d]: [Noisy; 2],
        whole @ Pair { .. }: Pair,
    ) -> usize {
        d.0 = "d changed";
        a.len() + b.len() + x.len() + c.len() + d.len() + whole.y.len()
    }

    pub(super) fn moved(&self, a: Noisy, b: Noisy) -> Noisy {
        drop(b);
        log("b is gone");
        a
    }

    pub(super) fn tail(&self, _parameter: Noisy) -> usize {
        let _local = Noisy("local");
        Noisy("temporary").len()
    }

    pub(super) fn tail_match(&self, _parameter: Noisy) -> usize {
        let _local = Noisy("local");
        match Noisy("scrutinee").len() {
            n if n > 3 => Noisy("arm").len(),
            n => n,
        }
    }

    pub(super) fn early(&self, parameter: Noisy, leave: bool) -> usize {
        let _before = Noisy("before");
        if leave {
            return Noisy("returned").len();
        }
        let _after = Noisy("after");
        parameter.len()
    }

    pub(super) fn question(&self, _parameter: Noisy) -> Result<usize, Box<dyn std::error::Error>> {
        let _before = Noisy("before");
        let value = fails()?;
        let _after = Noisy("after");
        Ok(value)
    }

    pub(super) fn question_option(&self, text: Option<&'static str>) -> Option<char> {
        let _before = Noisy("before");
        text?.chars().next()
    }

    pub(super) fn consumed(self, _parameter: Noisy) -> usize {
        let _local = Noisy("local");
        self.1.len()
    }

    pub(super) fn partly_moved(self, _parameter: Noisy) -> Noisy {
        let _local = Noisy("local");
        self.0
    }

    pub(super) fn boxed(self: Box<Self>, _parameter: Noisy) -> usize {
        drop(self);
        log("self is gone");
        1
    }

    pub(super) fn hidden(&self, _parameter: Noisy) -> impl Iterator<Item = usize> + use<> {
        let _local = Noisy("local");
        (0..Noisy("temporary").len()).filter(|n| n % 2 == 0)
    }

    pub(super) fn hidden_function(&self, _parameter: Noisy) -> impl Fn(&str) -> usize + use<> {
        let _local = Noisy("local");
        |text| text.len()
    }

    pub(super) fn panics(&self, _parameter: Noisy) {
        let _local = Noisy("local");
        panic!("{}", line!());
    }

    pub(super) fn unwraps(&self, value: Option<u8>) -> u8 {
        value.expect(&line!().to_string())
    }

    pub(super) fn nested(&self, parameter: Noisy) -> usize {
        let inner = || -> Result<usize, String> { Ok(fails()? + Noisy("never").len()) };
        inner().unwrap_or_else(|error| error.len()) + parameter.len()
    }

    pub(super) fn loops(&self, count: usize) -> usize {
        'outer: loop {
            for n in 0.. {
                let _each = Noisy("each");
                if n == count {
                    break 'outer n;
                }
            }
        }
    }

    pub(super) fn rebound(&self, parameter: Noisy) -> usize {
        let parameter = (parameter, Noisy("shadow"));
        parameter.1.len()
    }

    pub(super) fn reference(&mut self) -> &mut Noisy {
        let _local = Noisy("local");
        &mut self.0
    }
}

/// Calls the method on both twins and asserts that both do the same, then gives the log, and how much of it was logged when
/// the operation ended.
macro_rules! same {
    ($method:ident, $twin:ident => $seen:expr) => {{
        let (plain, plain_log, _) = record(|| {
            #[allow(unused_mut)]
            let mut $twin = plain::Twin(Noisy("self"), Noisy("second of self"));
            $seen
        });
        let (watched, mut watched_log, entered) = record(|| {
            #[allow(unused_mut)]
            let mut $twin = watched::Twin(Noisy("self"), Noisy("second of self"));
            $seen
        });
        assert_eq!(plain, watched);
        assert_eq!(entered.len(), 1, "{watched_log:?}");
        assert_eq!(watched_log.remove(0), format!("+{}", stringify!($method)));
        let left = watched_log.iter().position(|event| *event == format!("-{}", stringify!($method)));
        let left = left.expect("the operation ends");
        watched_log.remove(left);
        assert_eq!(plain_log, watched_log);
        (left, plain_log)
    }};
    ($method:ident($($argument:expr),*)) => {
        same!($method, twin => twin.$method($($argument),*))
    };
}

fn pair() -> Pair {
    Pair {
        x: Noisy("x"),
        y: Noisy("y"),
    }
}

#[test]
fn parameters_are_dropped_as_without_us_and_after_the_operation_has_ended() {
    let (left, log) = same!(parameters(
        Noisy("first"),
        Noisy("second"),
        Noisy("third"),
        Noisy("fourth")
    ));
    assert_eq!(log[..left], ["local"]);
    assert_eq!(
        log[left..],
        [
            "fourth changed",
            "third",
            "second",
            "first",
            "self",
            "second of self"
        ]
    );
    same!(patterns(
        (Noisy("a"), Noisy("unbound")),
        Noisy("b"),
        pair(),
        [Noisy("c"), Noisy("d")],
        pair()
    ));
    same!(rebound(Noisy("parameter")));
    let (_, log) = same!(moved, twin => twin.moved(Noisy("a"), Noisy("b")).len());
    assert!(log.iter().any(|event| event == "b is gone"));
}

#[tsvd::write(crate = crate::recorder, resource = "twin", when = Result::is_ok)]
fn looked_at(
    first: Noisy,
    (second, _): (Noisy, Noisy),
    mut third: Noisy,
    number: &str,
) -> Result<usize, Box<dyn std::error::Error>> {
    let _local = Noisy("local");
    third.0 = "third changed";
    let number: usize = number.parse()?;
    Ok(first.len() + second.len() + number)
}

#[test]
fn parameters_are_dropped_after_the_result_was_looked_at_and_the_operation_has_ended() {
    for (number, wrote) in [("1", "wrote: true"), ("x", "wrote: false")] {
        let (result, log, _) = record(|| {
            let pair = (Noisy("second"), Noisy("unbound"));
            looked_at(Noisy("first"), pair, Noisy("third"), number)
        });
        assert_eq!(result.ok(), number.parse::<usize>().ok().map(|n| n + 11));
        let inside = ["+looked_at", "local", wrote, "-looked_at"];
        assert_eq!(log[..4], inside);
        assert_eq!(log[4..], ["third changed", "second", "unbound", "first"]);
    }
}

#[test]
fn temporaries_of_the_tail_are_dropped_as_without_us() {
    let (left, log) = same!(tail(Noisy("parameter")));
    assert_eq!(log[left], "parameter");
    assert_eq!(log[0] == "temporary", EDITION >= 2024, "{log:?}");
    same!(tail_match(Noisy("parameter")));
    same!(hidden, twin => twin.hidden(Noisy("parameter")).count());
}

/// The edition of this file: from 2024 on `_` is an expression to a macro.
const EDITION: u32 = {
    macro_rules! edition {
        ($e:expr) => {
            2024
        };
        (_) => {
            2021
        };
    }
    edition!(_)
};

#[test]
fn early_returns_and_question_marks_leave_the_method_only() {
    same!(early(Noisy("parameter"), true));
    same!(early(Noisy("parameter"), false));
    same!(question, twin => twin.question(Noisy("parameter")).unwrap_err().to_string());
    same!(question_option(None));
    same!(question_option(Some("text")));
    same!(nested(Noisy("parameter")));
    same!(loops(3));
}

#[test]
fn receivers_are_moved_and_lent_as_without_us() {
    same!(consumed, twin => twin.consumed(Noisy("parameter")));
    same!(partly_moved, twin => twin.partly_moved(Noisy("parameter")).len());
    same!(boxed, twin => Box::new(twin).boxed(Noisy("parameter")));
    same!(reference, twin => twin.reference().len());
    same!(hidden_function, twin => twin.hidden_function(Noisy("parameter"))("four"));
}

thread_local! {
    static PANIC: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The file and line that a panic in `body` names.
fn panic_site(body: impl FnOnce()) -> (String, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                let site = info.location().expect("panics have a location");
                PANIC.with(|panic| {
                    *panic.borrow_mut() = Some((site.file().to_owned(), site.line()))
                });
            } else {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let caught = catch_unwind(AssertUnwindSafe(body));
    QUIET.set(false);
    let payload = caught.expect_err("the body panics");
    let line = payload
        .downcast_ref::<String>()
        .expect("the message is the line")
        .clone();
    let site = PANIC
        .with(|panic| panic.borrow_mut().take())
        .expect("the hook saw it");
    assert_eq!(line, site.1.to_string());
    site
}

#[test]
fn panics_name_the_line_of_the_user() {
    let plain = plain::Twin(Noisy("self"), Noisy("second of self"));
    let watched = watched::Twin(Noisy("self"), Noisy("second of self"));
    let (site, plain_log, _) = record(|| panic_site(|| plain.panics(Noisy("parameter"))));
    assert_eq!(site.0, file!());
    let (watched_site, watched_log, _) =
        record(|| panic_site(|| watched.panics(Noisy("parameter"))));
    assert_eq!(site, watched_site);
    assert_eq!(plain_log, ["local", "parameter"]);
    assert_eq!(watched_log, ["+panics", "local", "-panics", "parameter"]);
    let site = panic_site(|| _ = plain.unwraps(None));
    assert_eq!(panic_site(|| _ = watched.unwraps(None)), site);
}
