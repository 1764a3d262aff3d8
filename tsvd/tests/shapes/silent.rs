//! What looks like check-then-act and is none. 100 rounds each, twice.

use std::sync::{Arc, Barrier};

use tsvd::dashmap::{DashMap, DashSet, Entry};
use tsvd::sync::atomic::Ordering::SeqCst;
use tsvd::sync::atomic::{AtomicBool, AtomicU32};
use tsvd::sync::{Condvar, Mutex, RwLock};

use crate::{meet, silent, work};

type Map = DashMap<u32, u32>;

#[tsvd::expect_atomic]
fn insert_if_absent(map: &Map, key: u32) {
    if !map.contains_key(&key) {
        work();
        map.insert(key, key);
    }
}

#[test]
fn the_same_calls_on_different_keys() {
    silent(false, || {
        meet(
            Map::new,
            |map| insert_if_absent(map, 1),
            |map| insert_if_absent(map, 2),
        );
    });
}

/// The inner region's accesses are the outer one's own.
#[tsvd::expect_atomic]
fn insert_twice(map: &Map, key: u32) {
    let before = map.get(&key).map(|value| *value);
    {
        let _region = tsvd::scope(map).key(&key).expect_atomic();
        map.remove(&key);
        insert_if_absent(map, key);
    }
    map.insert(key, before.unwrap_or(0) + 1);
}

#[test]
fn regions_of_one_context_nested() {
    silent(true, || {
        let in_turn = |(map, turn): &(Map, std::sync::Mutex<()>)| {
            let _turn = turn.lock();
            insert_twice(map, 1);
        };
        meet(Default::default, in_turn, in_turn);
    });
}

#[tsvd::expect_atomic]
fn insert_with_helpers(map: &Map, key: u32) {
    if !map.contains_key(&key) {
        tsvd::thread::scope(|scope| {
            scope.spawn(|| map.insert(key, 1));
            scope.spawn(|| map.insert(key + 1, 1));
        });
        map.insert(key, 2);
    }
}

#[test]
fn helpers_that_the_region_waits_for() {
    silent(None, || {
        meet(
            Map::new,
            |map| insert_with_helpers(map, 1),
            |map| insert_with_helpers(map, 11),
        );
    });
}

#[tsvd::expect_atomic]
fn count(map: &Map, key: u32) {
    if map.get(&key).is_some_and(|count| *count > 1_000) {
        return;
    }
    *map.entry(key).or_insert(0) += 1;
}

#[test]
fn entry_used_rightly() {
    silent(None, || {
        let three_times = |map: &Map| (0..3).for_each(|_| count(map, 1));
        meet(Map::new, three_times, three_times);
    });
}

#[tsvd::expect_atomic]
fn get_or_init(cell: &RwLock<Option<u32>>) -> u32 {
    if let Some(value) = *cell.read().unwrap() {
        return value;
    }
    let mut cell = cell.write().unwrap();
    if let Some(value) = *cell {
        return value;
    }
    work();
    *cell = Some(1);
    1
}

#[test]
fn double_checked_lock() {
    silent(None, || {
        let init = |cell: &RwLock<Option<u32>>| {
            get_or_init(cell);
        };
        meet(RwLock::default, init, init);
    });
}

#[derive(Default)]
struct Lazy {
    is_ready: AtomicBool,
    value: Mutex<u32>,
}

/// A load says nothing of the lock that it is under.
#[tsvd::expect_atomic]
fn init_once(lazy: &Lazy) {
    if lazy.is_ready.load(SeqCst) {
        return;
    }
    let mut value = lazy.value.lock().unwrap();
    tsvd::revalidated(&lazy.is_ready);
    if lazy.is_ready.load(SeqCst) {
        return;
    }
    *value = 1;
    lazy.is_ready.store(true, SeqCst);
}

#[test]
fn double_checked_flag() {
    silent(None, || meet(Lazy::default, init_once, init_once));
}

#[tsvd::expect_atomic]
fn add(sum: &AtomicU32) {
    loop {
        let before = sum.load(SeqCst);
        if sum
            .compare_exchange(before, before + 1, SeqCst, SeqCst)
            .is_ok()
        {
            return;
        }
    }
}

