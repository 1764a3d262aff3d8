//! `tsvd::dashmap` has dashmap's names and behaviour, whether or not anything is watched: the same random calls have the same
//! results. What dashmap's own documentation and tests show is run by `dashmap_own.rs`.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use tsvd::dashmap::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
use tsvd::dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use tsvd::dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use tsvd::dashmap::try_result::TryResult;
use tsvd::dashmap::{self, DashMap, DashSet, ReadOnlyView, TryReserveError};

/// A call with the key it is about, and a value.
#[derive(Clone, Copy, Debug)]
struct Call {
    method: u8,
    key: u8,
    value: u32,
}

/// What a call returned, as text.
fn text(result: impl Debug) -> String {
    format!("{result:?}")
}

/// One call of a map, of whichever crate `$map` and `$Entry` are.
macro_rules! call {
    ($map:expr, $entry:path, $call:expr) => {{
        use $entry as Entry;
        let Call { method, key, value } = $call;
        let (map, even) = (&$map, |value: &u32| value % 2 == 0);
        match method {
            0 => text(map.insert(key, value)),
            1 => text(map.remove(&key)),
            2 => text(map.remove_if(&key, |_, value| even(value))),
            3 => text(map.remove_if_mut(&key, |_, value| {
                *value += 1;
                even(value)
            })),
            4 => text(map.get(&key).map(|value| (*value.key(), *value))),
            5 => text(map.get_mut(&key).map(|mut value| {
                *value ^= 1;
                *value.pair().1
            })),
            6 => match map.try_get(&key).try_unwrap() {
                Some(held) => text((*held, map.try_get_mut(&key).is_locked())),
                None => text(map.try_get_mut(&key).is_absent()),
            },
            7 => text(map.contains_key(&key)),
            8 => text(map.view(&key, |key, value| u32::from(*key) + value)),
            9 => text((map.len(), map.is_empty())),
            10 => text(map.alter(&key, |_, value| value / 2)),
            11 => text(map.alter_all(|key, value| value + u32::from(key % 2))),
            12 => text(map.retain(|_, value| {
                *value /= 2;
                !even(value)
            })),
            13 => text(
                *map.entry(key)
                    .and_modify(|value| *value += 1)
                    .or_insert(value),
            ),
            14 => text(match map.entry(key) {
                Entry::Occupied(mut entry) if value % 3 == 0 => {
                    (entry.insert(value), *entry.get(), *entry.key())
                }
                Entry::Occupied(entry) if value % 3 == 1 => {
                    let (key, old) = entry.replace_entry(value);
                    (old, 0, key)
                }
                Entry::Occupied(entry) => {
                    let (key, old) = entry.remove_entry();
                    (old, 1, key)
                }
                Entry::Vacant(entry) if value % 2 == 0 => (0, *entry.insert(value), key),
                Entry::Vacant(entry) => (0, 0, entry.into_key()),
            }),
            15 => text(
                map.entry(key)
                    .or_try_insert_with(|| if even(&value) { Ok(value) } else { Err(value) })
                    .map(|held| *held),
            ),
            16 => text(*map.entry(key).insert_entry(value).get()),
            17 => text(*map.entry(key).insert(value).downgrade()),
            18 => text(*map.entry(key).or_default()),
            19 => {
                let mut pairs: Vec<_> = map.iter().map(|entry| (*entry.key(), *entry)).collect();
                pairs.sort_unstable();
                text(pairs)
            }
            20 => text(
                map.iter_mut()
                    .map(|mut entry| {
                        *entry.value_mut() += 1;
                        1
                    })
                    .sum::<u32>(),
            ),
            21 => {
                let copy = map.clone();
                copy.insert(key, value);
                text(copy.into_iter().collect::<BTreeMap<_, _>>())
            }
            22 => text(map.get_mut(&key).map(|held| {
                let mut part = held.map(|value| value);
                *part += 1;
                *part
            })),
            23 => text(map.get(&key).map(|held| {
                match held.try_map(|value| Some(value).filter(|value| even(value))) {
                    Ok(held) => (*held, true),
                    Err(held) => (*held, false),
                }
            })),
            24 => text(map << (key, value)),
            25 => text(map - &key),
            26 => text(map & &key),
            27 => text(map.try_entry(key).map(|entry| entry.into_key())),
            28 => {
                let view = map.clone().into_read_only();
                text((
                    view.get(&key),
                    view.get_key_value(&key),
                    view.len(),
                    view.contains_key(&key),
                ))
            }
            _ => text(map.clear()),
        }
    }};
}

