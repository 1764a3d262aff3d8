//! What looks like a region that was interrupted, and is none: other objects, other people's work, looks anew.

#![cfg(not(loom))]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tsvd::dashmap::DashMap;
use tsvd::sync::RwLock;
use tsvd::sync::atomic::{self, AtomicUsize};

/// On a thread that inherits nothing: for the region a foreigner.
fn foreign<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(body).join().expect("no panic"))
}

/// Not asleep.
fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(500) {
        std::hint::spin_loop();
    }
}

fn clean(body: impl FnMut()) {
    let outcome = tsvd::check(body);
    assert!(outcome.was_watched());
    outcome.assert_clean();
}

/// The control: the same foreigner is one where the region has no excuse.
#[test]
fn a_foreigner_in_between_is_one() {
    #[tsvd::expect_atomic]
    fn region(map: &DashMap<i32, i32>) {
        if !map.contains_key(&1) {
            foreign(|| map.insert(1, 1));
            map.insert(1, 2);
        }
    }
    tsvd::check(|| region(&DashMap::new())).assert_violation("region is expected to be atomic");
}

#[test]
fn a_map_that_is_taken_apart_and_another_in_its_place() {
    #[tsvd::expect_atomic]
    fn region() {
        for round in 0..3 {
            let map = DashMap::new();
            foreign(|| map.insert(1, round));
            assert_eq!(map.len(), 1);
            assert_eq!(map.into_iter().count(), 1);
        }
    }
    clean(region);
}

#[test]
fn a_map_that_is_moved_and_dropped_and_another_in_its_place() {
    #[tsvd::expect_atomic]
    fn region() {
        for round in 0..3 {
            let map = DashMap::new();
            foreign(|| map.insert(1, round));
            assert_eq!(map.len(), 1);
            drop(map);
        }
    }
    clean(region);
}

#[test]
fn a_map_that_is_kept_elsewhere_and_another_in_its_place() {
    #[tsvd::expect_atomic]
    fn region() {
        let mut slot = Some(DashMap::new());
        let look = |slot: &Option<DashMap<i32, i32>>| {
            slot.as_ref().expect("a map").contains_key(&1);
        };
        look(&slot);
        let kept = slot.replace(DashMap::new());
        foreign(|| slot.as_ref().expect("a map").insert(1, 1));
        look(&slot);
        drop(kept);
    }
    clean(region);
}

#[test]
fn a_lock_that_is_popped_and_another_in_its_place() {
    #[tsvd::expect_atomic]
    fn region() {
        let read = |lock: &RwLock<i32>| *lock.read().expect("no poison");
        let mut locks = Vec::with_capacity(1);
        locks.push(RwLock::new(0));
        read(&locks[0]);
        assert!(locks.pop().is_some());
        locks.push(RwLock::new(0));
        foreign(|| *locks[0].write().expect("no poison") = 1);
        read(&locks[0]);
    }
    clean(region);
}

#[test]
fn a_counter_that_is_taken_apart_and_another_in_its_place() {
    #[tsvd::expect_atomic]
    fn region() {
        for _ in 0..3 {
            let counter = AtomicUsize::new(0);
            foreign(|| counter.fetch_add(1, SeqCst));
            assert_eq!(counter.load(SeqCst), 1);
            assert_eq!(counter.into_inner(), 1);
        }
    }
    clean(region);
}

type Map = DashMap<i32, i32>;

/// A region's access, a foreigner's, and the region's next.
type Calls<'a> = [&'a (dyn Fn(&Map) + Sync); 3];

/// What is done to all keys counts for those that it changed.
#[test]
fn calls_of_all_keys_that_change_others() {
    #[tsvd::expect_atomic]
    fn add_one(map: &Map, foreigner: &(dyn Fn(&Map) + Sync)) {
        let known = map.get(&1).map_or(0, |known| *known);
        foreign(|| foreigner(map));
        map.insert(1, known + 1);
    }
    #[tsvd::expect_atomic]
    fn keep_count(map: &Map, foreigner: &(dyn Fn(&Map) + Sync)) {
        let count = map.iter().count();
        foreign(|| foreigner(map));
        map.insert(1, i32::try_from(count).expect("few"));
    }
    fn write(map: &Map, key: i32) {
        for mut entry in map.iter_mut() {
            if *entry.key() == key {
                *entry += 1;
            }
        }
    }
    type Foreigner = &'static (dyn Fn(&Map, i32) + Sync);
    let foreigners: [Foreigner; 3] = [
        &|map, key| map.retain(|other, _| *other != key),
        &|map, key| {
            // All that there is.
            map.inner().retain(|other, _| *other == key);
            map.clear();
        },
        &write,
    ];
    for region in [add_one, keep_count] {
        for foreigner in foreigners {
            let map = || Map::from_iter([(1, 1), (2, 2)]);
            clean(|| region(&map(), &|map| foreigner(map, 2)));
            tsvd::check(|| region(&map(), &|map| foreigner(map, 1)))
                .assert_violation("is expected to be atomic");
        }
        clean(|| {
            region(&Map::from_iter([(2, 2)]), &|map| {
                map.alter_all(|_, value| value + 1);
            });
        });
    }
}

