//! With the prelude, in scope by name, and with the real runtime.
use tsvd::prelude::*;

struct Slab<T>(Vec<T>);

#[contract]
impl<T: Clone> Slab<T> {
    #[read]
    fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    #[write(key = index)]
    fn set(&mut self, index: usize, value: T) -> Option<T> {
        let slot = self.0.get_mut(index)?;
        Some(std::mem::replace(slot, value))
    }
}

#[contract(thread_safe)]
impl Slab<u8> {
    #[read]
    async fn last(&self) -> Option<&u8> {
        std::future::ready(()).await;
        self.0.last()
    }

    #[update(when = |taken| taken.is_some())]
    fn take(&mut self) -> Option<u8> {
        self.0.pop()
    }

    #[write(when = Option::is_some)]
    async fn take_later(&mut self) -> Option<u8> {
        self.0.pop()
    }

    #[expect_atomic]
    fn take_last(&mut self) -> Option<u8> {
        if self.0.is_empty() { None } else { self.take() }
    }

    #[expect_atomic(strict)]
    async fn replace_last(&mut self, by: u8) -> Result<u8, Box<dyn std::error::Error>> {
        let last = self.take_later().await.ok_or("empty")?;
        self.0.push(by);
        Ok(last)
    }
}

/// The output of a future that is ready at its first poll.
fn now<F: Future>(future: F) -> F::Output {
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut task) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

#[update(resource = "environment")]
fn free() -> u8 {
    1
}

fn main() {
    let mut slab = Slab(vec![1, 2]);
    assert_eq!(slab.set(1, 3), Some(2));
    assert_eq!(slab.set(2, 3), None);
    assert_eq!(slab.get(1), Some(&3));
    assert_eq!(free(), 1);
    assert_eq!(now(slab.last()), Some(&3));
    assert_eq!(now(slab.replace_last(4)).ok(), Some(3));
    assert_eq!(slab.take_last(), Some(4));
}
