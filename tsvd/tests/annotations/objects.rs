//! On which object an operation is, and how keys and roles refine it.

#![expect(
    clippy::arc_with_non_send_sync,
    clippy::boxed_local,
    clippy::needless_arbitrary_self_type,
    clippy::needless_borrow,
    reason = "what is legal must work, be it good style or not"
)]

use std::cell::Cell;
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use tsvd::__private::Object;
use tsvd::ObjectId;

use crate::recorder::{Entered, log, off, record};

struct Shared(u64);

struct Handle {
    id: ObjectId,
    shared: Arc<Shared>,
    raw: NonNull<Shared>,
    name: String,
}

impl Handle {
    fn new() -> Self {
        let shared = Arc::new(Shared(7));
        let raw = NonNull::from(&*shared);
        Self {
            id: ObjectId::new(),
            shared,
            raw,
            name: "handle".to_owned(),
        }
    }
}

#[tsvd::contract(crate = crate::recorder)]
impl Handle {
    #[tsvd::read]
    fn by_reference(&self) {}
    #[tsvd::write]
    fn by_mutable_reference(&mut self) {}
    #[tsvd::read]
    fn by_typed_reference(self: &Self) {}
    #[tsvd::read]
    fn by_arc_reference(self: &Arc<Self>) {}
    #[tsvd::read]
    fn by_two_references(self: &&Self) {}
    #[tsvd::read]
    fn by_pin(self: Pin<&Self>) {
        log("body");
    }
    #[tsvd::write]
    fn by_mutable_pin(self: Pin<&mut Self>) {}
    #[tsvd::write]
    fn by_box(self: Box<Self>) {
        log("body");
    }
    #[tsvd::write]
    fn by_arc(self: Arc<Self>) {}
    #[tsvd::write]
    fn by_rc(self: Rc<Self>) {}
    #[tsvd::write]
    fn by_pinned_box(self: Pin<Box<Self>>) {}

    #[tsvd::read(object = self.shared)]
    fn shared(&self) {}
    #[tsvd::read(object = &self.shared)]
    fn shared_by_reference(&self) {}
    #[tsvd::read(object = *self.shared)]
    fn shared_by_star(&self) {}
    #[tsvd::read(object = self.raw)]
    fn shared_by_pointer(&self) {}
    #[tsvd::write(object = self.shared)]
    fn shared_by_value(self) {}
    #[tsvd::write(object = self.shared)]
    fn shared_by_box(self: Box<Self>) {
        log("body");
    }
    #[tsvd::write(object = shared)]
    fn of_parameter(shared: &Shared) -> u64 {
        shared.0
    }
    #[tsvd::write(id = self.id)]
    fn by_id(self) {}
    #[tsvd::write(id = &self.id)]
    fn by_id_reference(&self) {}
    #[tsvd::write(resource = "environment")]
    fn by_resource() {}

    #[tsvd::write(key = _key)]
    fn keyed(&self, _key: u64) {}
    #[tsvd::write(key = *key, role = "renamer")]
    fn keyed_by_text(&self, key: &str) {
        let _ = key;
    }
    #[tsvd::write(key = self.name, resource = "file")]
    fn keyed_by_field(&self) {}
    #[tsvd::write(key = (key, &other))]
    fn keyed_by_changed_parameter(&self, mut key: u64, other: Opaque) -> (u64, Opaque) {
        key += 1;
        (key, other)
    }
    #[tsvd::write(key = count(calls))]
    fn counted(&self, calls: &Cell<u32>) -> u32 {
        calls.get()
    }
}

/// A key that is not `Debug`.
#[derive(Hash)]
struct Opaque(u8);

fn count(calls: &Cell<u32>) -> u32 {
    calls.set(calls.get() + 1);
    calls.get()
}

fn only<R>(body: impl FnOnce() -> R) -> (Entered, Vec<String>) {
    let (_, log, mut entered) = record(body);
    assert_eq!(entered.len(), 1);
    (entered.remove(0), log)
}

fn object<R>(body: impl FnOnce() -> R) -> Object {
    only(body).0.object
}

#[test]
fn the_object_is_the_value_behind_self() {
    let mut handle = Handle::new();
    let place = Object::place(&handle);
    assert_eq!(object(|| handle.by_reference()), place);
    assert_eq!(object(|| handle.by_mutable_reference()), place);
    assert_eq!(object(|| handle.by_typed_reference()), place);
    assert_eq!(object(|| (&&handle).by_two_references()), place);
    let (entered, log) = only(|| Pin::new(&handle).by_pin());
    assert_eq!(entered.object, place);
    assert_eq!(log, ["+by_pin", "body", "-by_pin"]);
    assert_eq!(object(|| Pin::new(&mut handle).by_mutable_pin()), place);
    let shared = Arc::new(handle);
    assert_eq!(
        object(|| shared.by_arc_reference()),
        Object::place(&*shared)
    );
}

