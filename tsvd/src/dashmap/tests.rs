//! The table of the module: what each call says it is, of which entry, and when.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use super::{DashMap, DashSet, Entry};
use crate::contract::Object;
use crate::section::log::{did, note, object, said, said_locked};

const READ: &str = "read";
const WRITE: &str = "write";
const UPDATE: &str = "update";
const NOTHING: &str = "nothing";
const FOUND: &str = "found";
const REFUSED: &str = "refused";
const REWRITTEN: &str = "rewritten";
const LOOK: &str = "revalidated, wrote false";
const LOOK_AND_WRITE: &str = "revalidated, wrote true";

fn map() -> DashMap<u8, String> {
    [(1, "one".to_owned()), (2, "two".to_owned())]
        .into_iter()
        .collect()
}

#[test]
fn one_call_is_one_access_of_its_key() {
    let map = map();
    let call = |is: &[&str]| is.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        said(|| map.contains_key(&1)),
        call(&["contains_key (read) key", "enter", READ])
    );
    assert!(object() == Some(Object::of_identity(&map, &map.identity)));
    assert_eq!(
        said(|| map.insert(3, String::new())),
        call(&["insert (write) key", "enter", WRITE])
    );
    assert_eq!(said(|| map.len()), call(&["len (read)", "enter", READ]));
}

/// Notes when it is hashed.
#[derive(PartialEq, Eq)]
struct Noted(u8);

impl Hash for Noted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        note("hashed".to_owned());
        self.0.hash(state);
    }
}

#[test]
fn what_is_not_there_is_looked_for_once_more() {
    let map: DashMap<Noted, u8> = [(Noted(1), 1)].into_iter().collect();
    // The first time for us.
    assert_eq!(
        said(|| map.get(&Noted(1)).is_some()),
        ["hashed", "get (read) key", "hashed", "enter", READ]
    );
    assert_eq!(
        said(|| map.get(&Noted(2)).is_none()),
        [
            "hashed",
            "get (read) key",
            "hashed",
            "enter",
            "hashed",
            READ
        ]
    );
    assert_eq!(
        said(|| map.get_mut(&Noted(2)).is_none()),
        [
            "hashed",
            "get_mut (update) key",
            "hashed",
            "enter",
            "hashed",
            READ
        ]
    );
    assert_eq!(
        said(|| map.contains_key(&Noted(2))),
        ["hashed", "contains_key (read) key", "enter", "hashed", READ]
    );
}

#[test]
fn reads_are_reads() {
    let map = map();
    assert_eq!(did(|| map.get(&1).is_some()), READ);
    assert_eq!(did(|| map.get(&9).is_some()), READ);
    assert_eq!(did(|| map.view(&1, |_, value| value.len())), READ);
    assert_eq!(did(|| map.contains_key(&9)), READ);
    assert_eq!(did(|| map.is_empty()), READ);
    assert_eq!(did(|| map.clone()), READ);
    assert_eq!(did(|| map.iter().count()), READ);
    assert_eq!(did(|| (&map).into_iter().next().is_some()), READ);
    assert_eq!(
        said(|| map.try_get(&1).is_present()),
        ["try_get (read) key at once", "enter", READ]
    );
    assert_eq!(did(|| map.try_get(&9).is_absent()), READ);
    assert_eq!(did(|| &map & &1), READ);
    assert_eq!(did(|| (&map >> &1).len()), READ);
    assert_eq!(did(|| map.get(&1).unwrap().map(|value| value).len()), READ);
    assert_eq!(
        did(|| map.get(&1).unwrap().try_map(|_| None::<&String>).is_err()),
        READ
    );
}

#[test]
fn removals_and_writes_are_what_they_did() {
    let map = map();
    assert_eq!(did(|| map.insert(1, String::new())), WRITE);
    assert_eq!(did(|| &map << (3, String::new())), WRITE);
    assert_eq!(did(|| map.remove(&3)), UPDATE);
    assert_eq!(did(|| map.remove(&3)), READ);
    assert_eq!(did(|| &map - &3), READ);
    assert_eq!(did(|| map.remove_if(&1, |_, _| false)), LOOK);
    assert_eq!(did(|| map.remove_if(&1, |_, _| true)), LOOK_AND_WRITE);
    assert_eq!(did(|| map.remove_if(&1, |_, _| true)), LOOK);
    assert_eq!(did(|| map.remove_if_mut(&1, |_, _| false)), LOOK);
    assert_eq!(did(|| map.remove_if_mut(&2, |_, _| false)), LOOK_AND_WRITE);
    assert_eq!(did(|| map.alter(&2, |_, value| value)), LOOK_AND_WRITE);
    assert_eq!(did(|| map.alter(&1, |_, value| value)), LOOK);
}

