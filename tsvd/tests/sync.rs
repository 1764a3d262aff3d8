//! `tsvd::sync` has std's names and behaviour, whether or not anything is watched.

#![cfg(not(loom))]

use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::time::Duration;

use tsvd::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use tsvd::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
};
use tsvd::sync::mpsc::{
    self, Receiver, RecvError, RecvTimeoutError, SendError, Sender, TryRecvError,
};
use tsvd::sync::{
    Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard,
    RwLockWriteGuard, TryLockError,
};

static LOCK: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static SHARED: RwLock<u32> = RwLock::new(1);
static TURNS: Condvar = Condvar::new();
static ONCE: OnceLock<u32> = OnceLock::new();
static LAZY: LazyLock<u32> = LazyLock::new(|| 7);
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[test]
fn constructors_are_const() {
    LOCK.lock().unwrap().push(1);
    assert_eq!(*SHARED.read().unwrap(), 1);
    TURNS.notify_all();
    assert_eq!(*ONCE.get_or_init(|| 3), 3);
    assert_eq!(*LAZY, 7);
    assert_eq!(COUNT.fetch_add(1, Relaxed), 0);
}

/// Panics with `guard` in hand.
fn poison<G>(guard: G) {
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _guard = guard;
        std::panic::panic_any("its own");
    }));
    assert!(panic.is_err());
}

#[test]
fn a_mutex_is_one() {
    let mut mutex = Mutex::from(1);
    let guard: MutexGuard<'_, i32> = mutex.lock().unwrap();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    assert_eq!(format!("{guard} {guard:?}"), "1 1");
    assert!(format!("{mutex:?}").contains("<locked>"));
    drop(guard);
    *mutex.get_mut().unwrap() += 1;
    *mutex.try_lock().unwrap() += 1;
    assert_eq!(
        format!("{mutex:?}"),
        "Mutex { data: 3, poisoned: false, .. }"
    );
    poison(mutex.lock());
    assert!(mutex.is_poisoned());
    assert_eq!(*mutex.lock().unwrap_or_else(PoisonError::into_inner), 3);
    assert!(
        matches!(mutex.try_lock(), Err(TryLockError::Poisoned(guard)) if **guard.get_ref() == 3)
    );
    assert!(mutex.get_mut().is_err());
    mutex.clear_poison();
    assert_eq!(mutex.into_inner().unwrap(), 3);
    // Unsized, as std's.
    let slice: &Mutex<[u32]> = &Mutex::new([1, 2]);
    assert_eq!(slice.lock().unwrap().len(), 2);
    assert_eq!(*Mutex::<u32>::default().lock().unwrap(), 0);
}

#[test]
fn a_lock_for_readers_and_writers_is_one() {
    let mut lock = RwLock::from(1);
    {
        let one: RwLockReadGuard<'_, i32> = lock.read().unwrap();
        let two = lock.try_read().unwrap();
        assert_eq!(format!("{one} {two:?}"), "1 1");
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    }
    {
        let mut one: RwLockWriteGuard<'_, i32> = lock.write().unwrap();
        *one += 1;
        assert_eq!(format!("{one} {one:?}"), "2 2");
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
    }
    *lock.get_mut().unwrap() += 1;
    *lock.try_write().unwrap() += 1;
    assert_eq!(
        format!("{lock:?}"),
        "RwLock { data: 4, poisoned: false, .. }"
    );
    poison(lock.read());
    assert!(!lock.is_poisoned(), "a reader does not");
    poison(lock.write());
    assert!(lock.is_poisoned() && lock.read().is_err() && lock.write().is_err());
    assert!(
        matches!(lock.try_write(), Err(TryLockError::Poisoned(guard)) if **guard.get_ref() == 4)
    );
    lock.clear_poison();
    assert_eq!(lock.into_inner().unwrap(), 4);
    let slice: &RwLock<[u32]> = &RwLock::new([1, 2]);
    assert_eq!(slice.read().unwrap().len(), 2);
    assert_eq!(*RwLock::<u32>::default().read().unwrap(), 0);
}