#[test]
fn an_operation_that_consumes_its_receiver_ends_before_its_body() {
    let boxed = Box::new(Handle::new());
    let place = Object::place(&*boxed);
    let (entered, log) = only(|| boxed.by_box());
    assert_eq!(entered.object, place);
    assert_eq!(log, ["+by_box", "-by_box", "body"]);
    let shared = Arc::new(Handle::new());
    let place = Object::place(&*shared);
    assert_eq!(object(|| shared.by_arc()), place);
    let shared = Rc::new(Handle::new());
    let place = Object::place(&*shared);
    assert_eq!(object(|| shared.by_rc()), place);
    let pinned = Box::pin(Handle::new());
    let place = Object::place(&*pinned);
    assert_eq!(object(|| pinned.by_pinned_box()), place);
}

#[test]
fn a_named_place_is_followed_one_level() {
    let handle = Handle::new();
    let shared = Arc::clone(&handle.shared);
    let place = Object::place(&*shared);
    assert_eq!(object(|| handle.shared()), place);
    assert_eq!(object(|| handle.shared_by_reference()), place);
    assert_eq!(object(|| handle.shared_by_star()), place);
    assert_eq!(object(|| handle.shared_by_pointer()), place);
    assert_eq!(object(|| Handle::of_parameter(&shared)), place);
    assert_eq!(object(|| handle.shared_by_value()), place);
    let boxed = Box::new(Handle::new());
    let place = Object::place(&*boxed.shared);
    let (entered, log) = only(|| boxed.shared_by_box());
    assert_eq!(entered.object, place);
    assert_eq!(
        log,
        ["+shared_by_box", "body", "-shared_by_box"],
        "what is named outlives the receiver"
    );
}

#[test]
fn ids_and_resources_are_known_wherever_the_value_is() {
    let handle = Handle::new();
    let by_reference = object(|| handle.by_id_reference());
    let moved = Box::new(handle);
    assert_eq!(object(|| moved.by_id_reference()), by_reference);
    assert_eq!(object(|| moved.by_id()), by_reference);
    assert_eq!(object(Handle::by_resource), Object::resource("environment"));
}

#[test]
fn keys_are_told_apart_by_their_hash() {
    let handle = Handle::new();
    let key = |key| {
        only(|| handle.keyed(key))
            .0
            .key
            .expect("the operation has a key")
    };
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
    let (by_text, _) = only(|| handle.keyed_by_text("handle"));
    assert_eq!(by_text.operation.role, Some("renamer"));
    let (by_field, _) = only(|| handle.keyed_by_field());
    assert_eq!(by_text.key, by_field.key);
    assert_eq!(by_field.object, Object::resource("file"));
    assert_eq!(only(|| handle.by_reference()).0.key, None);
    let (_, log) = only(|| assert_eq!(handle.keyed_by_changed_parameter(1, Opaque(2)).0, 2));
    assert_eq!(
        log,
        ["+keyed_by_changed_parameter", "-keyed_by_changed_parameter"]
    );
}

#[test]
fn keys_are_evaluated_only_where_something_watches() {
    let handle = Handle::new();
    let calls = Cell::new(0);
    assert_eq!(off(|| handle.counted(&calls)), 0);
    assert_eq!(only(|| handle.counted(&calls)).1, ["+counted", "-counted"]);
    assert_eq!(calls.get(), 1);
}

/// A value that is itself a pointer is the object all the same.
#[derive(Clone, Copy)]
struct Pointer<'a>(&'a u64);

trait Follow {
    fn follow(&self) -> u64;
}

#[tsvd::contract(crate = crate::recorder)]
impl Follow for &u64 {
    #[tsvd::read]
    fn follow(&self) -> u64 {
        **self
    }
}

#[tsvd::contract(crate = crate::recorder, object = self.0)]
impl Pointer<'_> {
    #[tsvd::read]
    fn get(self) -> u64 {
        *self.0
    }
}

#[test]
fn self_is_not_followed_and_handles_are_where_they_say() {
    let value = 5_u64;
    let pointer = &value;
    let (entered, _) = only(|| Follow::follow(&pointer));
    assert_eq!(entered.object, Object::place(&pointer));
    assert_eq!(entered.operation.contract, concat!(module_path!(), "::u64"));
    assert_eq!(object(|| Pointer(&value).get()), Object::place(&value));
}
