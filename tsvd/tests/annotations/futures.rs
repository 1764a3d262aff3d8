//! Functions that return a future and are not `async`: the call is the body's, what is in flight is the future.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::Poll;

use tsvd::__private::Object;

use crate::recorder::{log, record};
use crate::tasks::{finish, poll};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
/// Nothing in its name says that it is a future.
type Response = Pin<Box<dyn Future<Output = u8>>>;

struct Store(Vec<u8>);

#[tsvd::contract(crate = crate::recorder)]
impl Store {
    #[tsvd::read(key = index)]
    fn hidden(&self, index: usize) -> impl Future<Output = u8> + Send + '_ {
        log("call");
        async move {
            log("body");
            self.0[index]
        }
    }

    #[tsvd::write]
    fn with_unpin(&mut self, by: u8) -> impl Future<Output = u8> + Unpin + use<> {
        self.0.push(by);
        ready(by)
    }

    #[tsvd::read]
    fn boxed(&self, early: bool) -> BoxFuture<'_, usize> {
        if early {
            return Box::pin(ready(0));
        }
        Box::pin(async move { self.0.len() })
    }

    #[tsvd::read]
    fn local(&self) -> LocalBoxFuture<'_, usize> {
        let rc = std::rc::Rc::new(1);
        Box::pin(async move { self.0.len() + *rc })
    }

    #[tsvd::read]
    fn pinned(&self) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
        Box::pin(async move { self.0.len() })
    }

    #[tsvd::write(future)]
    fn alias(&mut self) -> Response {
        self.0.push(1);
        Box::pin(ready(1))
    }

    #[tsvd::write(future)]
    fn into_future(&mut self) -> impl std::future::IntoFuture<Output = u8> + use<> {
        ready(2)
    }

    #[tsvd::write(call)]
    fn only_the_call(&mut self) -> impl Future<Output = u8> + use<> {
        log("call");
        async {
            log("body");
            3
        }
    }

    #[tsvd::write(call)]
    fn only_the_call_boxed(&mut self) -> BoxFuture<'static, u8> {
        Box::pin(ready(4))
    }

    #[tsvd::write]
    fn unborrowed(&mut self) -> Pin<Box<dyn Future<Output = u8> + Send>> {
        Box::pin(ready(6))
    }

    #[tsvd::write]
    fn unborrowed_static(&mut self) -> BoxFuture<'static, u8> {
        Box::pin(ready(7))
    }

    #[tsvd::write(future)]
    fn unborrowed_future(&mut self) -> LocalBoxFuture<'static, u8> {
        Box::pin(ready(8))
    }

    #[tsvd::write(resource = "store")]
    fn unborrowed_resource(&mut self) -> BoxFuture<'static, u8> {
        Box::pin(ready(9))
    }

    #[tsvd::write]
    fn not_visibly(&mut self) -> Ready<u8> {
        ready(5)
    }

    #[tsvd::write]
    fn consumed(self: Box<Self>) -> impl Future<Output = usize> {
        log("call");
        async move {
            log("body");
            self.0.len()
        }
    }

    #[tsvd::write]
    fn consumed_boxed(self: Box<Self>) -> BoxFuture<'static, usize> {
        log("call");
        Box::pin(async move { self.0.len() })
    }

    #[tsvd::read]
    #[track_caller]
    fn located(&self) -> impl Future<Output = u32> + use<> {
        ready(std::panic::Location::caller().line())
    }

    #[tsvd::read]
    fn unlocated(&self) -> impl Future<Output = u32> + use<> {
        ready(std::panic::Location::caller().line())
    }
}

fn store() -> Store {
    Store(vec![6, 7])
}

/// What is logged by `body`, which enters one operation.
#[track_caller]
fn log_of<R>(body: impl FnOnce() -> R) -> Vec<String> {
    let (_, log, entered) = record(body);
    assert_eq!(entered.len(), 1, "{log:?}");
    log
}

