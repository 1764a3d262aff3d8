//! Names, signatures and behaviour.

use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tsvd::tokio::sync::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};

static MUTEX: Mutex<u32> = Mutex::const_new(1);
static LOCK: RwLock<u32> = RwLock::const_new(1);

#[test]
fn a_mutex_is_one() {
    assert_eq!(*MUTEX.blocking_lock(), 1);
    let mut mutex = Mutex::from(1);
    let guard: MutexGuard<'_, i32> = mutex.try_lock().unwrap();
    let locked: Result<_, TryLockError> = mutex.try_lock();
    assert_eq!(locked.err().unwrap().to_string(), "operation would block");
    assert_eq!(format!("{guard} {guard:?}"), "1 1");
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &mutex));
    assert!(format!("{mutex:?}").contains("<locked>"));
    drop(guard);
    *mutex.get_mut() += 1;
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 2 }");
    assert_eq!(mutex.into_inner(), 2);
    assert_eq!(Mutex::<i32>::default().into_inner(), 0);
    let slice: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2]));
    assert_eq!(slice.blocking_lock().len(), 2);
    assert_eq!(slice.blocking_lock_owned().len(), 2);
}

#[test]
fn guards_of_parts_hold_the_whole() {
    let mutex = Arc::new(Mutex::new((1, "two")));
    let whole: OwnedMutexGuard<_> = Arc::clone(&mutex).try_lock_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&whole), &mutex));
    let part: OwnedMappedMutexGuard<_, i32> = OwnedMutexGuard::map(whole, |both| &mut both.0);
    let part = OwnedMappedMutexGuard::try_map(part, |_| None::<&mut u8>)
        .err()
        .unwrap();
    let mut part = OwnedMappedMutexGuard::map(part, |one| one);
    *part += 1;
    assert!(mutex.try_lock().is_err());
    assert_eq!(format!("{part} {part:?}"), "2 2");
    drop(part);
    let whole = mutex.try_lock().unwrap();
    let part: MappedMutexGuard<'_, &str> = MutexGuard::map(whole, |both| &mut both.1);
    let part = MappedMutexGuard::try_map(part, |_| None::<&mut u8>)
        .err()
        .unwrap();
    assert_eq!(MappedMutexGuard::map(part, |text| text).len(), 3);

    let lock = Arc::new(RwLock::new((1, "two")));
    let whole: OwnedRwLockWriteGuard<_> = Arc::clone(&lock).try_write_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&whole), &lock));
    let whole = OwnedRwLockWriteGuard::try_map(whole, |_| None::<&mut u8>)
        .err()
        .unwrap();
    let mut part: OwnedRwLockMappedWriteGuard<_, i32> =
        OwnedRwLockWriteGuard::map(whole, |both| &mut both.0);
    *part += 1;
    let part = OwnedRwLockMappedWriteGuard::try_map(part, |_| None::<&mut u8>)
        .err()
        .unwrap();
    assert!(Arc::ptr_eq(
        OwnedRwLockMappedWriteGuard::rwlock(&part),
        &lock
    ));
    assert_eq!(*OwnedRwLockMappedWriteGuard::map(part, |one| one), 2);
    let whole = Arc::clone(&lock).try_write_owned().unwrap();
    let whole = OwnedRwLockWriteGuard::try_downgrade_map(whole, |_| None::<&u8>)
        .err()
        .unwrap();
    let part: OwnedRwLockReadGuard<_, i32> =
        OwnedRwLockWriteGuard::downgrade_map(whole, |both| &both.0);
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&part), &lock));
    assert!(lock.try_read().is_ok() && lock.try_write().is_err());
    let part = OwnedRwLockReadGuard::try_map(part, |_| None::<&u8>)
        .err()
        .unwrap();
    assert_eq!(*OwnedRwLockReadGuard::map(part, |one| one), 2);
    let whole = Arc::clone(&lock).try_write_owned().unwrap();
    assert_eq!(OwnedRwLockWriteGuard::into_mapped(whole).0, 2);
    assert_eq!(
        Arc::clone(&lock).try_write_owned().unwrap().downgrade().0,
        2
    );

    let whole: RwLockWriteGuard<'_, _> = lock.try_write().unwrap();
    let whole = RwLockWriteGuard::try_map(whole, |_| None::<&mut u8>)
        .err()
        .unwrap();
    let part: RwLockMappedWriteGuard<'_, i32> = RwLockWriteGuard::map(whole, |both| &mut both.0);
    let part = RwLockMappedWriteGuard::try_map(part, |_| None::<&mut u8>)
        .err()
        .unwrap();
    *RwLockMappedWriteGuard::map(part, |one| one) += 1;
    let whole = lock.try_write().unwrap();
    let whole = RwLockWriteGuard::try_downgrade_map(whole, |_| None::<&u8>)
        .err()
        .unwrap();
    let part: RwLockReadGuard<'_, i32> = RwLockWriteGuard::downgrade_map(whole, |both| &both.0);
    let part = RwLockReadGuard::try_map(part, |_| None::<&u8>)
        .err()
        .unwrap();
    assert_eq!(*RwLockReadGuard::map(part, |one| one), 3);
    assert_eq!(
        RwLockWriteGuard::into_mapped(lock.try_write().unwrap()).0,
        3
    );
    assert_eq!(lock.try_write().unwrap().downgrade().0, 3);
}

