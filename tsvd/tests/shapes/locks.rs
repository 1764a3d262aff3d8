//! Shapes over locks that are taken twice.

use std::collections::HashMap;
use std::task::Waker;
use std::time::Duration;

use tsvd::report::{Access, Pattern};
use tsvd::sync::{Condvar, Mutex, RwLock};

use crate::{found, share, silent, work};

type Registry = RwLock<HashMap<&'static str, u32>>;

/// Two that read before either writes both believe the name to be theirs.
#[tsvd::expect_atomic]
fn register(names: &Registry, owner: u32) -> bool {
    if names.read().unwrap().contains_key("main") {
        return false;
    }
    names.write().unwrap().insert("main", owner);
    true
}

#[tsvd::expect_atomic]
fn register_under_one_lock(names: &Registry, owner: u32) -> bool {
    if names.read().unwrap().contains_key("main") {
        return false;
    }
    let mut names = names.write().unwrap();
    if names.contains_key("main") {
        return false;
    }
    names.insert("main", owner);
    true
}

fn two_owners(register: fn(&Registry, u32) -> bool) {
    let for_a_while = |names: &Registry, round| {
        if register(names, round) {
            work();
            names.write().unwrap().remove("main");
        }
    };
    share(Registry::default(), for_a_while, for_a_while);
}

#[test]
fn registry_read_then_written() {
    found(
        "register",
        Pattern::ReadWriteWrite,
        [
            ("read", Access::Read),
            ("write", Access::Write),
            ("write", Access::Write),
        ],
        || two_owners(register),
    );
}

#[test]
fn registry_looked_at_again_is_silent() {
    silent(None, || two_owners(register_under_one_lock));
}

type Pool = Mutex<Vec<u32>>;

/// The pool may be empty when the session is taken.
#[tsvd::expect_atomic]
fn take(pool: &Pool) -> Option<u32> {
    if pool.lock().unwrap().is_empty() {
        return None;
    }
    pool.lock().unwrap().pop()
}

#[tsvd::expect_atomic]
fn take_at_once(pool: &Pool) -> Option<u32> {
    let is_empty = pool.lock().unwrap().is_empty();
    let mut pool = pool.lock().unwrap();
    if is_empty || pool.is_empty() {
        return None;
    }
    pool.pop()
}

fn last_session(take: fn(&Pool) -> Option<u32>) {
    let for_a_while = |pool: &Pool, _| {
        if let Some(session) = take(pool) {
            work();
            pool.lock().unwrap().push(session);
        }
    };
    share(Pool::new(vec![1]), for_a_while, for_a_while);
}

#[test]
fn pool_asked_then_taken_from() {
    found(
        "take",
        Pattern::ReadWriteWrite,
        [
            ("lock", Access::Read),
            ("lock", Access::Write),
            ("lock", Access::Write),
        ],
        || last_session(take),
    );
}

#[test]
fn pool_asked_and_taken_from_at_once_is_silent() {
    silent(None, || last_session(take_at_once));
}

/// What a future waits for.
#[derive(Default)]
struct Event {
    set: bool,
    waker: Option<Waker>,
}

type Waited = Mutex<Event>;

fn set(event: &Waited, to: bool) {
    let mut event = event.lock().unwrap();
    event.set = to;
    if to && let Some(waker) = event.waker.take() {
        waker.wake();
    }
}

/// An event that is set between the look and the store wakes nobody, ever.
#[tsvd::expect_atomic]
fn poll(event: &Waited, waker: &Waker) -> bool {
    if event.lock().unwrap().set {
        return true;
    }
    event.lock().unwrap().waker = Some(waker.clone());
    false
}

#[tsvd::expect_atomic]
fn poll_under_one_lock(event: &Waited, waker: &Waker) -> bool {
    let mut event = event.lock().unwrap();
    if event.set {
        return true;
    }
    event.waker = Some(waker.clone());
    false
}

/// Nothing follows from the first look: what counts is the second.
#[tsvd::expect_atomic]
fn poll_and_look_again(event: &Waited, waker: &Waker) -> bool {
    if event.lock().unwrap().set {
        return true;
    }
    tsvd::revalidated(event);
    event.lock().unwrap().waker = Some(waker.clone());
    event.lock().unwrap().set
}

