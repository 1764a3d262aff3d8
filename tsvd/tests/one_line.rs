//! The compiler warns of no body of one line, whatever kind of function has it: its braces are no unnecessary ones. In every mode.
#![deny(warnings)]

// It would give each body lines of its own.
#[rustfmt::skip]
mod one_line {
    use std::pin::Pin;
    use std::sync::Arc;

    struct Slab<T>(Vec<T>);

    #[tsvd::contract]
    impl<T: Clone> Slab<T> {
        #[tsvd::read]
        fn len(&self) -> usize { self.0.len() }

        #[tsvd::read]
        async fn later(&self) -> usize { self.0.len() }

        #[tsvd::write]
        async fn push(&mut self, value: T) { self.0.push(value) }

        #[tsvd::read(key = index)]
        async fn get<I: Copy + Into<usize> + std::hash::Hash>(&self, index: I) -> Option<&T> { self.0.get(index.into()) }

        #[tsvd::update(when = Option::is_some)]
        fn pop(&mut self) -> Option<T> { self.0.pop() }

        #[tsvd::update(when = |popped| popped.is_some())]
        async fn pop_later(&mut self) -> Option<T> { self.0.pop() }

        #[tsvd::update(resource = "slabs")]
        async fn last_of(self) -> Option<T> { self.0.last().cloned() }

        #[tsvd::read]
        async fn shared(self: Arc<Self>) -> usize { self.0.len() }

        #[tsvd::read]
        async fn nothing(&self) {}

        #[tsvd::read]
        async fn never(&self) -> ! { panic!("as it should") }

        #[tsvd::read]
        #[track_caller]
        fn located(&self) -> usize { self.0.len() }

        #[tsvd::read]
        fn function(&self) -> impl Fn(usize) -> Option<T> + use<'_, T> { |index| self.0.get(index).cloned() }

        #[tsvd::read]
        fn hidden(&self) -> impl Future<Output = usize> { std::future::ready(self.0.len()) }

        #[tsvd::read]
        #[track_caller]
        fn hidden_located(&self) -> impl Future<Output = usize> { std::future::ready(self.0.len()) }

        #[tsvd::read]
        fn boxed(&self) -> Pin<Box<dyn Future<Output = usize> + '_>> { Box::pin(async { self.0.len() }) }

        #[tsvd::read]
        #[track_caller]
        fn boxed_located(&self) -> Pin<Box<dyn Future<Output = usize> + '_>> { Box::pin(async { self.0.len() }) }

        #[tsvd::expect_atomic]
        fn first(&self) -> Option<&T> { self.0.first() }

        #[tsvd::expect_atomic(strict)]
        async fn first_later(&self) -> Option<&T> { self.0.first() }

        #[tsvd::expect_atomic]
        #[track_caller]
        fn first_located(&self) -> Option<&T> { self.0.first() }
    }

    #[tsvd::contract(read(count, provided), thread_safe)]
    trait Count {
        async fn count(&self) -> usize;
        async fn provided(&self) -> usize { 1 }
    }

    #[tsvd::contract(read(count))]
    impl Count for Slab<u8> {
        async fn count(&self) -> usize { self.0.len() }
    }

    #[async_trait::async_trait]
    trait Boxed {
        async fn count(&self) -> usize;
    }

    #[async_trait::async_trait]
    #[tsvd::contract(read(count))]
    impl Boxed for [u8; 3] {
        async fn count(&self) -> usize { self.len() }
    }

    #[tsvd::update(resource = "one line")]
    fn free() -> u8 { 1 }

    #[tsvd::read(resource = "another line")]
    async fn free_later() -> u8 { 1 }

    #[tsvd::expect_atomic]
    async fn region() -> u8 { free_later().await }

    /// The output of a future that is ready at its first poll.
    fn now<F: Future>(future: F) -> F::Output {
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut task) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => panic!("the future waits"),
        }
    }

    #[tsvd::test]
    fn functions() { assert_eq!((free(), free_later_now(), now(region())), (1, 1, 1)) }

    fn free_later_now() -> u8 { now(free_later()) }

    #[cfg(not(loom))]
    #[tsvd::test(rounds = 2)]
    #[tokio::test]
    async fn futures() { assert_eq!(free_later().await, 1) }

    #[cfg(not(loom))]
    #[tsvd::test]
    #[tokio::test]
    async fn futures_with_a_result() -> Result<(), String> { Ok(()) }

    #[tsvd::test(rounds = 1)]
    #[should_panic(expected = "as it should")]
    fn never() { now(Slab::<u8>(Vec::new()).never()) }

    #[test]
    fn methods() {
        let mut slab = Slab(vec![5_u8]);
        now(slab.push(6));
        now(slab.nothing());
        assert_eq!((slab.len(), now(slab.later())), (2, 2));
        assert_eq!(now(slab.get(1_u8)), Some(&6));
        assert_eq!(slab.located(), 2);
        assert_eq!(slab.function()(0), Some(5));
        assert_eq!((now(slab.hidden()), now(slab.hidden_located())), (2, 2));
        assert_eq!((now(slab.boxed()), now(slab.boxed_located())), (2, 2));
        assert_eq!((slab.first(), slab.first_located()), (Some(&5), Some(&5)));
        assert_eq!(now(slab.first_later()), Some(&5));
        assert_eq!((now(slab.count()), now(slab.provided())), (2, 1));
        assert_eq!(now(Boxed::count(&[1, 2, 3])), 3);
        assert_eq!((slab.pop(), now(slab.pop_later())), (Some(6), Some(5)));
        assert_eq!(now(Slab(vec![7]).last_of()), Some(7));
        assert_eq!(now(Arc::new(slab).shared()), 0);
    }
}