macro_rules! call_set {
    ($set:expr, $call:expr) => {{
        let Call { method, key, value } = $call;
        let set = &$set;
        match method {
            0..6 => text(set.insert(key)),
            6..10 => text(set.remove(&key)),
            10..13 => text(set.remove_if(&key, |key| u32::from(*key) < value)),
            13..16 => text(set.get(&key).map(|held| (*held, *held.key()))),
            16..19 => text(set.contains(&key)),
            19..21 => text((set.len(), set.is_empty())),
            21..23 => text(set.retain(|key| key % 2 == 0)),
            23..28 => {
                let mut keys: Vec<_> = set.iter().map(|held| *held.key()).collect();
                keys.sort_unstable();
                text(keys)
            }
            28 => {
                let mut keys: Vec<_> = set.clone().into_iter().collect();
                keys.sort_unstable();
                text(keys)
            }
            _ => text(set.clear()),
        }
    }};
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (0..30_u8, 0..5_u8, 0..8_u32);
    vec(
        call.prop_map(|(method, key, value)| Call { method, key, value }),
        1..60,
    )
}

proptest! {
    #[test]
    fn a_map_is_dashmap_s(calls in calls()) {
        let (ours, theirs) = (DashMap::new(), ::dashmap::DashMap::new());
        for call in calls {
            let got = call!(ours, tsvd::dashmap::Entry, call);
            prop_assert_eq!(got, call!(theirs, ::dashmap::Entry, call), "{:?}", call);
        }
        let ours: BTreeMap<u8, u32> = ours.into_iter().collect();
        prop_assert_eq!(ours, theirs.into_iter().collect::<BTreeMap<_, _>>());
    }

    #[test]
    fn a_set_is_dashmap_s(calls in calls()) {
        let (ours, theirs) = (DashSet::new(), ::dashmap::DashSet::new());
        for call in calls {
            let got = call_set!(ours, call);
            prop_assert_eq!(got, call_set!(theirs, call), "{:?}", call);
        }
    }
}

#[test]
fn made_in_every_way() {
    let maps: [DashMap<u8, u8>; 8] = [
        DashMap::new(),
        DashMap::with_capacity(2),
        DashMap::with_shard_amount(32),
        DashMap::with_capacity_and_shard_amount(32, 32),
        DashMap::with_hasher(RandomState::new()),
        DashMap::with_capacity_and_hasher(2, RandomState::new()),
        DashMap::with_hasher_and_shard_amount(RandomState::new(), 32),
        DashMap::with_capacity_and_hasher_and_shard_amount(2, RandomState::new(), 32),
    ];
    for map in maps {
        map.insert(8, 16);
        assert_eq!(*map.get(&8).unwrap(), 16);
    }
    type Fixed = BuildHasherDefault<std::collections::hash_map::DefaultHasher>;
    let mut map: DashMap<&str, u8, Fixed> = DashMap::default();
    map.extend([("a", 1)]);
    assert_eq!(map.hash_usize(&"a"), map.clone().hash_usize(&"a"));
    let _: &Fixed = map.hasher();
    let sets: [DashSet<u8>; 5] = [
        DashSet::new(),
        DashSet::default(),
        DashSet::with_capacity(8),
        DashSet::with_hasher(RandomState::new()),
        DashSet::with_capacity_and_hasher(2, RandomState::new()),
    ];
    for mut set in sets {
        set.extend([3, 3]);
        assert!(set.contains(&3) && set.capacity() >= set.len());
        set.shrink_to_fit();
        assert_eq!(format!("{set:?}"), "{3: ()}");
        assert_eq!(set.hash_usize(&3), set.hash_usize(&3));
    }
}

#[test]
fn capacity_is_asked_for_and_given_back() {
    let mut map: DashMap<u32, u32> = DashMap::new();
    assert_eq!(map.capacity(), 0);
    map.try_reserve(10).unwrap();
    assert!(map.capacity() >= 10);
    map.shrink_to_fit();
    assert_eq!(map.capacity(), 0);
    let failed: Result<(), TryReserveError> = map.try_reserve(usize::MAX);
    assert!(failed.is_err());
}

#[test]
fn keys_are_borrowed_and_operators_are_calls() {
    let map: DashMap<String, i32> = DashMap::new();
    assert_eq!(&map << ("one".to_owned(), 1), None);
    assert_eq!(*(&map >> "one"), 1);
    *(&map | "one") += 1;
    assert!(&map & "one");
    assert_eq!(&map - "one", Some(("one".to_owned(), 2)));
    assert_eq!(format!("{map:?}"), "{}");
}

