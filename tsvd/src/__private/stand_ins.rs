//! Stand-ins for what the runtime will provide, so that expansions compile and run until it is there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Called, Key, Object, Operation};

#[derive(Debug)]
pub struct Operating(Option<(&'static Operation, Called, Object, Option<u64>)>);

pub fn begin(
    operation: &'static Operation,
    called: Called,
    object: Object,
    key: Option<Key<'_>>,
) -> Operating {
    Operating(Some((operation, called, object, key.map(|key| key.hash))))
}

impl Operating {
    pub fn inert() -> Self {
        Self(None)
    }

    pub fn run<F: Future>(self, body: F) -> Running<F> {
        Running {
            body,
            operating: self,
            token: None,
        }
    }

    /// Computes `when` of the output before the operation leaves.
    pub fn run_when<F: Future, W: FnOnce(&F::Output) -> bool>(
        self,
        body: F,
        when: W,
    ) -> Running<impl Future<Output = F::Output>> {
        self.run(async move {
            let output = body.await;
            when(&output);
            output
        })
    }
}

#[derive(Debug)]
pub struct Running<F> {
    body: F,
    operating: Operating,
    token: Option<crate::backend::Token>,
}

impl<F: Future> Future for Running<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out, and the body is pinned as long as this is.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some((operation, called, object, hash)) = this.operating.0.take() {
            let key = hash.map(|hash| Key { hash, debug: None });
            this.token = Some(crate::backend::token(operation, called.0, object, key));
        }
        // SAFETY: as above.
        let polled = unsafe { Pin::new_unchecked(&mut this.body) }.poll(context);
        if polled.is_ready() {
            this.token = None;
        }
        polled
    }
}