#[test]
fn a_condition_variable_waits_for_conditions_and_for_some_time() {
    let (mutex, turns) = (Mutex::new(0), Condvar::default());
    let short = Duration::from_millis(1);
    let (guard, outcome) = turns
        .wait_timeout_while(mutex.lock().unwrap(), short, |value| *value == 0)
        .unwrap();
    assert!(outcome.timed_out() && *guard == 0);
    let (guard, outcome) = turns
        .wait_timeout_while(guard, short, |value| *value != 0)
        .unwrap();
    assert!(!outcome.timed_out());
    drop(guard);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            *mutex.lock().unwrap() = 1;
            turns.notify_one();
        });
        let mut guard = turns
            .wait_while(mutex.lock().unwrap(), |value| *value == 0)
            .unwrap();
        *guard = 2;
    });
    // A mutex that was poisoned meanwhile.
    let waited = std::thread::scope(|scope| {
        let guard = mutex.lock().unwrap();
        scope.spawn(|| {
            poison(mutex.lock());
            turns.notify_all();
        });
        turns.wait(guard).map(|guard| *guard)
    });
    assert_eq!(waited.map_err(|poisoned| **poisoned.get_ref()), Err(2));
    assert!(
        turns
            .wait_timeout(mutex.lock().unwrap_or_else(PoisonError::into_inner), short)
            .is_err()
    );
    assert!(format!("{turns:?}").starts_with("Condvar"));
}

#[test]
fn a_value_is_set_once() {
    let mut once = OnceLock::<String>::default();
    assert_eq!(once.get(), None);
    assert_eq!(once.get_mut(), None);
    assert_eq!(once.set("a".to_owned()), Ok(()));
    assert_eq!(once.set("b".to_owned()), Err("b".to_owned()));
    assert_eq!(once.get_or_init(|| unreachable!()), "a");
    assert_eq!(once.wait(), "a");
    assert_eq!(once.clone(), OnceLock::from("a".to_owned()));
    assert_ne!(once, OnceLock::new());
    assert_eq!(format!("{once:?}"), "OnceLock(\"a\")");
    once.get_mut().unwrap().push('b');
    assert_eq!(once.take().as_deref(), Some("ab"));
    assert_eq!(once.into_inner(), None);
    let failing = OnceLock::new();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        failing.get_or_init(|| std::panic::panic_any("its own"))
    }));
    assert!(panic.is_err() && failing.set(1).is_ok());
}

#[test]
fn a_channel_is_one() {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = mpsc::channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let short = Duration::from_millis(1);
    assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Timeout));
    (0..8).for_each(|value| sender.clone().send(value).unwrap());
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.recv_timeout(short), Ok(2));
    assert_eq!(receiver.iter().next(), Some(3));
    assert_eq!(IntoIterator::into_iter(&receiver).next(), Some(4));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [5, 6, 7]);
    assert_eq!(
        format!("{sender:?} {receiver:?}"),
        "Sender { .. } Receiver { .. }"
    );
    sender.send(8).unwrap();
    drop(sender);
    assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [8]);
    let (sender, receiver) = mpsc::channel();
    drop(receiver);
    assert_eq!(sender.send("back"), Err(SendError("back")));
    let (sender, receiver) = mpsc::channel::<u32>();
    drop(sender);
    assert_eq!(receiver.recv(), Err(RecvError));
}

macro_rules! integers {
    ($($name:ident: $type:ty)*) => {$(
        let mut atomic = $name::from(5);
        assert_eq!(atomic.load(Acquire), 5);
        atomic.store(6, Release);
        assert_eq!(atomic.swap(7, AcqRel), 6);
        assert_eq!(atomic.fetch_add(1, SeqCst), 7);
        assert_eq!(atomic.fetch_sub(2, SeqCst), 8);
        assert_eq!(atomic.fetch_and(3, SeqCst), 6);
        assert_eq!(atomic.fetch_or(4, SeqCst), 2);
        assert_eq!(atomic.fetch_xor(1, SeqCst), 6);
        assert_eq!(atomic.fetch_max(9, SeqCst), 7);
        assert_eq!(atomic.fetch_min(8, SeqCst), 9);
        assert_eq!(atomic.fetch_nand(!0, SeqCst), 8);
        assert_eq!(atomic.load(SeqCst), !8);
        atomic.store(1, Relaxed);
        assert_eq!(atomic.compare_exchange(1, 2, AcqRel, Relaxed), Ok(1));
        assert_eq!(atomic.compare_exchange_weak(1, 3, AcqRel, Acquire), Err(2));
        assert_eq!(atomic.fetch_update(AcqRel, Acquire, |value| value.checked_add(1)), Ok(2));
        assert_eq!(atomic.fetch_update(AcqRel, Acquire, |_| None), Err(3));
        *atomic.get_mut() += 1;
        assert_eq!(format!("{atomic:?}"), "4");
        assert_eq!(atomic.as_ptr().cast_const(), (&raw const atomic).cast::<$type>());
        assert_eq!(atomic.into_inner(), 4);
        assert_eq!($name::default().into_inner(), 0);
        // With detection they have a number beside the value.
        if !cfg!(feature = "detect") {
            let own = (size_of::<$name>(), align_of::<$name>());
            assert_eq!(own, (size_of::<$type>(), size_of::<$type>()));
        }
    )*};
}