#[test]
fn calls_of_all_keys_tell_which_they_wrote() {
    let map = map();
    // Where nobody asks for the keys.
    assert_eq!(did(|| map.alter_all(|_, value| value)), LOOK_AND_WRITE);
    assert_eq!(did(|| map.retain(|_, _| true)), LOOK);
    assert_eq!(did(|| map.retain(|key, _| *key != 2)), LOOK_AND_WRITE);
    assert_eq!(did(|| map.clear()), WRITE);
    assert_eq!(did(|| map.alter_all(|_, value| value)), LOOK);
    assert_eq!(did(|| map.clear()), REWRITTEN);
    assert!(map.is_empty());
    // Of a region's own they are told.
    let _region = crate::scope(&map).expect_atomic();
    let fill = || (1..4).for_each(|key| drop(map.insert(key, String::new())));
    let partly = |did: &str, count, elsewhere| format!("{did} of {count}, else {elsewhere}");
    let looked = |count| partly(LOOK_AND_WRITE, count, "revalidated { wrote: false }");
    fill();
    assert_eq!(did(|| map.alter_all(|_, value| value)), looked(3));
    assert_eq!(did(|| map.retain(|_, _| true)), LOOK);
    assert_eq!(did(|| map.retain(|key, _| *key > 2)), looked(2));
    fill();
    assert_eq!(did(|| map.iter_mut().count()), LOOK);
    let push_to_two = || {
        let mut entries = map.iter_mut().filter(|entry| *entry.key() < 3);
        entries.all(|mut entry| {
            entry.push('!');
            entry.push('!');
            true
        })
    };
    let written = partly(WRITE, 2, "revalidated { wrote: false }");
    assert_eq!(did(push_to_two), written);
    assert_eq!(did(|| map.clear()), partly(WRITE, 3, REWRITTEN));
    assert_eq!(did(|| map.clear()), REWRITTEN);
    let set: DashSet<u8> = [1, 2].into_iter().collect();
    let _region = crate::scope(&set).expect_atomic();
    assert_eq!(did(|| set.retain(|key| *key != 1)), looked(1));
    assert_eq!(did(|| set.clear()), partly(WRITE, 1, REWRITTEN));
}

#[test]
fn a_reference_did_what_was_done_through_it() {
    let map = map();
    let get = || map.get_mut(&1).unwrap();
    assert_eq!(did(|| map.get_mut(&9).is_none()), READ);
    assert_eq!(did(|| drop(get())), LOOK);
    assert_eq!(did(|| get().len()), LOOK);
    assert_eq!(did(|| get().push('!')), WRITE);
    assert_eq!(did(|| get().value_mut().push('!')), WRITE);
    assert_eq!(did(|| (&map | &1).push('!')), WRITE);
    assert_eq!(
        did(|| {
            let mut value = get();
            if !value.is_empty() {
                value.push('!');
            }
        }),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| {
            let mut value = get();
            value.push('!');
            value.len()
        }),
        WRITE
    );
    assert_eq!(did(|| get().map(|value| value).len()), LOOK);
    assert_eq!(did(|| get().map(|value| value).push('!')), WRITE);
    assert_eq!(
        did(|| {
            let kept = get().try_map(|_| None::<&mut String>);
            kept.err().unwrap().push('!');
        }),
        WRITE
    );
    // The access goes on.
    assert_eq!(
        said(|| {
            let mut value = get();
            value.push('!');
            let value = value.downgrade();
            value.len()
        }),
        ["get_mut (update) key", "enter", WRITE]
    );
    assert_eq!(
        said(|| map.try_get_mut(&1).unwrap().push('!')),
        ["try_get_mut (update) key at once", "enter", WRITE]
    );
    assert_eq!(did(|| map.try_get_mut(&9).is_absent()), READ);
}

