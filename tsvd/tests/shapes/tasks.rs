//! Shapes over what tasks of one thread do: they interleave where one of them awaits, or would if it were not ready at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{LocalSet, spawn_local, yield_now};
use tsvd::report::{Access, Pattern};
use tsvd::sync::RwLock;

use crate::{ROUNDS, found, silent, work};

/// Two that do the same with one object, with a fresh one in each round.
fn two_tasks<T, F>(task: impl Fn(Arc<T>) -> F)
where
    T: Default,
    F: Future<Output = ()> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        for _ in 0..ROUNDS {
            let object = Arc::default();
            let left = spawn_local(task(Arc::clone(&object)));
            let right = spawn_local(task(object));
            left.await.unwrap();
            right.await.unwrap();
        }
    });
    work();
}

type Sessions = RwLock<HashMap<u32, u32>>;

/// The cache that loads twice, where the load is awaited.
#[tsvd::expect_atomic]
async fn session(sessions: &Sessions, user: u32) -> u32 {
    if let Some(session) = sessions.read().unwrap().get(&user) {
        return *session;
    }
    yield_now().await;
    sessions.write().unwrap().insert(user, user);
    user
}

#[tsvd::expect_atomic]
async fn session_of_the_first(sessions: &Sessions, user: u32) -> u32 {
    if let Some(session) = sessions.read().unwrap().get(&user) {
        return *session;
    }
    yield_now().await;
    let mut sessions = sessions.write().unwrap();
    if let Some(session) = sessions.get(&user) {
        return *session;
    }
    sessions.insert(user, user);
    user
}

#[test]
fn session_loaded_by_two_tasks() {
    found(
        "session",
        Pattern::ReadWriteWrite,
        [
            ("read", Access::Read),
            ("write", Access::Write),
            ("write", Access::Write),
        ],
        || {
            two_tasks(|sessions| async move {
                session(&sessions, 7).await;
            });
        },
    );
}

#[test]
fn session_looked_for_again_is_silent() {
    silent(None, || {
        two_tasks(|sessions| async move {
            session_of_the_first(&sessions, 7).await;
        });
    });
}

/// Tokens by user. Each call is one critical section, and none of them ever waits.
#[derive(Default)]
struct Tokens(Mutex<HashMap<u32, u32>>);

#[tsvd::contract(thread_safe)]
impl Tokens {
    #[tsvd::read(key = user)]
    async fn find(&self, user: u32) -> Option<u32> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&user).copied()
    }

    #[tsvd::write(key = user)]
    async fn store(&self, user: u32, token: u32) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(user, token);
    }

    /// And whether it is new.
    #[tsvd::update(key = user, when = |(_, is_new)| *is_new)]
    async fn find_or_store(&self, user: u32, token: u32) -> (u32, bool) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.entry(user) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(place) => (*place.insert(token), true),
        }
    }
}

/// Of what a function returns.
#[tsvd::contract(thread_safe)]
impl Tokens {
    /// Has stored it when it returns.
    #[tsvd::write(key = user)]
    fn begin_to_store(&self, user: u32, token: u32) -> impl Future<Output = ()> + use<> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(user, token);
        std::future::ready(())
    }
}

/// Two tasks give one user two tokens, if a thread runs both and is another's in between.
#[tsvd::expect_atomic]
async fn token(tokens: &Tokens, user: u32) -> u32 {
    if let Some(token) = tokens.find(user).await {
        return token;
    }
    tokens.store(user, user).await;
    user
}

#[tsvd::expect_atomic]
async fn token_of_the_first(tokens: &Tokens, user: u32) -> u32 {
    match tokens.find(user).await {
        Some(token) => token,
        None => tokens.find_or_store(user, user).await.0,
    }
}

/// What has begun is not delayed: it may be at work.
#[tsvd::expect_atomic]
async fn token_begun(tokens: &Tokens, user: u32) -> u32 {
    if let Some(token) = tokens.find(user).await {
        return token;
    }
    tokens.begin_to_store(user, user).await;
    user
}

/// A race must not see that one of its sides was delayed.
#[tsvd::expect_atomic]
async fn token_in_time(tokens: &Tokens, user: u32) -> u32 {
    if let Some(token) = tokens.find(user).await {
        return token;
    }
    tokio::select! {
        biased;
        () = tokens.store(user, user) => user,
        () = std::future::ready(()) => unreachable!("it is stored at once"),
    }
}

#[test]
fn token_issued_by_two_tasks() {
    found(
        "token",
        Pattern::ReadWriteWrite,
        [
            ("find", Access::Read),
            ("store", Access::Write),
            ("store", Access::Write),
        ],
        || {
            two_tasks(|tokens| async move {
                token(&tokens, 7).await;
            });
        },
    );
}

#[test]
fn token_issued_in_one_call_is_silent() {
    silent(None, || {
        two_tasks(|tokens| async move {
            token_of_the_first(&tokens, 7).await;
        });
    });
}

#[test]
fn token_stored_in_a_race_is_silent() {
    silent(false, || {
        two_tasks(|tokens| async move {
            token_in_time(&tokens, 7).await;
        });
    });
}

#[test]
fn token_stored_before_the_first_poll_is_silent() {
    silent(false, || {
        two_tasks(|tokens| async move {
            token_begun(&tokens, 7).await;
        });
    });
}
