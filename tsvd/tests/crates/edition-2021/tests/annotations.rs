#[path = "../../../annotations/asynchronous.rs"]
mod asynchronous;
#[path = "../../../annotations/bodies.rs"]
mod bodies;
#[path = "../../../annotations/forms.rs"]
mod forms;
#[path = "../../../annotations/futures.rs"]
mod futures;
#[path = "../../../annotations/objects.rs"]
mod objects;
#[path = "../../../annotations/odd.rs"]
mod odd;
#[path = "../../../annotations/recorder.rs"]
mod recorder;
#[path = "../../../annotations/regions.rs"]
mod regions;
#[path = "../../../annotations/tasks.rs"]
mod tasks;
#[path = "../../../annotations/tests.rs"]
mod tests;
#[path = "../../../annotations/waiting.rs"]
mod waiting;

/// The body of an `unsafe fn` is an unsafe block up to edition 2021.
mod unsafe_bodies {
    struct Raw(*const u8);

    #[tsvd::contract(crate = crate::recorder)]
    impl Raw {
        #[tsvd::read]
        unsafe fn get(&self) -> u8 {
            *self.0
        }

        #[tsvd::read]
        async unsafe fn later(&self, other: &u8) -> u8 {
            std::future::ready(()).await;
            *self.0 + *other
        }
    }

    #[tsvd::write(crate = crate::recorder, resource = "raw")]
    unsafe fn get(pointer: *const u8) -> u8 {
        *pointer
    }

    #[test]
    fn need_no_block() {
        // SAFETY: both pointers are to a value that is alive.
        assert_eq!(unsafe { Raw(&5).get() + get(&5) }, 10);
        let raw = Raw(&5);
        // SAFETY: as above.
        let mut later = Box::pin(unsafe { raw.later(&1) });
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        let polled = std::future::Future::poll(later.as_mut(), &mut task);
        assert_eq!(polled, std::task::Poll::Ready(6));
    }
}
