//! Planted violations, by what makes the two calls meet: each is found in a process of its own and asserted on what the
//! report says.

#![cfg(not(loom))]

mod process;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use process::found;
use tsvd::report::{DetectedBy, Kind, ObjectKind, Violation};

const ROUNDS: usize = 200;

fn work() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(200) {
        std::hint::spin_loop();
    }
}

fn both(left: impl Fn() + Send, right: impl Fn()) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let start = &start;
        scope.spawn(move || {
            start.wait();
            (0..ROUNDS).for_each(|_| {
                left();
                work();
            });
        });
        start.wait();
        (0..ROUNDS).for_each(|_| {
            right();
            work();
        });
    });
}

/// The operations of both parties, sorted.
fn operations(violation: &Violation) -> [&str; 2] {
    let mut names = [
        violation.first.operation.as_str(),
        violation.second.operation.as_str(),
    ];
    names.sort_unstable();
    names
}

struct Store(AtomicU64);

#[tsvd::contract(read(get), write(insert, slow))]
impl Store {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn get(&self) {
        std::hint::black_box(self.0.load(Relaxed));
    }

    fn insert(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn slow(&self) {
        #[expect(clippy::disallowed_methods, reason = "a body that is slow")]
        thread::sleep(Duration::from_millis(3));
    }

    #[tsvd::write(key = key)]
    fn refresh(&self, key: u32) {
        std::hint::black_box(key);
    }

    #[tsvd::write(key = name)]
    fn rename(&self, name: &Name) {
        std::hint::black_box(name.0);
    }

    #[tsvd::write(role = "producer")]
    fn push(&self) {}

    #[tsvd::update(role = "consumer")]
    fn pop(&self) {}
}

/// A key that cannot be shown.
#[derive(PartialEq, Eq, Hash)]
struct Name(u32);

#[test]
fn a_read_and_a_write_with_both_sites_and_stacks() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(|| store.insert(), || store.get());
    }) else {
        return;
    };
    assert_eq!(violation.kind, Kind::ReadWrite);
    assert_eq!(operations(&violation), ["get", "insert"]);
    assert_eq!(violation.object.kind, ObjectKind::Place);
    assert_eq!(violation.object.r#type.as_deref(), Some("found::Store"));
    assert!(violation.object.address.is_some());
    for party in [&violation.first, &violation.second] {
        assert_eq!(party.contract, "found::Store");
        assert_eq!(party.site.file, "tsvd/tests/found.rs");
        let line = line_of("both(|| store.insert(), || store.get())");
        assert_eq!(party.site.line, line);
        let functions: Vec<_> = party
            .stack
            .iter()
            .map(|frame| frame.function.as_str())
            .collect();
        assert!(
            functions[0].ends_with(&format!("Store::{}", party.operation)),
            "{functions:?}"
        );
        assert!(
            functions
                .iter()
                .any(|function| function.contains("a_read_and_a_write_with_both_sites")),
            "{functions:?}"
        );
        assert!(
            !functions
                .iter()
                .any(|function| function.starts_with("tsvd::")),
            "{functions:?}"
        );
    }
    assert_ne!(
        violation.first.context.thread_id,
        violation.second.context.thread_id
    );
}

/// The first line of this file that has `text`.
fn line_of(text: &str) -> u32 {
    include_str!("found.rs")
        .lines()
        .position(|line| line.contains(text))
        .expect("the line") as u32
        + 1
}

#[test]
fn a_write_inside_its_body_when_the_other_calls() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(|| store.slow(), || store.get());
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["get", "slow"]);
    // Whichever is held; when `get` is, `slow` is inside its body nearly all the time.
    if violation.detected_by == DetectedBy::Overlap {
        assert_eq!(violation.first.operation, "slow");
        assert!(violation.second.delayed_ms > 0.0);
        assert!(
            !violation.first.stack.is_empty(),
            "it leaves its stack on its way out"
        );
    }
}

#[test]
fn one_call_site_against_itself() {
    let Some(violation) = found(|| {
        let store = Store::new();
        let insert = || store.insert();
        both(insert, insert);
    }) else {
        return;
    };
    assert_eq!(violation.kind, Kind::WriteWrite);
    assert_eq!(violation.first.site, violation.second.site);
}

#[test]
fn one_key_is_shown_and_another_is_no_conflict() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(
            || {
                store.refresh(1);
                store.refresh(7)
            },
            || {
                store.refresh(2);
                store.refresh(7)
            },
        );
    }) else {
        return;
    };
    assert_eq!(violation.object.key.as_deref(), Some("7"));
    assert_eq!(operations(&violation), ["refresh", "refresh"]);
}

#[test]
fn a_key_meets_an_operation_without_key() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(|| store.refresh(1), || store.insert());
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["insert", "refresh"]);
    assert_eq!(violation.object.key.as_deref(), Some("1"));
}

#[test]
fn a_key_without_debug_is_compared_and_not_shown() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(|| store.rename(&Name(1)), || store.rename(&Name(1)));
    }) else {
        return;
    };
    assert_eq!(violation.object.key, None);
}

#[test]
fn two_of_one_role() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(
            || store.push(),
            || {
                store.push();
                store.pop()
            },
        );
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["push", "push"]);
    assert_eq!(violation.first.role.as_deref(), Some("producer"));
}