#[test]
fn an_entry_has_looked() {
    let map = map();
    assert_eq!(did(|| map.entry(1).key() == &1), FOUND);
    assert_eq!(did(|| map.entry(9).into_key()), LOOK);
    assert_eq!(did(|| map.entry(1).or_default().len()), FOUND);
    assert_eq!(did(|| map.entry(3).or_default().len()), LOOK_AND_WRITE);
    assert_eq!(
        did(|| drop(map.entry(3).or_insert("new".to_owned()))),
        FOUND
    );
    assert_eq!(
        did(|| map.entry(3).or_insert("new".to_owned()).push('!')),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| drop(map.entry(4).or_insert_with(|| "new".to_owned()))),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| map.entry(5).or_try_insert_with(|| Err(())).is_err()),
        LOOK
    );
    assert_eq!(
        did(|| drop(map.entry(1).and_modify(|value| value.push('!')))),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| drop(map.entry(1).insert(String::new()))),
        LOOK_AND_WRITE
    );
    assert_eq!(
        did(|| drop(map.entry(6).insert_entry(String::new()))),
        LOOK_AND_WRITE
    );
    let occupied = |key| match map.entry(key) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(_) => panic!("{key} is there"),
    };
    assert_eq!(did(|| occupied(1).get().len()), FOUND);
    assert_eq!(did(|| occupied(1).get_mut().push('!')), LOOK_AND_WRITE);
    assert_eq!(did(|| occupied(1).insert(String::new())), LOOK_AND_WRITE);
    assert_eq!(did(|| drop(occupied(1).into_ref())), FOUND);
    assert_eq!(
        did(|| occupied(1).replace_entry(String::new())),
        LOOK_AND_WRITE
    );
    assert_eq!(did(|| occupied(1).remove()), LOOK_AND_WRITE);
    assert_eq!(did(|| occupied(2).remove_entry()), LOOK_AND_WRITE);
    assert_eq!(did(|| drop(map.try_entry(1).unwrap())), LOOK);
    assert_eq!(did(|| drop(map.try_entry(3).unwrap())), FOUND);
}

#[test]
fn what_is_locked_is_not_accessed() {
    let map = map();
    let _held = map.get_mut(&1);
    assert_eq!(
        did(|| assert!(map.try_get(&1).is_locked())),
        NOTHING,
        "it was entered, and nothing came of it"
    );
    assert_eq!(did(|| assert!(map.try_get_mut(&1).is_locked())), NOTHING);
    assert_eq!(
        said(|| assert!(map.try_entry(1).is_none())),
        ["try_entry (update) key at once"]
    );
}

#[test]
fn iterators_are_one_access_of_all_keys() {
    let map = map();
    assert_eq!(
        said(|| map.iter().map(|entry| entry.len()).sum::<usize>()),
        ["iter (read)", "enter", READ]
    );
    // The read is the iterator, and what looks like a second one.
    assert_eq!(
        said(|| {
            let iter = map.iter();
            let again = iter.clone();
            drop(iter);
            again.count()
        }),
        ["iter (read)", "enter", READ]
    );
    assert_eq!(
        said(|| map.iter_mut().count()),
        ["iter_mut (update)", "enter", LOOK]
    );
    assert_eq!(
        did(|| map.iter_mut().for_each(|mut entry| entry.push('!'))),
        WRITE
    );
    assert_eq!(
        did(|| {
            // It outlives the iterator.
            let mut entry = map.iter_mut().next().unwrap();
            if entry.value().ends_with('!') {
                entry.pop();
            }
        }),
        LOOK_AND_WRITE
    );
}

