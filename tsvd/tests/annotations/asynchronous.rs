//! An `async fn` does what it would do without us: each method here exists twice, and both must leave the same log.

#![expect(
    clippy::toplevel_ref_arg,
    reason = "what is legal must work, be it good style or not"
)]

use crate::recorder::{log, record};
use crate::tasks::{finish, pause, poll};

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

fn pair() -> Pair {
    Pair {
        x: Noisy("x"),
        y: Noisy("y"),
    }
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
        parameters, patterns, moved, tail, early, question, coerced, coerced_early, inferred, unit, consumed,
        partly_moved, untouched, mutable, hidden, hidden_function, panics, reference, never, waiting
    ]

    pub(super) async fn parameters(&self, _first: Noisy, second: Noisy, _: Noisy, mut fourth: Noisy) -> usize {
        let _local = Noisy("local");
        fourth.0 = "fourth changed";
        pause().await;
        second.len()
    }

    pub(super) async fn patterns(
        &self,
        (a, _): (Noisy, Noisy),
        ref b: Noisy,
        Pair { x, .. }: Pair,
        [c, mut d]: [Noisy; 2],
        whole @ Pair { .. }: Pair,
    ) -> usize {
        d.0 = "d changed";
        pause().await;
        a.len() + b.len() + x.len() + c.len() + d.len() + whole.y.len()
    }

    pub(super) async fn moved(&self, a: Noisy, b: Noisy) -> Noisy {
        drop(b);
        log("b is gone");
        pause().await;
        a
    }

    pub(super) async fn tail(&self, _parameter: Noisy) -> usize {
        let _local = Noisy("local");
        pause().await;
        Noisy("temporary").len()
    }

    pub(super) async fn early(&self, parameter: Noisy, leave: bool) -> usize {
        let _before = Noisy("before");
        pause().await;
        if leave {
            return Noisy("returned").len();
        }
        let _after = Noisy("after");
        parameter.len()
    }

    pub(super) async fn question(&self, text: &str) -> Result<u8, Box<dyn std::error::Error>> {
        let _before = Noisy("before");
        pause().await;
        if text.is_empty() {
            return Err("empty".into());
        }
        let number = text.parse()?;
        let _after = Noisy("after");
        Ok(number)
    }

    pub(super) async fn coerced(&self) -> Box<dyn std::fmt::Display> {
        Box::new("coerced")
    }

    pub(super) async fn coerced_early(&self, early: bool) -> Box<dyn std::fmt::Display + '_> {
        if early {
            return Box::new(self.0.len());
        }
        Box::new(self.0.0)
    }

    pub(super) async fn inferred(&self) -> Vec<u8> {
        pause().await;
        "3 4".split(' ').map(|n| n.parse().unwrap_or_default()).collect()
    }

    pub(super) async fn unit(&self, leave: bool) {
        if leave {
            return;
        }
        pause().await;
    }

    pub(super) async fn consumed(self, _parameter: Noisy) -> usize {
        let _local = Noisy("local");
        pause().await;
        self.1.len()
    }

    pub(super) async fn partly_moved(self, _parameter: Noisy) -> Noisy {
        let _local = Noisy("local");
        pause().await;
        self.0
    }

    pub(super) async fn untouched(self, _: Noisy) {
        pause().await;
    }

    pub(super) async fn mutable(mut self, _parameter: Noisy) -> usize {
        self.0.0 = "changed";
        pause().await;
        self.0.len()
    }

    pub(super) async fn hidden(&self, _parameter: Noisy) -> impl Iterator<Item = usize> + use<> {
        pause().await;
        (0..Noisy("temporary").len()).filter(|n| n % 2 == 0)
    }

    pub(super) async fn hidden_function(&self) -> impl Fn(&str) -> usize + use<> {
        |text: &str| text.len()
    }

    pub(super) async fn panics(&self, _parameter: Noisy) {
        let _local = Noisy("local");
        pause().await;
        std::panic::resume_unwind(Box::new("panicked"));
    }

    pub(super) async fn reference(&mut self, by: &mut usize) -> &mut Noisy {
        pause().await;
        *by += 1;
        &mut self.0
    }

    pub(super) async fn never(&self) -> ! {
        pause().await;
        std::panic::resume_unwind(Box::new("panicked"))
    }

    pub(super) async fn waiting(&self, _a: Noisy, _: Noisy, (_c, _): (Noisy, Noisy)) {
        let _local = Noisy("local");
        std::future::pending::<()>().await;
    }
}

/// Runs `$seen` with each of the twins and asserts that both do the same, then gives the log, and how much of it was logged
/// when the operation ended.
macro_rules! same {
    ($method:ident, $twin:ident => $seen:expr) => {{
        let (plain, plain_log, _) = record(|| {
            #[allow(unused_mut)]
            let mut $twin = plain::Twin(Noisy("self"), Noisy("second of self"));
            // Temporaries go before the twin, in every edition.
            let seen = $seen;
            seen
        });
        let (watched, mut watched_log, entered) = record(|| {
            #[allow(unused_mut)]
            let mut $twin = watched::Twin(Noisy("self"), Noisy("second of self"));
            // Temporaries go before the twin, in every edition.
            let seen = $seen;
            seen
        });
        assert_eq!(plain, watched);
        assert_eq!(entered.len(), 1, "{watched_log:?}");
        assert_eq!(watched_log.remove(0), concat!("+", stringify!($method)));
        let left = watched_log.iter().position(|event| *event == concat!("-", stringify!($method)));
        let left = left.expect("the operation ends");
        watched_log.remove(left);
        assert_eq!(plain_log, watched_log);
        (left, plain_log)
    }};
    ($method:ident($($argument:expr),*)) => {
        same!($method, twin => finish(twin.$method($($argument),*)))
    };
}