#[test]
fn a_lock_for_readers_and_writers_is_one() {
    assert_eq!(*LOCK.blocking_read(), 1);
    let mut lock = RwLock::with_max_readers(1, 2);
    {
        let (one, two) = (lock.blocking_read(), lock.try_read().unwrap());
        assert_eq!(format!("{one} {two:?}"), "1 1");
        assert!(lock.try_read().is_err(), "two at most");
        assert!(lock.try_write().is_err());
    }
    *lock.blocking_write() += 1;
    *lock.get_mut() += 1;
    assert_eq!(format!("{lock:?}"), "RwLock { data: 3 }");
    assert_eq!(lock.into_inner(), 3);
    assert_eq!(RwLock::<i32>::default().into_inner(), 0);
    assert_eq!(RwLock::const_with_max_readers(4, 2).into_inner(), 4);
    let slice: Arc<RwLock<[u8]>> = Arc::new(RwLock::new([1, 2]));
    assert_eq!(slice.blocking_write().len(), 2);
}

/// A value that says when it is dropped.
struct Dropped(Arc<()>);

#[test]
fn the_last_owner_drops_the_value_whoever_it_is() {
    let witness = Arc::new(());
    let mutex = Arc::new(Mutex::new(Dropped(Arc::clone(&witness))));
    let guard = mutex.try_lock_owned().unwrap();
    assert_eq!(Arc::strong_count(&witness), 2);
    assert_eq!(Arc::strong_count(&guard.0), 2);
    drop(guard);
    assert_eq!(Arc::strong_count(&witness), 1);
    let lock = Arc::new(RwLock::new(Dropped(Arc::clone(&witness))));
    drop(lock.try_read_owned().unwrap());
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn tasks_exclude_each_other() {
    let mutex = Arc::new(Mutex::new(0));
    let lock = Arc::new(RwLock::new(0));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (mutex, lock) = (Arc::clone(&mutex), Arc::clone(&lock));
                // Sent, with guards held over awaits.
                tokio::spawn(async move {
                    for round in 0..50 {
                        let mut count = if (task + round) % 2 == 0 {
                            let guard = mutex.lock().await;
                            MutexGuard::map(guard, |count| count)
                        } else {
                            MutexGuard::map(mutex.lock().await, |count| count)
                        };
                        let before = *count;
                        yield_now().await;
                        *count = before + 1;
                        drop(count);
                        let mut count = Arc::clone(&lock).write_owned().await;
                        let before = *count;
                        yield_now().await;
                        *count = before + 1;
                        let count = count.downgrade();
                        assert_eq!(*count, before + 1);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*mutex.lock().await, 400);
        assert_eq!(*lock.read().await, 400);
        assert_eq!(*Arc::clone(&mutex).lock_owned().await, 400);
        assert_eq!(*Arc::clone(&lock).read_owned().await, 400);
        assert_eq!(*lock.write().await, 400);
    });
}
