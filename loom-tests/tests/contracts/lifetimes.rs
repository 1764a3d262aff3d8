//! Where calls begin and end: outside models, while threads die, by panics.

use super::*;

std::thread_local! {
    static OUTSIDE: Dictionary = Dictionary::new();
}

/// A model that is over, or has not begun, watches nothing; and what one execution saw the next does not know.
#[test]
fn calls_outside_a_model() {
    OUTSIDE.with(|dictionary| dictionary.insert(|| ()));
    holds("contracts: nothing is carried over", || {
        beside(
            (Mutex::new(()), Dictionary::new()),
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                OUTSIDE.with(|outside| outside.get(|| dictionary.insert(|| ())));
            },
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                dictionary.insert(|| OUTSIDE.with(|outside| outside.insert(|| ())));
            },
        );
    });
    OUTSIDE.with(|dictionary| dictionary.insert(|| ()));
}

/// A destructor of a thread local runs when loom no longer knows the thread's number.
#[cfg(loom)]
#[test]
fn calls_in_destructors_of_thread_locals() {
    type Shared = (Mutex<()>, Dictionary);
    struct Last(std::cell::RefCell<Option<Arc<Shared>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            let shared = self.0.take().unwrap();
            let _held = shared.0.lock().unwrap();
            shared.1.insert(|| shared.1.get(|| ()));
        }
    }
    loom::thread_local! {
        static LAST: Last = Last(std::cell::RefCell::new(None));
    }
    holds("contracts: destructors of thread locals", || {
        let shared = Arc::new((Mutex::new(()), Dictionary::new()));
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || LAST.with(|last| *last.0.borrow_mut() = Some(shared)))
        };
        {
            let _held = shared.0.lock().unwrap();
            shared.1.insert(|| ());
        }
        thread.join().unwrap();
    });
}

/// A call that panics is over: it is not found in flight within the one around it.
#[test]
fn a_panic_that_is_caught() {
    fn read_and_panic(dictionary: &Dictionary) {
        let body = || dictionary.get(|| std::panic::resume_unwind(Box::new("of the body")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err());
    }
    holds("contracts: caught panic", || {
        let shared = Arc::new((AtomicBool::new(false), Dictionary::new()));
        shared.1.insert(|| {
            let readers = [(); 2].map(|()| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    read_and_panic(&shared.1);
                    shared.0.store(true, Relaxed);
                })
            });
            readers
                .into_iter()
                .for_each(|reader| reader.join().unwrap());
        });
    });
}