#[test]
fn atomics_are_stds() {
    integers! {
        AtomicI8: i8 AtomicI16: i16 AtomicI32: i32 AtomicI64: i64 AtomicIsize: isize
        AtomicU8: u8 AtomicU16: u16 AtomicU32: u32 AtomicU64: u64 AtomicUsize: usize
    }
    let flag = AtomicBool::default();
    assert!(!flag.fetch_or(true, AcqRel));
    assert!(flag.fetch_nand(true, AcqRel));
    assert!(!flag.fetch_xor(true, AcqRel));
    assert!(flag.fetch_not(AcqRel));
    assert!(!flag.fetch_and(true, AcqRel));
    let mut value = 1;
    let pointer = AtomicPtr::<i32>::default();
    assert!(pointer.swap(&raw mut value, AcqRel).is_null());
    assert_eq!(format!("{pointer:p}"), format!("{:p}", &raw const value));
    assert_eq!(pointer.into_inner(), &raw mut value);
}

/// What std itself has with the current compiler only.
#[test]
fn what_is_new_in_std_is_there() {
    let count = AtomicU8::new(1);
    assert_eq!(count.update(AcqRel, Acquire, |value| value + 1), 1);
    let below = |limit: u8| move |value: u8| (value < limit).then(|| value + 1);
    assert_eq!(count.try_update(AcqRel, Acquire, below(3)), Ok(2));
    assert_eq!(count.try_update(AcqRel, Acquire, below(3)), Err(3));
    let flag = AtomicBool::new(false);
    assert!(!flag.update(AcqRel, Acquire, |is| !is));
    assert_eq!(
        flag.try_update(AcqRel, Acquire, |is| (!is).then_some(is)),
        Err(true)
    );

    let mut values = [1_u16, 2, 3];
    let first = (&raw mut values).cast::<u16>();
    let pointer = AtomicPtr::new(first);
    assert_eq!(pointer.fetch_ptr_add(2, AcqRel), first);
    assert_eq!(pointer.fetch_ptr_sub(1, AcqRel), first.wrapping_add(2));
    assert_eq!(pointer.fetch_byte_add(2, AcqRel), first.wrapping_add(1));
    assert_eq!(pointer.fetch_byte_sub(4, AcqRel), first.wrapping_add(2));
    assert_eq!(pointer.fetch_or(1, AcqRel), first);
    assert_eq!(pointer.fetch_xor(1, AcqRel), first.wrapping_byte_add(1));
    assert_eq!(pointer.fetch_and(!1, AcqRel), first);
    // SAFETY: it comes of `values`, which nobody else uses.
    assert_eq!(unsafe { *pointer.load(Acquire) }, 1);
    let old = pointer.update(AcqRel, Acquire, |old| old.wrapping_add(1));
    assert_eq!(old, first);
    assert_eq!(
        pointer.try_update(AcqRel, Acquire, |_| None),
        Err(first.wrapping_add(1))
    );
}

#[test]
fn what_std_s_can_be_they_are() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn sent<T: Send>() {}
    shared::<Mutex<std::cell::Cell<u8>>>();
    shared::<RwLock<u8>>();
    shared::<Condvar>();
    shared::<OnceLock<u8>>();
    shared::<AtomicUsize>();
    shared::<AtomicPtr<u8>>();
    shared::<Arc<Sender<u8>>>();
    sent::<Receiver<u8>>();
    sent::<tsvd::thread::JoinHandle<u8>>();
    fn borrows<'a>(guard: MutexGuard<'static, u8>) -> MutexGuard<'a, u8> {
        guard
    }
    let _ = borrows;
}
