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
#[path = "../../../annotations/tests.rs"]
mod tests;

/// The body of an `unsafe fn` is an unsafe block up to edition 2021.
mod unsafe_bodies {
    struct Raw(*const u8);

    #[tsvd::contract(crate = crate::recorder)]
    impl Raw {
        #[tsvd::read]
        unsafe fn get(&self) -> u8 {
            *self.0
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
    }
}
