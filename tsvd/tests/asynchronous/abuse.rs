//! Futures that are treated badly.

use super::*;

#[test]
fn an_operation_that_is_never_polled_is_never_in_flight() {
    silent(false, || {
        current_thread().block_on(async {
            let cache = Cache::default();
            for _ in 0..100 {
                let unpolled = wait(&cache);
                touch(&cache).await;
                drop(unpolled);
            }
        });
    });
}

#[test]
fn one_that_is_polled_after_its_end_panics_as_without_us() {
    silent(false, || {
        let cache = Cache::default();
        let mut future = std::pin::pin!(touch(&cache));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_ready());
        let again = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
        let panic = again.unwrap_err();
        assert_eq!(
            panic.downcast_ref(),
            Some(&"`async fn` resumed after completion")
        );
    });
}

#[test]
fn one_that_is_leaked_while_it_is_held_is_never_reported() {
    let body = || {
        current_thread().block_on(arm_wait());
        let reused = Cell::new(0);
        let mut held = 0;
        for _ in 0..100 {
            let cache = Box::into_raw(Box::new(Cache::default()));
            let waker = Waker::from(Arc::new(Woken::default()));
            // SAFETY: it is freed below, when nobody polls the future any more.
            let operation = wait(unsafe { &*cache });
            let mut future = Box::pin(operation);
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            held += u64::from(polled.is_pending());
            std::mem::forget(future);
            // SAFETY: it came from a box.
            drop(unsafe { Box::from_raw(cache) });
            let next = Box::new(Cache::default());
            reused.set(reused.get() + usize::from(std::ptr::eq(&*next, cache)));
            std::thread::scope(|scope| {
                scope.spawn(|| futures::executor::block_on(touch(&next)));
            });
        }
        assert_eq!(held, 100);
        assert!(
            reused.get() > 90,
            "the address is used again {} times",
            reused.get()
        );
    };
    let settings = [
        ("TSVD_BUDGET_PROCESS_MS", "10000"),
        ("TSVD_BUDGET_THREAD_MS", "10000"),
        ("TSVD_DECAY", "0"),
    ];
    if let Some(ended) = run_with(&settings, body) {
        assert_clean(&ended);
    }
}

