//! Regions over tokio's locks: what is found in them, and what is none of theirs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;
use tsvd::tokio::sync::{Mutex, OwnedMutexGuard, RwLock};

use crate::process::{run_again, run_with};

/// On this very thread.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn run_by_many<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(3).build();
    runtime.expect("a runtime").block_on(future)
}

/// By a task that inherits nothing: for the region a foreigner.
async fn foreign<F>(work: F)
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(work).await.expect("no panic");
}

async fn set(lock: &Arc<RwLock<i32>>, value: i32) {
    let lock = Arc::clone(lock);
    foreign(async move { *lock.write().await = value }).await;
}

fn clean<F: Future>(mut body: impl FnMut() -> F) {
    let outcome = tsvd::check(|| {
        run(body());
    });
    assert!(outcome.was_watched());
    outcome.assert_clean();
}

#[test]
fn a_foreigner_between_check_and_act_is_one() {
    #[tsvd::expect_atomic]
    async fn region(lock: &Arc<RwLock<i32>>) {
        if *lock.read().await == 0 {
            set(lock, 1).await;
            *lock.write().await = 2;
        }
    }
    let body = || run(region(&Arc::new(RwLock::new(0))));
    tsvd::check(body).assert_violation("region is expected to be atomic");
}

#[test]
fn an_owned_guard_accesses_the_same_as_a_borrowed_one() {
    #[tsvd::expect_atomic]
    async fn region(mutex: &Arc<Mutex<i32>>) {
        if *mutex.lock().await == 0 {
            let other = Arc::clone(mutex);
            foreign(async move { *other.lock_owned().await = 1 }).await;
            *Arc::clone(mutex).lock_owned().await = 2;
        }
    }
    let body = || run(region(&Arc::new(Mutex::new(0))));
    tsvd::check(body).assert_violation("region is expected to be atomic");
}

#[test]
fn what_is_looked_at_again_is_no_guess() {
    #[tsvd::expect_atomic]
    async fn region(lock: &Arc<RwLock<i32>>) {
        if *lock.read().await == 0 {
            set(lock, 1).await;
            let mut value = lock.write().await;
            if *value == 0 {
                *value = 2;
            }
        }
    }
    clean(async || region(&Arc::new(RwLock::new(0))).await);
}

#[test]
fn a_closure_that_maps_a_guard_has_looked() {
    #[tsvd::expect_atomic]
    async fn region(lock: &Arc<RwLock<i32>>) {
        if *lock.read().await == 0 {
            set(lock, 1).await;
            let value = tsvd::tokio::sync::RwLockWriteGuard::try_map(lock.write().await, |value| {
                (*value == 0).then_some(value)
            });
            if let Err(mut value) = value {
                *value = 3;
            }
        }
    }
    clean(async || region(&Arc::new(RwLock::new(0))).await);
}

#[test]
fn a_guard_over_awaits_is_one_access_while_others_wait() {
    #[tsvd::expect_atomic]
    async fn region(mutex: &Mutex<i32>) {
        let mut value = mutex.lock().await;
        let before = *value;
        yield_now().await;
        *value = before + 1;
    }
    let outcome = tsvd::check(|| {
        run_by_many(async {
            let mutex = Arc::new(Mutex::new(0));
            let tasks = [(); 4].map(|()| {
                let mutex = Arc::clone(&mutex);
                tokio::spawn(async move {
                    for _ in 0..50 {
                        region(&mutex).await;
                    }
                })
            });
            for task in tasks {
                task.await.expect("no panic");
            }
            assert_eq!(*mutex.lock().await, 200);
        });
    });
    outcome.assert_clean();
}

#[test]
fn a_guard_that_another_task_drops_is_no_access_of_the_region() {
    #[tsvd::expect_atomic]
    async fn region(mutex: &Arc<Mutex<i32>>) {
        let guard = Arc::clone(mutex).lock_owned().await;
        assert!(*guard >= 0);
        foreign(async move { drop::<OwnedMutexGuard<_>>(guard) }).await;
        let other = Arc::clone(mutex);
        foreign(async move { *other.lock().await = 1 }).await;
        *mutex.lock().await = 2;
    }
    clean(async || region(&Arc::new(Mutex::new(0))).await);
    let outcome = tsvd::check(|| run_by_many(async { region(&Arc::new(Mutex::new(0))).await }));
    outcome.assert_clean();
}