#[test]
fn parameters_are_dropped_as_without_us_and_after_the_operation_has_ended() {
    let (left, log) = same!(parameters(
        Noisy("first"),
        Noisy("second"),
        Noisy("third"),
        Noisy("fourth")
    ));
    assert_eq!(log[..left], ["pause", "local"]);
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
    same!(moved, twin => finish(twin.moved(Noisy("a"), Noisy("b"))).len());
    same!(tail(Noisy("parameter")));
    same!(hidden, twin => finish(twin.hidden(Noisy("parameter"))).count());
    same!(hidden_function, twin => finish(twin.hidden_function())("four"));
}

#[test]
fn every_return_leaves_the_function_only_and_has_its_type() {
    same!(early(Noisy("parameter"), true));
    same!(early(Noisy("parameter"), false));
    same!(question, twin => finish(twin.question("")).unwrap_err().to_string());
    same!(question, twin => finish(twin.question("x")).unwrap_err().to_string());
    same!(question, twin => finish(twin.question("7")).unwrap());
    same!(coerced, twin => finish(twin.coerced()).to_string());
    same!(coerced_early, twin => finish(twin.coerced_early(true)).to_string());
    same!(coerced_early, twin => finish(twin.coerced_early(false)).to_string());
    same!(inferred());
    same!(unit(true));
    same!(unit(false));
}

#[test]
fn receivers_are_moved_and_lent_as_without_us() {
    let (left, log) = same!(consumed, twin => finish(twin.consumed(Noisy("parameter"))));
    assert_eq!(
        log[..left],
        ["pause", "local"],
        "the value is a parameter, too"
    );
    same!(partly_moved, twin => finish(twin.partly_moved(Noisy("parameter"))).len());
    same!(untouched, twin => finish(twin.untouched(Noisy("parameter"))));
    same!(mutable, twin => finish(twin.mutable(Noisy("parameter"))));
    let mut by = 0;
    same!(reference, twin => finish(twin.reference(&mut by)).len());
    assert_eq!(by, 2);
}

/// Where a panic in a body is, in the line that it says.
#[tsvd::write(crate = crate::recorder, resource = "panics")]
async fn panics(_: Noisy) -> u32 {
    pause().await;
    panic!("{}", line!())
}

#[test]
fn panics_name_the_line_of_the_user() {
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
    use std::sync::Mutex;
    static SEEN: Mutex<Option<u32>> = Mutex::new(None);
    let before = take_hook();
    let this = std::thread::current().id();
    set_hook(Box::new(move |info| {
        if std::thread::current().id() == this {
            *SEEN.lock().unwrap() = info.location().map(std::panic::Location::line);
        }
    }));
    let (caught, log, _) =
        record(|| catch_unwind(AssertUnwindSafe(|| finish(panics(Noisy("parameter"))))));
    set_hook(before);
    let line = caught.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(SEEN.lock().unwrap().unwrap().to_string(), *line);
    assert_eq!(log, ["+panics", "pause", "-panics", "parameter"]);
}

#[test]
fn a_panic_ends_the_operation() {
    let caught = |body: &dyn Fn()| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        *caught.unwrap_err().downcast::<&str>().unwrap()
    };
    let (left, log) = same!(panics, twin => caught(&|| finish(twin.panics(Noisy("parameter")))));
    assert_eq!(log[..left], ["pause", "local"]);
    same!(never, twin => caught(&|| finish(twin.never())));
}

#[test]
fn a_future_that_is_dropped_while_it_waits_ends_and_then_drops_what_it_holds() {
    let (left, log) = same!(waiting, twin => {
        let mut future = Box::pin(twin.waiting(Noisy("a"), Noisy("b"), (Noisy("c"), Noisy("d"))));
        assert!(poll(future.as_mut()).is_pending());
        log("waits");
    });
    assert_eq!(log[..left], ["waits"]);
    assert_eq!(log[left..][..5], ["local", "c", "d", "b", "a"]);
}

#[test]
fn a_future_that_is_never_polled_drops_its_parameters_and_was_never_in_flight() {
    /// Drops the future of the method with each of the twins.
    macro_rules! unpolled {
        ($method:ident($($argument:expr),*)) => {
            let (_, plain, _) = record(|| {
                #[allow(unused_mut)]
                let mut twin = plain::Twin(Noisy("self"), Noisy("second of self"));
                drop(twin.$method($($argument),*));
            });
            let (_, watched, entered) = record(|| {
                #[allow(unused_mut)]
                let mut twin = watched::Twin(Noisy("self"), Noisy("second of self"));
                drop(twin.$method($($argument),*));
            });
            assert_eq!(plain, watched);
            assert_eq!(entered.len(), 0);
        };
    }
    unpolled!(parameters(
        Noisy("first"),
        Noisy("second"),
        Noisy("third"),
        Noisy("fourth")
    ));
    unpolled!(patterns(
        (Noisy("a"), Noisy("unbound")),
        Noisy("b"),
        pair(),
        [Noisy("c"), Noisy("d")],
        pair()
    ));
    unpolled!(consumed(Noisy("parameter")));
    unpolled!(untouched(Noisy("parameter")));
}
