//! Shapes over concurrent maps.

use std::sync::{Arc, Mutex};

use tsvd::dashmap::DashMap;
use tsvd::report::{Access, Pattern};

use crate::{found, share, silent, work};

type Cache = DashMap<u32, String>;

fn load(key: u32) -> String {
    work();
    format!("value of {key}")
}

/// A cache that loads what it does not have: two that miss it load it twice, and the second throws away what the first is
/// using.
#[tsvd::expect_atomic]
fn get_or_load(cache: &Cache, key: u32) -> String {
    if let Some(value) = cache.get(&key) {
        return value.clone();
    }
    let value = load(key);
    cache.insert(key, value.clone());
    value
}

#[tsvd::expect_atomic]
fn get_or_load_in_entry(cache: &Cache, key: u32) -> String {
    if let Some(value) = cache.get(&key) {
        return value.clone();
    }
    cache.entry(key).or_insert_with(|| load(key)).clone()
}

fn two_that_miss(get_or_load: fn(&Cache, u32) -> String) {
    let miss = |cache: &Cache, round| {
        get_or_load(cache, round);
    };
    share(Cache::new(), miss, miss);
}

#[test]
fn cache_that_loads_twice() {
    found(
        "get_or_load",
        Pattern::ReadWriteWrite,
        [
            ("get", Access::Read),
            ("insert", Access::Write),
            ("insert", Access::Write),
        ],
        || two_that_miss(get_or_load),
    );
}

#[test]
fn cache_that_loads_in_its_entry_is_silent() {
    silent(None, || two_that_miss(get_or_load_in_entry));
}

/// Who holds a lease.
type Leases = DashMap<&'static str, &'static str>;

const JOB: &str = "job";

/// The lease may have run out and be another's by now.
#[tsvd::expect_atomic]
fn release(leases: &Leases, owner: &str) {
    let is_own = leases.get(JOB).is_some_and(|lease| *lease == owner);
    if is_own {
        leases.remove(JOB);
    }
}

#[tsvd::expect_atomic]
fn release_if_own(leases: &Leases, owner: &str) {
    if leases.contains_key(JOB) {
        leases.remove_if(JOB, |_, lease| *lease == owner);
    }
}

fn lease_that_ran_out(release: fn(&Leases, &str)) {
    share(
        Leases::new(),
        |leases, round| {
            if round % 2 == 0 {
                leases.insert(JOB, "left");
            } else {
                release(leases, "left");
            }
        },
        |leases, _| {
            leases.insert(JOB, "right");
        },
    );
}

#[test]
fn entry_removed_by_a_former_owner() {
    found(
        "release",
        Pattern::ReadWriteWrite,
        [
            ("get", Access::Read),
            ("insert", Access::Write),
            ("remove", Access::Update),
        ],
        || lease_that_ran_out(release),
    );
}

#[test]
fn entry_removed_if_it_is_still_the_owners_is_silent() {
    silent(None, || lease_that_ran_out(release_if_own));
}

/// A lock for a key, and how many use it. The map is told of each user, for a clone of the `Arc` is not seen.
#[derive(Default)]
struct Keyed {
    lock: Arc<Mutex<()>>,
    users: usize,
}

type KeyedLocks = DashMap<u32, Keyed>;

fn use_lock(locks: &KeyedLocks, key: u32) {
    let lock = {
        let mut keyed = locks.entry(key).or_default();
        keyed.users += 1;
        Arc::clone(&keyed.lock)
    };
    {
        let _locked = lock.lock();
        work();
    }
    if let Some(mut keyed) = locks.get_mut(&key)
        && Arc::ptr_eq(&keyed.lock, &lock)
    {
        keyed.users -= 1;
    }
}

/// Whoever comes between the look and the removal has a lock that the next one does not know.
#[tsvd::expect_atomic]
fn clean_up(locks: &KeyedLocks, key: u32) {
    if locks.get(&key).is_some_and(|keyed| keyed.users == 0) {
        locks.remove(&key);
    }
}

#[tsvd::expect_atomic]
fn clean_up_if_unused(locks: &KeyedLocks, key: u32) {
    if locks.contains_key(&key) {
        locks.remove_if(&key, |_, keyed| keyed.users == 0);
    }
}

fn lock_in_use(clean_up: fn(&KeyedLocks, u32)) {
    share(
        KeyedLocks::new(),
        |locks, round| {
            if round % 2 == 0 {
                use_lock(locks, 1);
            } else {
                clean_up(locks, 1);
            }
        },
        |locks, _| use_lock(locks, 1),
    );
}

#[test]
fn keyed_lock_removed_in_use() {
    found(
        "clean_up",
        Pattern::ReadWriteWrite,
        [
            ("get", Access::Read),
            ("entry", Access::Update),
            ("remove", Access::Update),
        ],
        || lock_in_use(clean_up),
    );
}

#[test]
fn keyed_lock_removed_if_unused_is_silent() {
    silent(None, || lock_in_use(clean_up_if_unused));
}
