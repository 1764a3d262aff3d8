//! An `async fn` does what it would do without us: each method here exists twice, and both must leave the same log.

#![expect(
    clippy::toplevel_ref_arg,
    reason = "what is legal must work, be it good style or not"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::recorder::{Entered, log, off, record};

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

/// Lets the task wait once.
async fn pause() {
    struct Pause(bool);
    impl Future for Pause {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if self.0 {
                return Poll::Ready(());
            }
            self.0 = true;
            Poll::Pending
        }
    }
    log("pause");
    Pause(false).await;
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
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
fn parameters_are_dropped_as_without_us_and_before_the_operation_ends() {
    let (left, log) = same!(parameters(
        Noisy("first"),
        Noisy("second"),
        Noisy("third"),
        Noisy("fourth")
    ));
    assert_eq!(
        log[..left],
        [
            "pause",
            "local",
            "fourth changed",
            "third",
            "second",
            "first"
        ]
    );
    assert_eq!(log[left..], ["self", "second of self"]);
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
    assert_eq!(log.len(), left, "the value is dropped within the operation");
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
    assert_eq!(log, ["+panics", "pause", "parameter", "-panics"]);
}

#[test]
fn a_panic_ends_the_operation() {
    let caught = |body: &dyn Fn()| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        *caught.unwrap_err().downcast::<&str>().unwrap()
    };
    let (left, log) = same!(panics, twin => caught(&|| finish(twin.panics(Noisy("parameter")))));
    assert_eq!(log[..left], ["pause", "local", "parameter"]);
    same!(never, twin => caught(&|| finish(twin.never())));
}

#[test]
fn a_future_that_is_dropped_while_it_waits_drops_what_it_holds_and_then_ends() {
    let (left, log) = same!(waiting, twin => {
        let mut future = Box::pin(twin.waiting(Noisy("a"), Noisy("b"), (Noisy("c"), Noisy("d"))));
        assert!(poll(future.as_mut()).is_pending());
        log("waits");
    });
    assert_eq!(log[..left], ["waits", "local", "c", "d", "b", "a"]);
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

fn only<R>(body: impl FnOnce() -> R) -> (Entered, Vec<String>) {
    let (_, log, mut entered) = record(body);
    assert_eq!(entered.len(), 1, "{log:?}");
    (entered.remove(0), log)
}

struct Store(std::sync::Arc<Vec<u8>>);

#[tsvd::contract(crate = crate::recorder)]
impl Store {
    #[tsvd::read(key = index)]
    async fn get(&self, index: usize) -> Option<&u8> {
        pause().await;
        self.0.get(index)
    }

    #[tsvd::write]
    async fn close(self: Box<Self>) -> usize {
        pause().await;
        log("body");
        self.0.len()
    }

    #[tsvd::write(object = self.0, key = number)]
    async fn shared(self: std::sync::Arc<Self>, #[allow(unused_mut)] mut number: u8) -> u8 {
        #![allow(unused_variables)]
        let unused = 0;
        number
    }

    #[tsvd::read]
    async unsafe fn raw(&self, byte: *const u8) -> u8 {
        // SAFETY: the caller's pointer is to a byte that is alive.
        unsafe { *byte }
    }

    #[tsvd::read]
    async fn pinned(self: Pin<&Self>, by: impl Into<usize>) -> usize {
        self.0.len() + by.into()
    }

    #[tsvd::update]
    async fn recursive(&self, depth: u8) -> u8 {
        if depth == 0 {
            return 0;
        }
        Box::pin(self.recursive(depth - 1)).await + 1
    }
}

fn store() -> Store {
    Store(std::sync::Arc::new(vec![4, 5]))
}

#[test]
fn the_site_is_the_call_and_the_object_is_looked_at_when_it_is_polled() {
    use tsvd::__private::Object;
    let store = store();
    let mut line = 0;
    let (entered, log) = only(|| {
        line = line!() + 1;
        let future = store.get(1);
        log("called");
        assert_eq!(finish(future), Some(&5));
    });
    assert_eq!((entered.site.file(), entered.site.line()), (file!(), line));
    assert_eq!(entered.object, Object::place(&store));
    assert!(entered.key.is_some());
    assert_eq!(log, ["called", "+get", "pause", "-get"]);
    // SAFETY: the pointer is to a value that is alive.
    let (entered, _) = only(|| assert_eq!(finish(unsafe { store.raw(&7) }), 7));
    assert_eq!(entered.operation.name, "raw");
    only(|| assert_eq!(finish(Pin::new(&store).pinned(1_u8)), 3));
    let (depth, log, _) = record(|| finish(store.recursive(1)));
    assert_eq!(depth, 1);
    assert_eq!(
        log,
        ["+recursive", "+recursive", "-recursive", "-recursive"]
    );
    assert_eq!(
        off(|| record(|| finish(store.get(0)).copied())).1,
        ["pause"]
    );
}

#[test]
fn an_operation_that_consumes_its_receiver_ends_before_its_body() {
    let (_, log) = only(|| finish(Box::new(store()).close()));
    assert_eq!(log, ["+close", "-close", "pause", "body"]);
    let shared = std::sync::Arc::new(store());
    let place = tsvd::__private::Object::place(&*shared.0);
    let (entered, log) = only(|| finish(shared.shared(1)));
    assert_eq!(entered.object, place);
    assert_eq!(log, ["+shared", "-shared"]);
}

#[tsvd::write(crate = crate::recorder, resource = "environment", key = name)]
async fn set<'a, T: Into<String> + Clone>(name: &'a str, value: &T, _: ()) -> (&'a str, String) {
    pause().await;
    (name, value.clone().into())
}

