//! Thread-safe contracts, what is said of results, and functions that are regions.

use std::cell::Cell;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

use crate::recorder::{Entered, log, off, record};
use crate::tasks::finish;

fn only<R>(body: impl FnOnce() -> R) -> (Entered, Vec<String>) {
    let (_, log, mut entered) = record(body);
    assert_eq!(entered.len(), 1, "{log:?}");
    (entered.remove(0), log)
}

#[derive(Default)]
struct Sessions(Cell<Option<u8>>);

#[tsvd::contract(crate = crate::recorder, thread_safe, update(take))]
impl Sessions {
    #[tsvd::read]
    fn contains(&self, id: u8) -> bool {
        self.0.get() == Some(id)
    }

    #[tsvd::write(when = |old: &Option<u8>| old.is_none())]
    fn insert(&self, id: u8) -> Option<u8> {
        if let Some(old) = self.0.get() {
            log("early");
            return Some(old);
        }
        self.0.set(Some(id));
        None
    }

    fn take(&self) -> Option<u8> {
        self.0.take()
    }

    #[tsvd::update(key = id, when = Result::is_ok)]
    fn replace(&self, id: u8, mut by: u8) -> Result<u8, String> {
        by += 0;
        let old = self.0.get().ok_or("empty")?;
        self.0.set(Some(by));
        Ok(old + id)
    }

    #[tsvd::update(when = |old| old.is_some())]
    async fn take_later(&self) -> Option<u8> {
        ready(()).await;
        self.0.take()
    }

    #[tsvd::update(when = |n| *n > 1)]
    fn hidden(&self) -> impl Future<Output = u8> + use<> {
        ready(2)
    }

    #[tsvd::update(future, when = |n| *n > 2)]
    fn boxed(&self) -> Pin<Box<dyn Future<Output = u8>>> {
        Box::pin(ready(2))
    }

    #[tsvd::update(call, when = |_| true)]
    fn only_the_call(&self) -> std::future::Ready<u8> {
        ready(2)
    }

    #[tsvd::update(object = self.0, when = |gone| *gone)]
    fn close(self: Rc<Self>) -> bool {
        true
    }

    #[tsvd::update(when = panics)]
    fn looked_at_badly(&self) -> u8 {
        1
    }

    #[tsvd::expect_atomic(crate = crate::recorder)]
    fn insert_if_absent(&self, id: u8) -> Option<u8> {
        if self.contains(id) {
            return Some(id);
        }
        self.insert(id)
    }

    #[tsvd::expect_atomic(crate = crate::recorder, strict)]
    async fn take_if_present(&self, _id: u8) -> Option<u8> {
        ready(()).await;
        self.take_later().await
    }
}

fn panics(_: &u8) -> bool {
    std::panic::resume_unwind(Box::new(()))
}

struct Plain(u8);

#[tsvd::contract(crate = crate::recorder)]
impl Plain {
    #[tsvd::write(when = |changed| *changed)]
    fn set(&mut self, value: u8) -> bool {
        std::mem::replace(&mut self.0, value) != value
    }
}

#[test]
fn operations_of_a_thread_safe_contract_say_so() {
    let sessions = Sessions::default();
    assert!(only(|| sessions.contains(1)).0.operation.thread_safe);
    assert!(only(|| sessions.take()).0.operation.thread_safe);
    assert!(
        only(|| finish(sessions.take_later()))
            .0
            .operation
            .thread_safe
    );
    let (entered, _) = only(|| Plain(1).set(2));
    assert!(!entered.operation.thread_safe);
}

#[test]
fn the_result_says_whether_it_wrote_while_the_operation_is_in_flight() {
    let sessions = Sessions::default();
    let log_of = |body: &dyn Fn()| only(body).1;
    let inserted = log_of(&|| assert_eq!(sessions.insert(1), None));
    assert_eq!(inserted, ["+insert", "wrote: true", "-insert"]);
    let refused = log_of(&|| assert_eq!(sessions.insert(2), Some(1)));
    assert_eq!(refused, ["+insert", "early", "wrote: false", "-insert"]);
    let replaced = log_of(&|| assert_eq!(sessions.replace(1, 5), Ok(2)));
    assert_eq!(replaced, ["+replace", "wrote: true", "-replace"]);
    let taken = log_of(&|| assert_eq!(finish(sessions.take_later()), Some(5)));
    assert_eq!(taken, ["+take_later", "wrote: true", "-take_later"]);
    let taken = log_of(&|| assert_eq!(finish(sessions.take_later()), None));
    assert_eq!(taken, ["+take_later", "wrote: false", "-take_later"]);
    let failed = log_of(&|| assert_eq!(sessions.replace(1, 5), Err("empty".to_owned())));
    assert_eq!(failed, ["+replace", "wrote: false", "-replace"]);
    let hidden = log_of(&|| assert_eq!(finish(sessions.hidden()), 2));
    assert_eq!(hidden, ["+hidden", "wrote: true", "-hidden"]);
    let boxed = log_of(&|| assert_eq!(finish(sessions.boxed()), 2));
    assert_eq!(boxed, ["+boxed", "wrote: false", "-boxed"]);
    let call = log_of(&|| drop(sessions.only_the_call()));
    assert_eq!(call, ["+only_the_call", "wrote: true", "-only_the_call"]);
    let closed = log_of(&|| assert!(Rc::new(Sessions::default()).close()));
    assert_eq!(closed, ["+close", "wrote: true", "-close"]);
    let plain = log_of(&|| assert!(!Plain(1).set(1)));
    assert_eq!(plain, ["+set", "wrote: false", "-set"]);
}