#[test]
fn what_is_locked_is_said_to_be() {
    let map: DashMap<_, _> = DashMap::from_iter([("Johnny", 21)]);
    assert_eq!(*map.try_get("Johnny").unwrap(), 21);
    *map.try_get_mut("Johnny").unwrap() += 1;
    {
        let _held = map.get_mut("Johnny");
        assert!(matches!(map.try_get("Johnny"), TryResult::Locked));
        assert!(map.try_entry("Johnny").is_none());
    }
    let _held = map.get("Johnny");
    assert!(map.try_get_mut("Johnny").is_locked());
    assert!(map.try_get("Johnny").is_present());
}

#[test]
fn references_show_what_they_hold() {
    let map: DashMap<_, _> = DashMap::from_iter([(1, "one".to_owned())]);
    {
        let held: Ref<'_, i32, String> = map.get(&1).unwrap();
        assert_eq!((held.key(), held.value().as_str()), (&1, "one"));
        assert!(format!("{held:?}").starts_with("Ref {"));
        let part: MappedRef<'_, i32, String, [u8; 0]> = held.map(|_| &[]);
        assert!(AsRef::<[u8]>::as_ref(&part).is_empty());
        assert!(format!("{part:?}").starts_with("MappedRef {"));
        let part = part.try_map(|_| None::<&u8>).err().unwrap();
        assert_eq!(part.map(|_| &7).to_string(), "7");
    }
    {
        let mut held: RefMut<'_, i32, String> = map.get_mut(&1).unwrap();
        held.pair_mut().1.push('!');
        assert_eq!((held.key(), held.value().as_str()), (&1, "one!"));
        assert!(format!("{held:?}").starts_with("RefMut {"));
        let held = held.try_map(|_| None::<&mut u8>).err().unwrap();
        let mut part: MappedRefMut<'_, i32, String, String> = held.map(|value| value);
        part.value_mut().push('?');
        part.pair_mut().1.push('?');
        assert!(format!("{part:?}").starts_with("MappedRefMut {"));
        let part = part.try_map(|_| None::<&mut u8>).err().unwrap();
        assert_eq!((part.key(), part.pair().1.as_str()), (&1, "one!??"));
        assert_eq!(part.map(|value| value).value().len(), 6);
    }
    let entry: Option<RefMulti<'_, i32, String>> = map.iter().next();
    assert_eq!(entry.unwrap().pair(), (&1, &"one!??".to_owned()));
    let mut entry: RefMutMulti<'_, i32, String> = map.iter_mut().next().unwrap();
    entry.pair_mut().1.clear();
    assert_eq!((entry.key(), entry.pair().0, entry.len()), (&1, &1, 0));
}

#[test]
fn entries_are_named_as_dashmap_s_are() {
    let map: DashMap<&str, i32> = DashMap::new();
    let vacant: VacantEntry<'_, _, _> = match map.entry("a") {
        Entry::Vacant(entry) => entry,
        Entry::Occupied(_) => panic!("there is none"),
    };
    assert_eq!(vacant.key(), &"a");
    let mut occupied: OccupiedEntry<'_, _, _> = vacant.insert_entry(1);
    *occupied.get_mut() += 1;
    assert_eq!(occupied.into_key(), "a");
    let entry: dashmap::Entry<'_, _, _> = map.entry("a");
    assert_eq!(entry.key(), &"a");
    let dashmap::Entry::Occupied(entry) = entry else {
        panic!("there is one");
    };
    *entry.into_ref() += 1;
    let dashmap::Entry::Occupied(entry) = map.entry("a") else {
        panic!("there is one");
    };
    assert_eq!(entry.remove(), 3);
    assert_eq!(*map.entry("a").or_insert_with(|| 7), 7);
}

#[test]
fn iterators_can_be_named_kept_and_cloned() {
    struct Kept<'a> {
        iter: dashmap::iter::Iter<'a, u8, u8>,
        all: dashmap::iter::Iter<'a, u8, u8, RandomState, DashMap<u8, u8>>,
        keys: dashmap::iter_set::Iter<'a, u8, RandomState, DashMap<u8, (), RandomState>>,
    }
    let map: DashMap<_, _> = DashMap::from_iter([(1, 2), (3, 4)]);
    let set: DashSet<_> = DashSet::from_iter([1, 3]);
    let Kept {
        mut iter,
        all,
        mut keys,
    } = Kept {
        iter: map.iter(),
        all: (&map).into_iter(),
        keys: set.iter(),
    };
    iter.next();
    assert_eq!(iter.clone().count(), 2, "it begins anew");
    assert_eq!((iter.count(), all.count()), (1, 2));
    let key: Option<dashmap::setref::multiple::RefMulti<'_, u8>> = keys.next();
    assert_eq!(key.map(|key| *key % 2), Some(1));
    drop(keys);
    let each: dashmap::iter::IterMut<'_, u8, u8> = map.iter_mut();
    each.for_each(|mut entry| *entry += 1);
    let owned: dashmap::iter::OwningIter<u8, u8> = map.into_iter();
    assert_eq!(owned.map(|(_, value)| value).sum::<u8>(), 8);
    let held: Option<dashmap::setref::one::Ref<'_, u8>> = set.get(&1);
    assert_eq!(held.as_deref(), Some(&1));
    drop(held);
    let owned: dashmap::iter_set::OwningIter<u8, RandomState> = set.into_iter();
    assert_eq!(owned.count(), 2);
}