#[test]
fn free_functions_borrow_as_without_us() {
    let (_, log) = only(|| {
        let name = "name".to_owned();
        let (name, value) = {
            let value = "value";
            finish(set(&name, &value, ()))
        };
        assert_eq!((name, value.as_str()), ("name", "value"));
    });
    assert_eq!(log, ["+set", "pause", "-set"]);
}

mod program {
    #[tsvd::update(crate = crate::recorder, resource = "process")]
    pub(super) async fn main() {}
}

#[test]
fn main_has_no_caller() {
    let (entered, _) = only(|| finish(program::main()));
    assert_eq!(entered.site, entered.operation.definition);
}

trait Plain {
    async fn get(&self, key: &str) -> Option<String>;
    fn other(&self) -> impl Future<Output = usize> + Send;
}

#[tsvd::contract(crate = crate::recorder)]
impl Plain for Store {
    #[tsvd::read]
    async fn get(&self, key: &str) -> Option<String> {
        Some(key.to_owned())
    }

    #[tsvd::read]
    async fn other(&self) -> usize {
        self.0.len()
    }
}

#[tsvd::contract(crate = crate::recorder)]
trait Contract {
    #[tsvd::read]
    async fn length(&self) -> usize;

    #[tsvd::read]
    async fn is_empty(&self, _why: &str) -> bool {
        self.length().await == 0
    }
}

#[tsvd::contract(crate = crate::recorder)]
impl Contract for Store {
    #[tsvd::read]
    async fn length(&self) -> usize {
        self.0.len()
    }
}

/// Without an attribute of its own.
struct Unwatched;

impl Contract for Unwatched {
    async fn length(&self) -> usize {
        pause().await;
        0
    }
}

#[test]
fn methods_of_traits_are_implemented_and_inherited() {
    let store = store();
    let (entered, _) = only(|| finish(Plain::get(&store, "key")));
    assert_eq!(
        entered.operation.contract,
        concat!(module_path!(), "::Store")
    );
    only(|| assert_eq!(finish(store.other()), 2));
    let mut line = 0;
    let (_, log, entered) = record(|| {
        line = line!() + 1;
        assert!(!finish(store.is_empty("")));
    });
    assert_eq!(log, ["+is_empty", "+length", "-length", "-is_empty"]);
    assert_eq!(
        entered[0].operation.contract,
        concat!(module_path!(), "::Contract")
    );
    assert_eq!(entered[0].site.line(), line);
    let (_, log, _) = record(|| assert!(finish(Unwatched.is_empty(""))));
    assert_eq!(log, ["+is_empty", "pause", "-is_empty"]);
}

/// Whether a future may be sent, asked of its type without demanding it.
macro_rules! is_send {
    ($future:expr) => {{
        struct Probe<T>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait Otherwise {
            fn is_send(&self) -> bool {
                false
            }
        }
        impl<T> Otherwise for Probe<T> {}
        #[allow(dead_code)]
        impl<T: Send> Probe<T> {
            fn is_send(&self) -> bool {
                true
            }
        }
        fn probe<T>(_: &T) -> Probe<T> {
            Probe(std::marker::PhantomData)
        }
        probe(&$future).is_send()
    }};
}

struct Sends(std::cell::Cell<u8>);

#[tsvd::contract(crate = crate::recorder, object = self.0)]
impl Sends {
    #[tsvd::read]
    async fn by_reference(&self) -> u8 {
        pause().await;
        self.0.get()
    }

    #[tsvd::read(key = key)]
    async fn by_value(self, key: &str) -> u8 {
        pause().await;
        self.0.get() + key.len() as u8
    }

    #[tsvd::read]
    async fn holds(self) -> u8 {
        let rc = std::rc::Rc::new(1);
        pause().await;
        *rc
    }

    #[tsvd::read]
    async fn held_no_more(self) -> u8 {
        let one = *std::rc::Rc::new(1);
        pause().await;
        one
    }
}

#[test]
fn a_future_can_be_sent_where_its_body_can() {
    let make = || Sends(Default::default());
    assert!(!is_send!(make().by_reference()), "the value is not `Sync`");
    assert!(is_send!(make().by_value("key")));
    assert!(!is_send!(make().holds()));
    assert!(is_send!(make().held_no_more()));
    assert!(is_send!(store().get(0)));
}