#[test]
fn results_are_looked_at_only_where_something_watches() {
    let sessions = Sessions::default();
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sessions.looked_at_badly()));
    assert!(caught.is_err());
    assert_eq!(off(|| sessions.looked_at_badly()), 1);
}

#[tsvd::expect_atomic(crate = crate::recorder)]
fn free<'a>(
    text: &'a str,
    _: u8,
    (a, _b): (&'a str, u8),
) -> Result<&'a str, std::num::ParseIntError> {
    let number: usize = text.parse()?;
    Ok(&a[number..])
}

#[tsvd::expect_atomic(crate = crate::recorder)]
#[track_caller]
fn tracked() -> u32 {
    std::panic::Location::caller().line()
}

#[tsvd::expect_atomic(crate = crate::recorder, strict)]
fn boxed(n: &u8) -> Pin<Box<dyn Future<Output = u8> + '_>> {
    log("call");
    Box::pin(async move {
        log("body");
        *n
    })
}

trait Store {
    fn state(&self) -> u8;
    #[tsvd::expect_atomic(crate = crate::recorder)]
    async fn waits(&self) -> u8 {
        ready(self.state()).await
    }
}

impl Store for u8 {
    #[tsvd::expect_atomic(crate = crate::recorder)]
    fn state(&self) -> u8 {
        *self
    }
}

struct Closing;

impl Drop for Closing {
    #[tsvd::expect_atomic(crate = crate::recorder)]
    fn drop(&mut self) {}
}

#[test]
fn a_region_is_open_while_its_function_runs() {
    let sessions = Sessions::default();
    let (inserted, events, entered) = record(|| sessions.insert_if_absent(1));
    assert_eq!(inserted, None);
    assert_eq!(
        events,
        [
            "+insert_if_absent",
            "+contains",
            "-contains",
            "+insert",
            "wrote: true",
            "-insert",
            "-insert_if_absent"
        ]
    );
    assert_eq!(entered[0].operation.contract, module_path!());
    assert_eq!(record(|| sessions.insert_if_absent(1)).1.len(), 4);
    let mut line = 0;
    let (_, log, entered) = record(|| {
        line = line!() + 1;
        let future = sessions.take_if_present(1);
        log("called");
        finish(future)
    });
    assert_eq!(
        log,
        [
            "called",
            "strict",
            "+take_if_present",
            "+take_later",
            "wrote: true",
            "-take_later",
            "-take_if_present"
        ]
    );
    assert_eq!(entered[0].site.line(), line);
}

#[test]
fn regions_are_functions_of_every_kind() {
    let line = line!() + 1;
    let (entered, log) = only(|| assert_eq!(free("1", 0, ("ab", 0)), Ok("b")));
    assert_eq!(log, ["+free", "-free"]);
    assert_eq!(entered.site.line(), line);
    only(|| assert!(free("", 0, ("", 0)).is_err()));
    let (entered, _) = only(|| assert_eq!(tracked(), line!()));
    assert_eq!(entered.site.line(), line!() - 1);
    let (_, log) = only(|| assert_eq!(finish(boxed(&3)), 3));
    assert_eq!(log, ["call", "strict", "+boxed", "body", "-boxed"]);
    let (_, log, _) = record(|| finish(4_u8.waits()));
    assert_eq!(log, ["+waits", "+state", "-state", "-waits"]);
    let (entered, _) = only(|| drop(Closing));
    assert_eq!(entered.site, entered.operation.definition);
    assert!(off(|| record(|| free("", 0, ("", 0)))).1.is_empty());
}