#[test]
fn sets_are_alike() {
    let set: DashSet<u8> = [1, 2].into_iter().collect();
    assert_eq!(
        said(|| set.insert(3)),
        ["insert (update) key", "enter", LOOK_AND_WRITE]
    );
    assert!(object() == Some(Object::of_identity(&set, &set.identity)));
    assert_eq!(did(|| set.insert(3)), REFUSED);
    assert_eq!(did(|| set.contains(&3)), READ);
    assert_eq!(did(|| set.get(&3).is_some()), READ);
    assert_eq!(did(|| set.get(&9).is_some()), READ);
    assert_eq!(did(|| set.remove(&3)), LOOK_AND_WRITE);
    assert_eq!(did(|| set.remove(&3)), REFUSED);
    assert_eq!(did(|| set.remove_if(&2, |_| false)), LOOK);
    assert_eq!(did(|| set.remove_if(&2, |_| true)), LOOK_AND_WRITE);
    assert_eq!(said(|| set.iter().count()), ["iter (read)", "enter", READ]);
    assert_eq!(did(|| set.len()), READ);
    assert_eq!(did(|| set.is_empty()), READ);
    assert_eq!(did(|| set.clone()), READ);
    assert_eq!(did(|| set.retain(|_| true)), LOOK);
    assert_eq!(did(|| set.retain(|_| false)), LOOK_AND_WRITE);
    assert_eq!(did(|| set.clear()), REWRITTEN);
    set.insert(1);
    assert_eq!(did(|| set.clear()), WRITE);
}

#[test]
fn a_map_of_nothing_is_a_set() {
    let map = DashMap::new();
    assert_eq!(did(|| map.insert(1, ())), WRITE);
    assert_eq!(did(|| map.insert(1, ())), REWRITTEN);
    assert_eq!(did(|| &map << (1, ())), REWRITTEN);
    assert_eq!(did(|| map.insert(2, ())), WRITE);
}

#[test]
fn who_has_it_alone_is_not_watched() {
    let mut map = map();
    let none: [&str; 0] = [];
    assert_eq!(
        said(|| {
            map.extend([(3, String::new())]);
            map.try_reserve(3).unwrap();
            let _ = (
                map.capacity(),
                map.hasher(),
                format!("{map:?}"),
                map.hash_usize(&1),
            );
            map.shrink_to_fit();
            assert!(map.inner().contains_key(&3));
        }),
        none
    );
    let mut set: DashSet<u8> = DashSet::new();
    assert_eq!(
        said(|| {
            set.extend([3]);
            format!("{set:?}")
        }),
        none
    );
    assert_eq!(
        said(|| {
            let view = map.into_read_only();
            assert_eq!(view.get(&1).map(String::as_str), Some("one"));
            view.into_inner().into_iter().count()
        }),
        none
    );
}

#[test]
fn a_panic_leaves_nothing_that_could_be_told() {
    let map = map();
    let panics = |body: &dyn Fn()| {
        did(|| {
            let outcome = catch_unwind(AssertUnwindSafe(body));
            assert!(outcome.is_err());
        })
    };
    assert_eq!(
        panics(&|| drop(map.remove_if(&1, |_, _| std::panic::panic_any(1)))),
        NOTHING
    );
    assert_eq!(
        panics(&|| map.retain(|_, _| std::panic::panic_any(1))),
        NOTHING
    );
}

/// One shard would not do: a map has two at least.
static SHARED: OnceLock<DashMap<u8, String>> = OnceLock::new();

fn is_locked() -> bool {
    SHARED.get().unwrap().inner().try_get_mut(&1).is_locked()
}

#[test]
fn guards_are_entered_and_left_while_the_lock_is_held() {
    let map = SHARED.get_or_init(map);
    let kept = RefCell::new(Vec::new());
    let all = |of: &str, body: &dyn Fn()| {
        let said = said_locked(is_locked, body);
        kept.borrow_mut().push(said[0].clone());
        assert!(
            !said[0].ends_with("locked"),
            "no delay with the lock: {said:?}"
        );
        assert!(said[1] == "enter locked", "{of}: {said:?}");
        assert!(said[2].ends_with("locked"), "{of}: {said:?}");
    };
    all("get", &|| drop(map.get(&1)));
    all("get_mut", &|| map.get_mut(&1).unwrap().push('!'));
    all("map", &|| {
        map.get_mut(&1).unwrap().map(|value| value).push('!');
    });
    all("entry", &|| map.entry(1).or_default().push('!'));
    all("entry", &|| drop(map.entry(1)));
    assert_eq!(kept.borrow().len(), 5);
    // An iterator begins without a lock.
    let said = said_locked(is_locked, || {
        let entry = map.iter_mut().find(|entry| entry.key() == &1);
        entry.unwrap().push('!');
    });
    assert_eq!(said, ["iter_mut (update)", "enter", "write locked"]);
}