/// And in a region itself.
#[test]
fn calls_of_all_keys_around_others() {
    #[tsvd::expect_atomic]
    fn both(map: &Map, [own, foreigner, next]: Calls<'_>) {
        own(map);
        foreign(|| foreigner(map));
        next(map);
    }
    let retain = &|map: &Map| map.retain(|key, _| *key != 2);
    let clear = &|map: &Map| map.clear();
    let insert = &|map: &Map| {
        map.insert(1, 3);
    };
    let get = &|map: &Map| drop(map.get(&1));
    let len = &|map: &Map| {
        std::hint::black_box(map.len());
    };
    let map = || Map::from_iter([(1, 1), (2, 2)]);
    let found: [Calls<'_>; 6] = [
        [retain, insert, len],
        [retain, insert, insert],
        [clear, insert, len],
        [clear, get, insert],
        [len, insert, clear],
        [get, insert, clear],
    ];
    for calls in found {
        tsvd::check(|| both(&map(), calls)).assert_violation("is expected to be atomic");
    }
    let silent: [Calls<'_>; 4] = [
        [len, insert, retain],
        [retain, get, insert],
        [insert, retain, get],
        [insert, clear, insert],
    ];
    for calls in silent {
        clean(|| both(&map(), calls));
    }
    // Nothing was there to be cleared.
    let empty: [Calls<'_>; 2] = [[clear, get, insert], [get, clear, insert]];
    for calls in empty {
        clean(|| both(&Map::new(), calls));
    }
}

/// A store of what is there already changes nothing for others, but is what its own region means it to be.
#[test]
fn stores_of_what_is_there() {
    type Flag = atomic::AtomicBool;
    type Calls<'a> = [&'a (dyn Fn(&Flag) + Sync); 3];
    #[tsvd::expect_atomic]
    fn both(flag: &Flag, [own, foreigner, next]: Calls<'_>) {
        own(flag);
        foreign(|| foreigner(flag));
        next(flag);
    }
    let load = &|flag: &Flag| {
        std::hint::black_box(flag.load(SeqCst));
    };
    let (set, unset) = (&|flag: &Flag| flag.store(true, SeqCst), &|flag: &Flag| {
        flag.store(false, SeqCst)
    });
    let silent: [(bool, Calls<'_>); 4] = [
        (true, [load, set, load]),
        (true, [load, set, unset]),
        (true, [set, load, unset]),
        (false, [set, load, set]),
    ];
    for (before, calls) in silent {
        clean(|| both(&Flag::new(before), calls));
    }
    let found: [(bool, Calls<'_>); 4] = [
        (false, [load, set, load]),
        // Both found that it was to be set.
        (false, [load, set, set]),
        (true, [set, unset, load]),
        (true, [unset, load, set]),
    ];
    for (before, calls) in found {
        tsvd::check(|| both(&Flag::new(before), calls))
            .assert_violation("both is expected to be atomic");
    }
}

/// Who finds an entry there came too late, and is between nobody's writes; but to its own region it has looked.
#[test]
fn entries_that_are_there() {
    #[tsvd::expect_atomic]
    fn both(map: &Map, [own, foreigner, next]: Calls<'_>) {
        own(map);
        foreign(|| foreigner(map));
        next(map);
    }
    let insert = &|map: &Map| {
        map.insert(1, 1);
    };
    let remove = &|map: &Map| {
        map.remove(&1);
    };
    let claim = &|map: &Map| drop(map.entry(1));
    let join = &|map: &Map| {
        std::hint::black_box(*map.entry(1).or_insert_with(|| 7));
    };
    let count = &|map: &Map| *map.entry(1).or_insert(0) += 1;
    let get = &|map: &Map| drop(map.get(&1));
    let map = || Map::from_iter([(1, 1)]);
    let silent: [Calls<'_>; 5] = [
        [insert, claim, remove],
        [insert, join, remove],
        [count, join, insert],
        [get, claim, remove],
        // It looks again.
        [get, remove, join],
    ];
    for calls in silent {
        clean(|| both(&map(), calls));
    }
    let found: [Calls<'_>; 6] = [
        [insert, get, remove],
        [insert, count, remove],
        [get, count, insert],
        [claim, remove, get],
        [join, insert, remove],
        [join, insert, insert],
    ];
    for calls in found {
        tsvd::check(|| both(&map(), calls)).assert_violation("is expected to be atomic");
    }
    // It was not there, and was inserted.
    let found: [Calls<'_>; 2] = [[get, join, insert], [remove, join, insert]];
    for calls in found {
        tsvd::check(|| both(&Map::new(), calls)).assert_violation("is expected to be atomic");
    }
}

#[test]
fn a_map_of_nothing_that_has_the_key() {
    #[tsvd::expect_atomic]
    fn claimed(map: &DashMap<i32, ()>, foreigner: &(dyn Fn(&DashMap<i32, ()>) + Sync)) {
        if map.insert(1, ()).is_none() {
            foreign(|| foreigner(map));
            map.remove(&1);
        }
    }
    #[tsvd::expect_atomic]
    fn checked(map: &DashMap<i32, ()>) {
        if !map.contains_key(&1) {
            foreign(|| map.insert(1, ()));
            map.insert(1, ());
        }
    }
    let insert = &|map: &DashMap<i32, ()>| {
        map.insert(1, ());
    };
    clean(|| claimed(&DashMap::new(), insert));
    for body in [
        &(|| claimed(&DashMap::new(), &|map| drop(map.get(&1)))) as &dyn Fn(),
        &|| checked(&DashMap::new()),
    ] {
        tsvd::check(body).assert_violation("is expected to be atomic");
    }
}

#[test]
fn what_rayon_runs_on_top_of_a_region_that_waits() {
    #[tsvd::expect_atomic]
    fn item(map: &DashMap<usize, usize>) {
        // One look, then work of its own, in parallel: other items run on top of this one.
        let known = map.get(&0).map_or(0, |known| *known);
        (0..8).into_par_iter().for_each(|_| work());
        std::hint::black_box(known);
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(4);
    let pool = builder.build().expect("a pool");
    clean(|| {
        let map = DashMap::new();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    map.insert(0, 1);
                    work();
                }
            });
            pool.install(|| (0..100).into_par_iter().for_each(|_| item(&map)));
            over.store(true, SeqCst);
        });
    });
}