struct Handle {
    number: u32,
    shared: Arc<u64>,
    id: tsvd::ObjectId,
}

#[tsvd::contract]
impl Handle {
    #[tsvd::write(resource = "printer")]
    fn print(&self) {
        std::hint::black_box(self.number);
    }

    #[tsvd::write(object = self.shared)]
    fn through(&self) {}

    #[tsvd::write(id = self.id)]
    fn moved(&self) {}
}

fn handle(number: u32, shared: &Arc<u64>) -> Handle {
    Handle {
        number,
        shared: Arc::clone(shared),
        id: tsvd::ObjectId::new(),
    }
}

#[test]
fn a_resource_through_two_objects() {
    let Some(violation) = found(|| {
        let shared = Arc::new(0);
        let (left, right) = (handle(1, &shared), handle(2, &shared));
        both(|| left.print(), || right.print());
    }) else {
        return;
    };
    assert_eq!(violation.object.kind, ObjectKind::Resource);
    assert_eq!(violation.object.name.as_deref(), Some("printer"));
}

#[test]
fn a_shared_part_through_two_handles() {
    let Some(violation) = found(|| {
        let shared = Arc::new(0);
        let (left, right) = (handle(1, &shared), handle(2, &shared));
        both(|| left.through(), || right.through());
    }) else {
        return;
    };
    assert_eq!(violation.object.r#type.as_deref(), Some("u64"));
}

#[test]
fn an_id_wherever_the_value_is() {
    let Some(violation) = found(|| {
        let shared = Arc::new(0);
        // Both threads reach the value by a copy of its bits, as C code does that moves a handle.
        let here = std::mem::ManuallyDrop::new(handle(1, &shared));
        here.moved();
        // SAFETY: neither copy is dropped while the other is used.
        let there = std::mem::ManuallyDrop::new(unsafe { std::ptr::read(&raw const *here) });
        both(|| here.moved(), || there.moved());
    }) else {
        return;
    };
    assert_eq!(violation.object.kind, ObjectKind::Id);
}

#[test]
fn a_scope_against_a_method() {
    let Some(violation) = found(|| {
        let store = Store::new();
        both(
            || {
                let _op = tsvd::scope(&store).read();
                work();
            },
            || store.insert(),
        );
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["insert", "scope"]);
    assert_eq!(violation.kind, Kind::ReadWrite);
}

#[test]
fn closures_of_reading_and_writing() {
    let Some(violation) = found(|| {
        let map = HashMap::from([(1, 2)]);
        both(|| tsvd::reading(&map, work), || tsvd::writing(&map, work));
    }) else {
        return;
    };
    assert_eq!(violation.kind, Kind::ReadWrite);
    assert!(
        violation
            .object
            .r#type
            .is_some_and(|name| name.contains("HashMap"))
    );
}

#[test]
fn a_cell_of_the_crate() {
    struct Shared(tsvd::cell::UnsafeCell<u64>);
    // SAFETY: the closures do not touch the value.
    unsafe impl Sync for Shared {}
    let Some(violation) = found(|| {
        let shared = Shared(tsvd::cell::UnsafeCell::new(0));
        let shared = &shared;
        both(
            move || shared.0.with(|_| ()),
            move || shared.0.with_mut(|_| ()),
        );
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["with", "with_mut"]);
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

#[tsvd::contract]
impl Clone for Store {
    #[tsvd::read]
    fn clone(&self) -> Self {
        Self::new()
    }
}

#[tsvd::contract]
impl Extend<u64> for &Store {
    #[tsvd::write(object = **self)]
    fn extend<I: IntoIterator<Item = u64>>(&mut self, values: I) {
        values.into_iter().for_each(drop);
    }
}

#[test]
fn trait_methods_called_by_library_code_name_the_users_line() {
    let Some(violation) = found(|| {
        let store = Some(Store::new());
        let store = store.as_ref();
        both(
            move || drop(store.cloned()),
            move || {
                let mut store = store.expect("it is there");
                store.extend([1]);
            },
        );
    }) else {
        return;
    };
    assert_eq!(operations(&violation), ["clone", "extend"]);
    let clone = [&violation.first, &violation.second]
        .into_iter()
        .find(|party| party.operation == "clone")
        .unwrap();
    assert_eq!(
        (clone.site.file.as_str(), clone.site.line),
        ("tsvd/tests/found.rs", line_of("drop(store.cloned())"))
    );
}

#[derive(Debug)]
struct Fold(u32);

impl PartialEq for Fold {
    fn eq(&self, other: &Self) -> bool {
        self.0 % 10 == other.0 % 10
    }
}

impl Eq for Fold {}

impl Hash for Fold {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 % 10).hash(state);
    }
}

#[tsvd::write(resource = "rows", key = row)]
fn update_row(row: Fold) {
    std::hint::black_box(row.0);
}

#[test]
fn a_free_function_and_keys_that_are_equal_but_look_different() {
    let Some(violation) = found(|| both(|| update_row(Fold(3)), || update_row(Fold(13)))) else {
        return;
    };
    assert_eq!(violation.first.contract, "found");
    let key = violation.object.key.expect("keys are shown");
    assert!(key.contains("Fold(3)") && key.contains("Fold(13)"), "{key}");
}