#[test]
fn the_body_runs_at_the_call_and_the_future_is_in_flight() {
    let store = store();
    let mut line = 0;
    let (_, log, entered) = record(|| {
        line = line!() + 1;
        let future = store.hidden(1);
        log("called");
        assert_eq!(finish(future), 7);
    });
    assert_eq!(log, ["call", "called", "+hidden", "body", "-hidden"]);
    assert_eq!(entered[0].site.line(), line);
    assert_eq!(entered[0].object, Object::place(&store));
    assert!(entered[0].key.is_some());
    let unpolled = record(|| drop(store.hidden(1)));
    assert_eq!(unpolled.1, ["call"]);
}

#[test]
fn futures_in_boxes_stay_what_they_are() {
    let mut store = store();
    let both = |name: &str| [format!("+{name}"), format!("-{name}")];
    assert_eq!(
        log_of(|| assert_eq!(finish(store.boxed(true)), 0)),
        both("boxed"),
        "a return in the body is watched, too"
    );
    assert_eq!(
        log_of(|| assert_eq!(finish(store.boxed(false)), 2)),
        both("boxed")
    );
    assert_eq!(
        log_of(|| assert_eq!(finish(store.local()), 3)),
        both("local")
    );
    assert_eq!(
        log_of(|| assert_eq!(finish(store.pinned()), 2)),
        both("pinned")
    );
    let mut unpin = store.with_unpin(8);
    let entered = log_of(|| {
        let polled = poll(Pin::new(&mut unpin));
        assert_eq!(polled, Poll::Ready(8));
    });
    assert_eq!(entered, both("with_unpin"));
    fn sends<T: Send>(future: T) -> T {
        future
    }
    finish(sends(store.boxed(true)));
    finish(sends(store.hidden(0)));
}

#[test]
fn what_is_not_visible_can_be_said() {
    let mut store = store();
    assert_eq!(
        log_of(|| assert_eq!(finish(store.alias()), 1)),
        ["+alias", "-alias"]
    );
    let later = store.into_future();
    let entered = log_of(|| assert_eq!(finish(std::future::IntoFuture::into_future(later)), 2));
    assert_eq!(entered, ["+into_future", "-into_future"]);
    let call = log_of(|| assert_eq!(finish(store.only_the_call()), 3));
    assert_eq!(call, ["+only_the_call", "call", "-only_the_call", "body"]);
    let call = log_of(|| drop(store.only_the_call_boxed()));
    assert_eq!(call, ["+only_the_call_boxed", "-only_the_call_boxed"]);
    let call = log_of(|| drop(store.not_visibly()));
    assert_eq!(call, ["+not_visibly", "-not_visibly"]);
}

#[test]
fn a_box_that_does_not_borrow_is_a_call_unless_more_is_said() {
    let mut store = store();
    let both = |name: &str| [format!("+{name}"), format!("-{name}")];
    assert_eq!(log_of(|| drop(store.unborrowed())), both("unborrowed"));
    assert_eq!(
        log_of(|| drop(store.unborrowed_static())),
        both("unborrowed_static")
    );
    for unpolled in [
        record(|| drop(store.unborrowed_future())),
        record(|| drop(store.unborrowed_resource())),
    ] {
        assert!(unpolled.1.is_empty(), "{:?}", unpolled.1);
    }
    assert_eq!(
        log_of(|| assert_eq!(finish(store.unborrowed_future()), 8)),
        both("unborrowed_future")
    );
}

#[test]
fn a_consumed_receiver_is_in_flight_before_the_call_only() {
    let log = log_of(|| assert_eq!(finish(Box::new(store()).consumed()), 2));
    assert_eq!(log, ["+consumed", "-consumed", "call", "body"]);
    let log = log_of(|| drop(Box::new(store()).consumed()));
    assert_eq!(log, ["+consumed", "-consumed", "call"]);
    let log = log_of(|| assert_eq!(finish(Box::new(store()).consumed_boxed()), 2));
    assert_eq!(log, ["+consumed_boxed", "-consumed_boxed", "call"]);
}

#[test]
fn a_function_that_handed_on_its_caller_still_does() {
    let store = store();
    let line = line!() + 1;
    let (seen, _, entered) = record(|| finish(store.located()));
    assert_eq!((seen, entered[0].site.line()), (line, line));
    let (seen, _, entered) = record(|| finish(store.unlocated()));
    assert_eq!(seen, entered[0].operation.definition.line() + 1);
}
