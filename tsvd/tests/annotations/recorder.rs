//! A stand-in for `tsvd`, named by `crate = …`, that writes down what expansions ask of it.

use std::cell::{Cell, RefCell};
use std::panic::Location;

pub(crate) use tsvd::{__place, __select};

macro_rules! __operation {
    ($name:ident = $operation:expr) => {
        static $name: $crate::recorder::__private::Operation = $operation;
        const _: fn() -> &'static $crate::recorder::__private::Operation = || &$name;
    };
}
pub(crate) use __operation;

thread_local! {
    static TEST: Cell<Option<&'static str>> = const { Cell::new(None) };
    static OFF: Cell<bool> = const { Cell::new(false) };
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// One call of `enter`.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    pub(crate) operation: &'static __private::Operation,
    pub(crate) site: &'static Location<'static>,
    pub(crate) object: tsvd::__private::Object,
    pub(crate) key: Option<String>,
}

/// Appends to this thread's log, where operations show as `+name` and `-name`.
pub(crate) fn log(event: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(event.into()));
}

/// Runs `body` and gives what it returned, what was logged and what was entered meanwhile.
pub(crate) fn record<R>(body: impl FnOnce() -> R) -> (R, Vec<String>, Vec<Entered>) {
    LOG.with_borrow_mut(Vec::clear);
    ENTERED.with_borrow_mut(Vec::clear);
    let result = body();
    (result, LOG.take(), ENTERED.take())
}

/// What the running `#[tsvd::test]` is called.
pub(crate) fn test_name() -> Option<&'static str> {
    TEST.get()
}

/// Runs `body` as in a process that is not watched.
pub(crate) fn off<R>(body: impl FnOnce() -> R) -> R {
    OFF.set(true);
    let result = body();
    OFF.set(false);
    result
}

pub(crate) mod __private {
    use std::future::Future;
    use std::panic::Location;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    pub(crate) use tsvd::__private::*;

    use super::{ENTERED, Entered, OFF, TEST, log};

    #[derive(Debug)]
    pub(crate) struct Operation {
        pub(crate) contract: &'static str,
        pub(crate) name: &'static str,
        pub(crate) access: Access,
        pub(crate) role: Option<&'static str>,
        pub(crate) definition: &'static Location<'static>,
        pub(crate) drops: bool,
        pub(crate) thread_safe: bool,
    }

    impl Operation {
        pub(crate) const fn new(
            contract: &'static str,
            name: &'static str,
            access: Access,
            definition: &'static Location<'static>,
        ) -> Self {
            Self {
                contract,
                name,
                access,
                role: None,
                definition,
                drops: false,
                thread_safe: false,
            }
        }

        pub(crate) const fn with_role(mut self, role: &'static str) -> Self {
            self.role = Some(role);
            self
        }

        /// Of a required method, which nobody calls.
        pub(crate) const fn declared(self) -> Self {
            self
        }

        pub(crate) const fn dropping(mut self) -> Self {
            self.drops = true;
            self
        }

        pub(crate) const fn thread_safe(mut self) -> Self {
            self.thread_safe = true;
            self
        }

        pub(crate) const fn definition(&self) -> &'static Location<'static> {
            self.definition
        }
    }