#[tsvd::expect_atomic]
fn add_to_what_it_was(sum: &AtomicU32) {
    let mut before = sum.load(SeqCst);
    while let Err(now) = sum.compare_exchange_weak(before, before + 1, SeqCst, SeqCst) {
        before = now;
    }
}

fn sums(add: fn(&AtomicU32)) {
    let often = |sum: &AtomicU32| (0..100).for_each(|_| add(sum));
    meet(AtomicU32::default, often, often);
}

#[test]
fn compare_and_swap_that_loads_again() {
    silent(None, || sums(add));
}

#[test]
fn compare_and_swap_that_goes_on_from_what_it_was() {
    silent(None, || sums(add_to_what_it_was));
}

/// Claimed, used, given back: who finds it taken goes away.
#[tsvd::expect_atomic]
fn use_claimed(busy: &AtomicBool) {
    if busy.compare_exchange(false, true, SeqCst, SeqCst).is_ok() {
        work();
        busy.store(false, SeqCst);
    }
}

#[tsvd::expect_atomic]
fn use_swapped(busy: &AtomicBool) {
    if !busy.swap(true, SeqCst) {
        work();
        busy.store(false, SeqCst);
    }
}

#[test]
fn flag_that_is_claimed() {
    silent(None, || {
        for claim in [use_claimed, use_swapped] {
            let often = |busy: &AtomicBool| (0..10).for_each(|_| claim(busy));
            meet(AtomicBool::default, often, often);
        }
    });
}

#[derive(Default)]
struct Counter {
    is_locked: AtomicBool,
    count: AtomicU32,
}

impl Counter {
    fn add_and_unlock(&self) {
        let count = self.count.load(SeqCst);
        work();
        self.count.store(count + 1, SeqCst);
        self.is_locked.store(false, SeqCst);
    }
}

#[tsvd::expect_atomic]
fn add_locked(counter: &Counter) {
    let lock = &counter.is_locked;
    while lock.compare_exchange(false, true, SeqCst, SeqCst).is_err() {
        std::thread::yield_now();
    }
    counter.add_and_unlock();
}

#[tsvd::expect_atomic]
fn add_locked_by_swap(counter: &Counter) {
    while counter.is_locked.swap(true, SeqCst) {
        std::thread::yield_now();
    }
    counter.add_and_unlock();
}

#[test]
fn spin_lock() {
    silent(None, || {
        for add in [add_locked, add_locked_by_swap] {
            let often = |counter: &Counter| (0..5).for_each(|_| add(counter));
            meet(Counter::default, often, often);
        }
    });
}

/// Whether the job is its own is what `insert` says.
#[tsvd::expect_atomic]
fn begin(running: &DashSet<u32>) -> bool {
    if running.contains(&1) {
        return false;
    }
    work();
    running.insert(1)
}

#[test]
fn job_begun_by_who_inserts_it() {
    let runs = |running: &DashSet<u32>| {
        if begin(running) {
            assert!(running.remove(&1).is_some());
        }
    };
    let often = |running: &DashSet<u32>| (0..5).for_each(|_| runs(running));
    silent(None, || meet(DashSet::new, often, often));
}

#[tsvd::expect_atomic]
fn run(running: &DashSet<u32>) {
    if running.insert(1) {
        work();
        running.remove(&1);
    }
}

#[test]
fn job_that_is_claimed_in_a_set() {
    let often = |running: &DashSet<u32>| (0..5).for_each(|_| run(running));
    silent(None, || meet(DashSet::new, often, often));
}

/// Who finds the entry there leaves the job to who made it. Once declared a region, and once not.
fn run_in_entry(running: &Map) {
    match running.entry(1) {
        Entry::Occupied(_) => return,
        Entry::Vacant(entry) => drop(entry.insert(1)),
    }
    work();
    running.remove(&1);
}

#[tsvd::expect_atomic]
fn run_in_region(running: &Map) {
    match running.entry(1) {
        Entry::Occupied(_) => return,
        Entry::Vacant(entry) => drop(entry.insert(1)),
    }
    work();
    running.remove(&1);
}

