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

/// Runs `body` as in a process that is not watched.
pub(crate) fn off<R>(body: impl FnOnce() -> R) -> R {
    OFF.set(true);
    let result = body();
    OFF.set(false);
    result
}

pub(crate) mod __private {
    use std::panic::Location;

    pub(crate) use tsvd::__private::*;

    use super::{ENTERED, Entered, OFF, log};

    #[derive(Debug)]
    pub(crate) struct Operation {
        pub(crate) contract: &'static str,
        pub(crate) name: &'static str,
        pub(crate) access: Access,
        pub(crate) role: Option<&'static str>,
        pub(crate) definition: &'static Location<'static>,
        pub(crate) drops: bool,
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
        log(format!("+{}", operation.name));
        let key = key.map(|key| format!("{key:?}"));
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
}