    #[must_use]
    pub(crate) struct Guard(Option<&'static str>);

    impl Guard {
        pub(crate) fn inert() -> Self {
            Self(None)
        }

        pub(crate) fn when(&self, wrote: bool) {
            if self.0.is_some() {
                log(format!("wrote: {wrote}"));
            }
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            if let Some(name) = self.0 {
                log(format!("-{name}"));
            }
        }
    }

    pub(crate) fn enabled() -> bool {
        !OFF.get()
    }

    pub(crate) fn enter(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<Key<'_>>,
    ) -> Guard {
        enter_with(operation, site, object, key.map(|key| format!("{key:?}")))
    }

    /// Of a thread-safe contract.
    #[must_use]
    pub(crate) struct AccessGuard(Guard);

    impl AccessGuard {
        pub(crate) fn inert() -> Self {
            Self(Guard::inert())
        }

        pub(crate) fn when(&self, wrote: bool) {
            self.0.when(wrote);
        }
    }

    pub(crate) fn access(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<Key<'_>>,
    ) -> AccessGuard {
        assert!(operation.thread_safe);
        AccessGuard(enter(operation, site, object, key))
    }

    /// Logged like an operation, with `strict` if it is.
    #[derive(Debug)]
    pub(crate) struct Region(Operation, bool);

    impl Region {
        pub(crate) const fn new(
            module: &'static str,
            name: &'static str,
            strict: bool,
            definition: &'static Location<'static>,
        ) -> Self {
            Self(
                Operation::new(module, name, Access::Read, definition),
                strict,
            )
        }

        fn enter(&'static self, site: &'static Location<'static>) -> Guard {
            if self.1 {
                log("strict");
            }
            enter_with(&self.0, site, Object::resource("region"), None)
        }
    }

    #[must_use]
    pub(crate) struct RegionGuard(#[expect(dead_code, reason = "held for its drop")] Guard);

    impl RegionGuard {
        pub(crate) fn inert() -> Self {
            Self(Guard::inert())
        }
    }

    pub(crate) fn region(region: &'static Region, site: &'static Location<'static>) -> RegionGuard {
        RegionGuard(region.enter(site))
    }

    pub(crate) struct OperatingRegion(Operating);

    pub(crate) fn begin_region(region: &'static Region, Called(site): Called) -> OperatingRegion {
        OperatingRegion(Operating::new(true, move || region.enter(site)))
    }

    impl OperatingRegion {
        pub(crate) fn inert() -> Self {
            Self(Operating::inert())
        }

        pub(crate) fn with_end(self) -> (Self, OperatingEnd) {
            let (operating, end) = self.0.with_end();
            (Self(operating), end)
        }

        pub(crate) fn run<F: Future>(self, body: F) -> Running<F> {
            self.0.run(body)
        }
    }

    fn enter_with(
        operation: &'static Operation,
        site: &'static Location<'static>,
        object: Object,
        key: Option<String>,
    ) -> Guard {
        log(format!("+{}", operation.name));
        ENTERED.with_borrow_mut(|entered| {
            entered.push(Entered {
                operation,
                site,
                object,
                key,
            })
        });
        Guard(Some(operation.name))
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Called(&'static Location<'static>);

    impl Called {
        #[track_caller]
        pub(crate) fn now() -> Self {
            Self(Location::caller())
        }

        pub(crate) fn at(site: &'static Location<'static>) -> Self {
            Self(site)
        }
    }

    /// What is logged, and how.
    type Enter = Box<dyn FnOnce() -> Guard + Send + Sync>;

    pub(crate) struct Operating {
        enter: Option<Enter>,
        name: Shared,
        /// Nobody waits for the end of a thread-safe one.
        ends_in_body: bool,
    }

    /// The name that is logged at the end.
    type Shared = Arc<Mutex<Option<&'static str>>>;

    /// Ends it for its body.
    pub(crate) struct OperatingEnd(Shared);

    impl Drop for OperatingEnd {
        fn drop(&mut self) {
            drop(Guard(self.0.lock().unwrap().take()));
        }
    }

    pub(crate) fn begin(
        operation: &'static Operation,
        Called(site): Called,
        object: Object,
        key: Option<Key<'_>>,
    ) -> Operating {
        let key = key.map(|key| format!("{key:?}"));
        let enter = move || enter_with(operation, site, object, key);
        Operating::new(!operation.thread_safe, enter)
    }

    /// Of the future that a function returns.
    pub(crate) fn begin_returned(
        operation: &'static Operation,
        called: Called,
        object: Object,
        key: Option<Key<'_>>,
    ) -> Operating {
        begin(operation, called, object, key)
    }

    impl Operating {
        fn new(ends_in_body: bool, enter: impl FnOnce() -> Guard + Send + Sync + 'static) -> Self {
            Self {
                enter: Some(Box::new(enter)),
                name: Shared::default(),
                ends_in_body,
            }
        }

        pub(crate) fn inert() -> Self {
            Self {
                enter: None,
                name: Shared::default(),
                ends_in_body: false,
            }
        }

        pub(crate) fn with_end(self) -> (Self, OperatingEnd) {
            let end = match self.ends_in_body {
                true => self.name.clone(),
                false => Shared::default(),
            };
            (self, OperatingEnd(end))
        }

        pub(crate) fn run<F: Future>(self, body: F) -> Running<F> {
            Running {
                enter: self.enter,
                end: OperatingEnd(self.name),
                body: Box::pin(body),
            }
        }

        pub(crate) fn run_when<F: Future>(
            self,
            body: F,
            when: impl FnOnce(&F::Output) -> bool,
        ) -> Running<impl Future<Output = F::Output>> {
            self.run(async {
                let output = body.await;
                log(format!("wrote: {}", when(&output)));
                output
            })
        }
    }

    /// In flight from its first poll until it is finished or dropped.
    pub(crate) struct Running<F> {
        enter: Option<Enter>,
        end: OperatingEnd,
        body: Pin<Box<F>>,
    }

    impl<F: Future> Future for Running<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            if let Some(enter) = self.enter.take() {
                let mut guard = enter();
                *self.end.0.lock().unwrap() = guard.0.take();
            }
            let polled = self.body.as_mut().poll(context);
            if polled.is_ready() {
                drop(OperatingEnd(self.end.0.clone()));
            }
            polled
        }
    }

    pub(crate) struct Test {
        name: &'static str,
        rounds: u32,
    }

    /// What a test may return.
    pub(crate) trait Ends {}
    impl Ends for () {}
    impl<T, E> Ends for Result<T, E> {}

    impl Test {
        pub(crate) const fn new(name: &'static str) -> Self {
            Self { name, rounds: 1 }
        }

        pub(crate) const fn rounds(self, rounds: u32) -> Self {
            Self { rounds, ..self }
        }

        pub(crate) fn expects(self, part: &'static str) -> Self {
            log(format!("expects {part}"));
            self
        }

        fn begin(&self) {
            log(format!("round of {}", self.name));
            TEST.set(Some(self.name));
        }

        pub(crate) fn run<R: Ends>(self, mut body: impl FnMut() -> R) -> R {
            for _ in 1..self.rounds {
                self.begin();
                body();
            }
            self.begin();
            body()
        }

        pub(crate) async fn run_async<R: Ends, F: Future<Output = R>>(
            self,
            mut body: impl FnMut() -> F,
        ) -> R {
            for _ in 1..self.rounds {
                self.begin();
                body().await;
            }
            self.begin();
            body().await
        }
    }
}