#[test]
fn job_that_is_claimed_in_its_entry() {
    silent(None, || {
        for run in [run_in_entry, run_in_region] {
            let often = |running: &Map| (0..5).for_each(|_| run(running));
            meet(Map::new, often, often);
        }
    });
}

/// One loads, and the others that come meanwhile wait for its value.
#[test]
fn one_flight_for_all_who_come() {
    type Flights = DashMap<u32, Arc<(Mutex<Option<u32>>, Condvar)>>;
    fn load(flights: &Flights) -> u32 {
        let (flight, is_own) = match flights.entry(1) {
            Entry::Occupied(entry) => (Arc::clone(entry.get()), false),
            Entry::Vacant(entry) => (Arc::clone(&entry.insert(Arc::default())), true),
        };
        if is_own {
            work();
            *flight.0.lock().unwrap() = Some(7);
            flight.1.notify_all();
            flights.remove(&1);
            return 7;
        }
        let wanted = |value: &mut Option<u32>| value.is_none();
        let value = flight.1.wait_while(flight.0.lock().unwrap(), wanted);
        value.unwrap().unwrap()
    }
    let often = |flights: &Flights| (0..5).for_each(|_| assert_eq!(load(flights), 7));
    silent(None, || meet(Flights::new, often, often));
}

/// Two values that belong together, under a version that is odd while they are written.
#[derive(Default)]
struct Versioned {
    version: std::sync::atomic::AtomicU32,
    left: AtomicU32,
    right: AtomicU32,
}

impl Versioned {
    fn write(&self, value: u32) {
        self.version.fetch_add(1, SeqCst);
        self.left.store(value, SeqCst);
        work();
        self.right.store(value, SeqCst);
        self.version.fetch_add(1, SeqCst);
    }

    /// `again` is called before another attempt.
    fn read(&self, again: impl Fn()) {
        loop {
            let version = self.version.load(SeqCst);
            let values = [&self.left, &self.right].map(|value| value.load(SeqCst));
            if version.is_multiple_of(2) && self.version.load(SeqCst) == version {
                assert_eq!(values[0], values[1]);
                return;
            }
            again();
        }
    }
}

#[tsvd::expect_atomic]
fn read_both(pair: &Versioned) {
    pair.read(|| {
        tsvd::revalidated(&pair.left);
        tsvd::revalidated(&pair.right);
    });
}

fn read_both_anew(pair: &Versioned) {
    let left = tsvd::scope(&pair.left).expect_atomic();
    let right = tsvd::scope(&pair.right).expect_atomic();
    pair.read(|| {
        left.restart();
        right.restart();
    });
}

fn readers_and_a_writer(read: fn(&Versioned)) {
    meet(
        Versioned::default,
        |pair| (0..5).for_each(|_| read(pair)),
        |pair| (0..5).for_each(|value| pair.write(value)),
    );
}

#[test]
fn optimistic_read_whose_attempt_is_thrown_away() {
    silent(None, || readers_and_a_writer(read_both));
}

#[test]
fn optimistic_read_in_regions_that_restart() {
    silent(None, || readers_and_a_writer(read_both_anew));
}

#[tsvd::expect_atomic]
fn push_often(list: &Mutex<Vec<u32>>) {
    for value in 0..10 {
        let mut list = list.lock().unwrap();
        if list.len() < 1_000 {
            list.push(value);
        }
    }
}

#[test]
fn loop_of_single_critical_sections() {
    silent(None, || meet(Mutex::default, push_often, push_often));
}

/// Nothing is done with the value once another writes it.
#[tsvd::expect_atomic]
fn read_and_leave(map: &Map, steps: &Barrier) {
    let value = map.get(&1).map(|value| *value);
    steps.wait();
    steps.wait();
    std::hint::black_box(value);
}

#[test]
fn write_after_the_last_access() {
    silent(false, || {
        meet(
            || (Map::new(), Barrier::new(2)),
            |(map, steps)| read_and_leave(map, steps),
            |(map, steps)| {
                steps.wait();
                map.insert(1, 1);
                steps.wait();
            },
        );
    });
}