#[test]
fn what_a_helper_looked_at_anew() {
    #[tsvd::expect_atomic]
    fn region(map: &DashMap<i32, i32>) {
        map.contains_key(&1);
        foreign(|| map.insert(1, 1));
        let known = tsvd::thread::scope(|scope| {
            let helper = scope.spawn(|| *map.entry(1).or_insert(0));
            helper.join().expect("no panic")
        });
        map.insert(1, known + 1);
    }
    clean(|| region(&DashMap::new()));
}

/// Locked by somebody else, and written by the region itself.
#[test]
fn a_guard_that_is_handed_to_the_region() {
    #[tsvd::expect_atomic]
    fn region(map: &DashMap<i32, i32>) {
        assert_eq!(map.get(&1).map(|known| *known), Some(1));
        let (hand, handed) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || hand.send(map.get_mut(&1).expect("an entry")));
            *handed.recv().expect("a guard") += 1;
        });
        assert_eq!(map.get(&1).map(|known| *known), Some(2));
    }
    clean(|| region(&DashMap::from_iter([(1, 1)])));
}

/// Polled by the region, and none of its work.
#[test]
fn tasks_of_others_that_a_region_polls() {
    #[tsvd::expect_atomic]
    async fn region(tasks: &tokio::task::LocalSet, map: &DashMap<i32, i32>) {
        let known = map.get(&1).map(|known| *known);
        foreign(|| map.insert(1, 2));
        tasks.run_until(tokio::task::yield_now()).await;
        std::hint::black_box(known);
    }
    clean(|| {
        let map = std::rc::Rc::new(DashMap::from_iter([(1, 1)]));
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        let runtime = builder.build().expect("a runtime");
        let tasks = tokio::task::LocalSet::new();
        let task = std::rc::Rc::clone(&map);
        tasks.spawn_local(async move { task.get(&1).map(|known| *known) });
        runtime.block_on(region(&tasks, &map));
    });
}

/// std's atomics can be used until the very end of a thread, and so can ours.
#[test]
fn an_atomic_in_a_thread_local_outlives_other_destructors() {
    struct Flush;
    impl Drop for Flush {
        fn drop(&mut self) {
            COUNT.with(|count| assert_eq!(count.load(SeqCst), 1));
        }
    }
    thread_local! {
        static FLUSH: Flush = const { Flush };
        static COUNT: AtomicUsize = const { AtomicUsize::new(0) };
    }
    let ended = thread::spawn(|| {
        FLUSH.with(|_| ());
        COUNT.with(|count| count.fetch_add(1, SeqCst));
    });
    ended.join().expect("no panic");
}