#[test]
fn an_attempt_in_vain_is_no_access() {
    #[tsvd::expect_atomic]
    async fn region(mutex: &Arc<Mutex<i32>>) {
        let (held, other) = (Arc::clone(mutex).lock_owned(), Arc::clone(mutex));
        let holder = tokio::spawn(async move {
            let mut value = held.await;
            for _ in 0..3 {
                yield_now().await;
            }
            *value += 1;
        });
        yield_now().await;
        assert!(other.try_lock().is_err());
        let mut value = loop {
            match mutex.try_lock() {
                Ok(value) => break value,
                Err(_) => yield_now().await,
            }
        };
        *value = 2;
        drop(value);
        holder.await.expect("no panic");
    }
    clean(async || region(&Arc::new(Mutex::new(0))).await);
}

#[test]
fn a_future_that_is_dropped_while_it_waits_is_no_access() {
    #[tsvd::expect_atomic]
    async fn region(mutex: &Arc<Mutex<i32>>) {
        let held = Arc::clone(mutex).lock_owned().await;
        // The region has looked by this very guard, which another task drops.
        let holder = async move {
            yield_now().await;
            drop(held);
        };
        tokio::select! {
            biased;
            _ = mutex.lock() => unreachable!("it is locked"),
            () = yield_now() => {}
        }
        foreign(holder).await;
        let other = Arc::clone(mutex);
        foreign(async move { *other.lock().await = 1 }).await;
        *mutex.lock().await = 2;
    }
    clean(async || region(&Arc::new(Mutex::new(0))).await);
}

#[test]
fn a_lock_at_the_place_of_another_is_another() {
    #[tsvd::expect_atomic]
    async fn region() {
        for _ in 0..3 {
            let lock = Arc::new(RwLock::new(0));
            // It has the last handle.
            let value = Arc::clone(&lock).read_owned().await;
            drop(lock);
            assert_eq!(*value, 0);
            drop(value);
            let lock = Arc::new(RwLock::new(0));
            set(&lock, 1).await;
            *lock.write().await = 2;
        }
    }
    clean(region);
}

/// A user's token, looked for and stored.
async fn token(tokens: &RwLock<HashMap<u32, u32>>, user: u32) {
    if !tokens.read().await.contains_key(&user) {
        tokens.write().await.insert(user, user);
    }
}

/// Two tasks that do the same at the same time.
async fn two<F, R>(rounds: u32, work: F)
where
    F: Fn(Arc<RwLock<HashMap<u32, u32>>>, u32) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let tokens = Arc::new(RwLock::new(HashMap::new()));
    let tasks = [1, 2].map(|_| {
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move {
            for user in 0..rounds {
                work(Arc::clone(&tokens), user).await;
                yield_now().await;
            }
        })
    });
    for task in tasks {
        task.await.expect("no panic");
    }
}

#[test]
fn what_races_a_lock_sees_no_delay() {
    #[tsvd::expect_atomic]
    async fn region(tokens: Arc<RwLock<HashMap<u32, u32>>>, user: u32) {
        let soon = Duration::from_nanos(1);
        let known = timeout(soon, tokens.read()).await;
        if !known.expect("free at once").contains_key(&user) {
            let mut tokens = tokio::select! {
                biased;
                tokens = tokens.write() => tokens,
                () = std::future::ready(()) => unreachable!("free at once"),
            };
            tokens.insert(user, user);
        }
    }
    // Nobody else is ever polled between check and act.
    clean(async || two(100, region).await);
}

/// The first process may learn what the second finds.
#[test]
fn what_nobody_declared_is_suspected() {
    let body = || run_by_many(two(500, async |tokens, user| token(&tokens, user).await));
    let Some(first) = run_with(&[], body) else {
        return;
    };
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let is_named = |ended: &crate::process::Ended| {
        let report = ended.report.as_ref().expect("a report");
        assert!(report.violations.is_empty());
        let mut regions = report.suspicions.iter().map(|suspicion| &suspicion.region);
        regions.any(|region| {
            let name = region.as_ref().map(|region| region.name.as_str());
            name.is_some_and(|name| name.contains("token"))
        })
    };
    if !is_named(&first) {
        let second = run_again(first, body).expect("the parent");
        assert!(is_named(&second), "{}", second.stderr);
    }
}