/// The same with a region that is a scope.
fn poll_anew(event: &Waited, waker: &Waker) -> bool {
    let region = tsvd::scope(event).expect_atomic();
    if event.lock().unwrap().set {
        return true;
    }
    region.restart();
    event.lock().unwrap().waker = Some(waker.clone());
    event.lock().unwrap().set
}

fn event_and_future(poll: fn(&Waited, &Waker) -> bool) {
    share(
        Waited::default(),
        |event, _| {
            poll(event, Waker::noop());
        },
        |event, round| set(event, round % 2 == 0),
    );
}

#[test]
fn waker_stored_without_a_second_look() {
    found(
        "poll",
        Pattern::ReadWriteWrite,
        [
            ("lock", Access::Read),
            ("lock", Access::Write),
            ("lock", Access::Write),
        ],
        || event_and_future(poll),
    );
}

#[test]
fn waker_stored_under_the_lock_of_the_look_is_silent() {
    silent(false, || event_and_future(poll_under_one_lock));
}

#[test]
fn waker_stored_with_a_second_look_is_silent() {
    silent(None, || event_and_future(poll_and_look_again));
}

#[test]
fn waker_stored_in_a_region_that_restarts_is_silent() {
    silent(None, || event_and_future(poll_anew));
}

/// A semaphore: nobody decides by what was there before it waited.
#[derive(Default)]
struct Permits {
    left: Mutex<u32>,
    given_back: Condvar,
}

struct Permit<'a>(&'a Permits);

impl Permits {
    fn acquire(&self) -> Permit<'_> {
        let mut left = self.left.lock().unwrap();
        while *left == 0 {
            left = self.given_back.wait(left).unwrap();
        }
        *left -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap() += 1;
        self.0.given_back.notify_one();
    }
}

#[test]
fn acquire_and_release_are_silent() {
    silent(None, || {
        let permits = Permits {
            left: Mutex::new(1),
            ..Permits::default()
        };
        let job = |permits: &Permits, _| {
            let _permit = permits.acquire();
            work();
        };
        share(permits, job, job);
    });
}

/// A queue that counts who waits, in a region: whoever sends is to see that it does.
#[derive(Default)]
struct Queue {
    state: Mutex<(Vec<u32>, usize)>,
    sent: Condvar,
}

impl Queue {
    #[tsvd::expect_atomic]
    fn receive(&self) -> u32 {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(item) = state.0.pop() {
                return item;
            }
            state.1 += 1;
            state = self.sent.wait(state).unwrap();
            state.1 -= 1;
        }
    }

    /// Goes by a look from before it waited.
    #[tsvd::expect_atomic]
    fn receive_once(&self) -> Option<u32> {
        let mut state = self.state.lock().unwrap();
        if state.0.is_empty() {
            state = self
                .sent
                .wait_timeout(state, Duration::from_millis(2))
                .unwrap()
                .0;
        }
        state.0.pop()
    }

    fn send(&self, item: u32) {
        let mut state = self.state.lock().unwrap();
        let wakes = state.1 > 0;
        state.0.push(item);
        drop(state);
        if wakes {
            self.sent.notify_one();
        }
    }
}

#[test]
fn a_write_before_a_wait_is_for_others_to_see() {
    let send = |queue: &Queue, round| {
        work();
        queue.send(round);
    };
    silent(None, || {
        let receive = |queue: &Queue, _| {
            queue.receive();
        };
        share(Queue::default(), receive, send);
    });
}

#[test]
fn a_look_before_a_wait_is_found_stale() {
    let receive = |queue: &Queue, _| {
        queue.receive_once();
    };
    found(
        "receive_once",
        Pattern::ReadWriteWrite,
        [
            ("lock", Access::Read),
            ("lock", Access::Write),
            ("wait_timeout", Access::Write),
        ],
        || {
            let send = |queue: &Queue, round| {
                queue.state.lock().unwrap().0.push(round);
                queue.sent.notify_one();
            };
            share(Queue::default(), receive, send);
        },
    );
}
