//! The forms in which an operation can be an `async fn`, where it says that it was called, and what its future is.

use std::future::Future;
use std::pin::Pin;

use crate::recorder::{Entered, log, off, record};
use crate::tasks::{finish, pause};

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

/// More parameters than there are functions to hand them on with.
#[allow(clippy::too_many_arguments)]
#[tsvd::read(crate = crate::recorder, object = a)]
async fn fourteen(
    a: &u8,
    (b, _): (u8, u8),
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    mut l: u8,
    m: impl Into<u8>,
    _: &str,
) -> u8 {
    l += a + b + c + d + e + f + g + h + i + j + k;
    pause().await;
    l + m.into()
}

#[test]
fn parameters_of_any_number() {
    let sum = || finish(fourteen(&1, (1, 1), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1_u8, ""));
    only(|| assert_eq!(sum(), 13));
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