#[test]
fn a_view_reads_and_is_a_map_again() {
    let map: DashMap<_, _> = DashMap::from_iter([(1, "one"), (2, "two")]);
    let view: ReadOnlyView<i32, &str> = map.clone().into_read_only();
    assert_eq!(view.inner().len(), 2);
    assert_eq!((view.len(), view.is_empty()), (map.len(), map.is_empty()));
    assert_eq!(view.capacity(), map.capacity());
    assert_eq!(view.get(&1), Some(&"one"));
    assert_eq!(view.clone().keys().sum::<i32>(), 3);
    assert_eq!(view.values().map(|value| value.len()).sum::<usize>(), 6);
    assert_eq!(view.iter().filter(|(key, _)| **key == 2).count(), 1);
    assert!(format!("{view:?}").contains("1: \"one\""));
    assert_eq!(view.into_inner().len(), 2);
}

#[test]
fn the_map_itself_can_be_had_and_given() {
    let map: DashMap<u8, u8> = ::dashmap::DashMap::from_iter([(1, 2)]).into();
    assert_eq!(map.inner().len(), 1);
    assert_eq!(AsRef::<::dashmap::DashMap<u8, u8>>::as_ref(&map).len(), 1);
    let inner: ::dashmap::DashMap<u8, u8> = map.into_inner();
    let map = DashMap::from(inner);
    assert_eq!(
        ::dashmap::DashMap::from(map).into_iter().next(),
        Some((1, 2))
    );
    let set: DashSet<u8> = ::dashmap::DashSet::from_iter([1]).into();
    assert_eq!(set.inner().len(), 1);
    assert_eq!(AsRef::<::dashmap::DashSet<u8>>::as_ref(&set).len(), 1);
    let set = DashSet::from(set.into_inner());
    assert_eq!(::dashmap::DashSet::from(set).len(), 1);
    // With detection it has a number.
    let number = if cfg!(feature = "detect") { 8 } else { 0 };
    assert_eq!(
        size_of::<DashMap<u8, u8>>(),
        size_of::<::dashmap::DashMap<u8, u8>>() + number
    );
}

#[test]
fn threads_share_it() {
    let map = Arc::new(DashMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for key in 0..200_u32 {
                    *map.entry(key % 10).or_insert(0) += 1;
                    if map.contains_key(&key) {
                        map.remove_if(&key, |_, _| false);
                    }
                }
            });
        }
    });
    assert!(map.iter().all(|entry| *entry == 80));
}

#[test]
fn what_dashmap_s_can_be_they_are() {
    fn shared<T: Send + Sync>() {}
    shared::<DashMap<u8, std::sync::Mutex<u8>>>();
    shared::<DashSet<u8>>();
    shared::<ReadOnlyView<u8, u8>>();
    shared::<Ref<'_, u8, u8>>();
    shared::<RefMut<'_, u8, u8>>();
    shared::<RefMulti<'_, u8, u8>>();
    shared::<RefMutMulti<'_, u8, u8>>();
    shared::<OccupiedEntry<'_, u8, u8>>();
    shared::<VacantEntry<'_, u8, u8>>();
    shared::<dashmap::iter::Iter<'_, u8, u8>>();
    shared::<dashmap::iter::IterMut<'_, u8, u8>>();
    shared::<dashmap::iter::OwningIter<u8, u8>>();
    shared::<dashmap::iter_set::OwningIter<u8, RandomState>>();
    fn borrows<'a>(held: Ref<'static, u8, u8>) -> Ref<'a, u8, u8> {
        held
    }
    let _ = borrows;
    static SHARED: std::sync::LazyLock<DashMap<u8, u8>> = std::sync::LazyLock::new(DashMap::new);
    assert!(SHARED.is_empty());
}