#[test]
fn one_that_is_dropped_by_a_panic_or_with_its_runtime_leaves_nothing_behind() {
    never_reported(|| {
        let cache = Arc::new(Cache::default());
        for _ in 0..20 {
            let mine = Arc::clone(&cache);
            let panic = catch_unwind(AssertUnwindSafe(|| {
                current_thread().block_on(async {
                    mine.write(async { std::panic::panic_any("the guest's own") })
                        .await
                })
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the guest's own"));
            for runtime in [current_thread(), multi_thread()] {
                runtime.block_on(arm_wait());
                for _ in 0..4 {
                    // Each with a cache of its own.
                    runtime.spawn(async { Cache::default().write(pending::<()>()).await });
                    runtime.spawn(async { wait(&Cache::default()).await });
                }
                runtime.block_on(yield_now());
                drop(runtime);
            }
            futures::executor::block_on(touch(&cache));
        }
    });
}

/// Wakers that take a lock of their executor's to be cloned, or panic.
mod wakers {
    use std::mem::ManuallyDrop;
    use std::sync::Mutex;
    use std::task::{RawWaker, RawWakerVTable};

    use super::*;

    pub(super) static EXECUTOR: Mutex<()> = Mutex::new(());
    pub(super) static IN_CLONE: AtomicBool = AtomicBool::new(false);
    static LOCKS: RawWakerVTable = RawWakerVTable::new(lock, nothing, nothing, nothing);
    static PANICS: RawWakerVTable = RawWakerVTable::new(refuse, nothing, nothing, nothing);
    static STICKS: RawWakerVTable = RawWakerVTable::new(stick, nothing, nothing, hold_on);
    static DATA: u8 = 0;

    fn nothing(_: *const ()) {}

    fn lock(data: *const ()) -> RawWaker {
        IN_CLONE.store(true, SeqCst);
        drop(EXECUTOR.lock());
        RawWaker::new(data, &LOCKS)
    }

    fn refuse(_: *const ()) -> RawWaker {
        panic!("it has no clones")
    }

    fn stick(data: *const ()) -> RawWaker {
        RawWaker::new(data, &STICKS)
    }

    fn hold_on(_: *const ()) {
        panic!("it cannot be dropped")
    }

    pub(super) fn sticking() -> ManuallyDrop<Waker> {
        // SAFETY: the functions of `STICKS` do not use the data.
        ManuallyDrop::new(unsafe { Waker::new((&raw const DATA).cast(), &STICKS) })
    }

    pub(super) fn locking() -> Waker {
        // SAFETY: the functions of `LOCKS` do not use the data.
        unsafe { Waker::new((&raw const DATA).cast(), &LOCKS) }
    }

    pub(super) fn panicking() -> Waker {
        // SAFETY: the functions of `PANICS` do not use the data.
        unsafe { Waker::new((&raw const DATA).cast(), &PANICS) }
    }
}

#[test]
fn a_waker_is_cloned_under_no_lock_of_ours() {
    ends_in_time(|| {
        multi_thread().block_on(arm_wait());
        let woken = Waker::from(Arc::new(Woken::default()));
        let lock = wakers::EXECUTOR.lock().unwrap();
        let other = loop {
            let first = Arc::new(Cache::default());
            let mut held = Box::pin(async move { wait(&first).await });
            let polled = held.as_mut().poll(&mut Context::from_waker(&woken));
            assert!(polled.is_pending());
            let other = std::thread::spawn(move || {
                held.as_mut()
                    .poll(&mut Context::from_waker(&wakers::locking()))
                    .is_pending()
            });
            while !wakers::IN_CLONE.load(SeqCst) && !other.is_finished() {
                std::thread::yield_now();
            }
            if wakers::IN_CLONE.load(SeqCst) {
                break other;
            }
            // The delay was over before that thread began.
        };
        // The timer rings the first meanwhile, under which these want its lock.
        let caches: [Cache; 10] = Default::default();
        let rung = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&rung));
        let mut held = Vec::new();
        for cache in &caches {
            let mut future = Box::pin(wait(cache));
            let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
            held.push(future);
            std::thread::park_timeout(Duration::from_millis(2));
        }
        while rung.0.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        drop(lock);
        other.join().unwrap();
    });
}

#[test]
fn a_waker_that_cannot_be_cloned_is_left_alone() {
    ends_in_time(|| {
        multi_thread().block_on(arm_look_up());
        let panicking = wakers::panicking();
        let cache = Cache::default();
        // Not held at all: the first poll is the body's.
        let mut first = std::pin::pin!(look_up(&cache, false));
        let mut cx = Context::from_waker(&panicking);
        assert!(first.as_mut().poll(&mut cx).is_pending());
        // Held by another waker, and no longer than to the next poll.
        let woken = Waker::from(Arc::new(Woken::default()));
        let other = Cache::default();
        let mut held = std::pin::pin!(look_up(&other, true));
        let mut polled = || {
            let poll = held.as_mut().poll(&mut Context::from_waker(&woken));
            poll.is_pending()
        };
        assert!(polled(), "not held");
        assert!(held.as_mut().poll(&mut cx).is_ready());
    });
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_is_forgotten() {
    ends_in_time(|| {
        multi_thread().block_on(arm_wait());
        let sticking = wakers::sticking();
        let woken = Waker::from(Arc::new(Woken::default()));
        let cache = Cache::default();
        let mut replaced = Box::pin(wait(&cache));
        for waker in [&*sticking, &woken] {
            let polled = replaced.as_mut().poll(&mut Context::from_waker(waker));
            assert!(polled.is_pending(), "not held");
        }
        drop(replaced);
        // One at whose call site nothing was dropped.
        let other = Cache::default();
        let mut dropped = Box::pin(other.write(yield_now()));
        let polled = dropped.as_mut().poll(&mut Context::from_waker(&sticking));
        assert!(polled.is_pending());
        drop(dropped);
    });
}

static LOOK: Operation = Operation::new(
    "asynchronous::Names",
    "look",
    Access::Read,
    Location::caller(),
)
.thread_safe();
static PUT: Operation = Operation::new(
    "asynchronous::Names",
    "put",
    Access::Write,
    Location::caller(),
)
.thread_safe();

#[test]
fn one_that_is_dropped_between_check_and_act_has_not_acted() {
    #[tsvd::expect_atomic]
    async fn region(names: &Cache) {
        names.run(&LOOK, Called::now(), async {}).await;
        names.run(&PUT, Called::now(), async {}).await;
    }
    let body = || {
        current_thread().block_on(async {
            for is_held in [true, false, false] {
                let names = Arc::new(Cache::default());
                let dropped = Arc::clone(&names);
                let task = tokio::spawn(async move { region(&dropped).await });
                yield_now().await;
                task.abort();
                // Once dropped while it was held, the call site is left alone.
                assert_eq!(task.await.is_err(), is_held);
                // No region is open any more: nobody comes in between.
                names.run(&PUT, Called::now(), async {}).await;
            }
        });
    };
    let Some(ended) = ends_in_time(body) else {
        return;
    };
    assert_clean(&ended);
    assert_eq!(ended.report.unwrap().summary.delays, 1);
}
