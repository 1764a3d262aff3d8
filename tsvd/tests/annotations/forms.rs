//! The forms in which a contract can be written, and where its operations say they were called.

use std::panic::Location;

use tsvd::__private::{Access, Object};

use crate::recorder::{Entered, record};

fn only<R>(body: impl FnOnce() -> R) -> Entered {
    let (_, log, mut entered) = record(body);
    assert_eq!(entered.len(), 1, "{log:?}");
    entered.remove(0)
}

struct Bag(Vec<u8>);

#[tsvd::contract(crate = crate::recorder, read(len), write(push, r#type), update(swap), role = "owner")]
impl Bag {
    const EMPTY: Self = {
        const NONE: Vec<u8> = Vec::new();
        Self(NONE)
    };

    fn len(&self) -> usize {
        self.0.len()
    }

    fn push(&mut self, value: u8) {
        self.0.push(value);
    }

    fn r#type(&self, r#fn: u8) -> u8 {
        r#fn
    }

    fn swap(&mut self, value: u8) -> Option<u8> {
        let last = self.0.pop();
        self.0.push(value);
        last
    }

    #[tsvd::read(role = "guest", resource = "bags")]
    fn peek(&self) -> Option<&u8> {
        self.0.last()
    }

    fn plain(&self) -> usize {
        self.0.capacity()
    }
}

#[test]
fn sets_name_methods_and_operations_override_the_contract() {
    let mut bag = Bag::EMPTY;
    let push = only(|| bag.push(1)).operation;
    assert_eq!(
        (push.access, push.name, push.role),
        (Access::Write, "push", Some("owner"))
    );
    assert_eq!(push.contract, concat!(module_path!(), "::Bag"));
    assert_eq!(only(|| bag.swap(2)).operation.access, Access::Update);
    assert_eq!(only(|| bag.len()).operation.access, Access::Read);
    assert_eq!(only(|| bag.r#type(1)).operation.name, "type");
    let peek = only(|| bag.peek().copied());
    assert_eq!(peek.operation.role, Some("guest"));
    assert_eq!(peek.object, Object::resource("bags"));
    assert!(record(|| bag.plain()).2.is_empty());
}

struct Conditional;

#[tsvd::contract(crate = crate::recorder)]
impl Conditional {
    #[cfg_attr(all(), inline, tsvd::write(role = "a"), must_use)]
    fn applies(&self) -> u8 {
        1
    }
    #[cfg_attr(any(), tsvd::write, deprecated)]
    fn does_not(&self) -> u8 {
        2
    }
    #[cfg_attr(all(), cfg_attr(any(), tsvd::write))]
    #[cfg_attr(any(), cfg_attr(all(), tsvd::update))]
    #[cfg_attr(all(), cfg_attr(all(), tsvd::read))]
    fn one_of_two(&self) -> u8 {
        3
    }
    #[cfg(any())]
    #[tsvd::read]
    fn absent(&self) -> u8 {
        4
    }
    #[cfg(not(any()))]
    #[crate::recorder::read]
    fn absent(&self) -> u8 {
        5
    }
}

#[test]
fn attributes_behind_cfg_attr_count_where_their_predicate_holds() {
    let it = Conditional;
    assert_eq!(only(|| it.applies()).operation.role, Some("a"));
    assert!(record(|| it.does_not()).2.is_empty());
    assert_eq!(only(|| it.one_of_two()).operation.access, Access::Read);
    assert_eq!(only(|| assert_eq!(it.absent(), 5)).operation.name, "absent");
}

#[tsvd::contract(crate = crate::recorder)]
trait Store {
    type Item;
    const LIMIT: usize = 8;

    #[tsvd::read]
    fn get(&self, index: usize) -> Option<Self::Item>;

    #[tsvd::read]
    fn first(&self) -> Option<Self::Item> {
        self.get(0)
    }

    #[tsvd::write]
    fn reset(self)
    where
        Self: Sized;
}

struct Vector(Vec<u8>);

#[tsvd::contract(crate = crate::recorder)]
impl Store for Vector {
    type Item = u8;

    #[tsvd::read]
    fn get(&self, index: usize) -> Option<u8> {
        self.0.get(index).copied()
    }

    fn reset(self) {}
}

struct Unwatched(&'static Location<'static>);

impl Store for Unwatched {
    type Item = &'static Location<'static>;

    fn get(&self, _: usize) -> Option<&'static Location<'static>> {
        assert_ne!(self.0.line(), Location::caller().line());
        Some(Location::caller())
    }

    fn reset(self) {}
}

#[test]
fn default_methods_are_operations_and_required_ones_hand_on_their_caller() {
    let vector = Vector(vec![4]);
    let (first, _, entered) = record(|| vector.first());
    assert_eq!(first, Some(4));
    assert_eq!(entered.len(), 2);
    assert_eq!(
        entered[0].operation.contract,
        concat!(module_path!(), "::Store")
    );
    assert_eq!(
        entered[1].operation.contract,
        concat!(module_path!(), "::Vector")
    );
    assert_eq!(entered[0].object, entered[1].object);
    let by_name: &dyn Fn(usize) -> Option<u8> = &|index| vector.get(index);
    assert_eq!(only(|| by_name(0)).operation.name, "get");
    let unwatched = Unwatched(Location::caller());
    let line = line!() + 1;
    let seen = unwatched.get(0);
    assert_eq!(seen.map(Location::line), Some(line));
    unwatched.reset();
    vector.reset();
    assert_eq!(<Vector as Store>::LIMIT, 8);
}

struct Counted(u8, std::sync::Arc<u8>);

#[tsvd::contract(crate = crate::recorder)]
impl Drop for Counted {
    #[tsvd::write]
    fn drop(&mut self) {
        self.0 = 0;
    }
}

#[tsvd::contract(crate = crate::recorder, read(clone))]
impl Clone for Counted {
    fn clone(&self) -> Self {
        Self(self.0 + 1, self.1.clone())
    }
}

#[tsvd::contract(crate = crate::recorder)]
impl Extend<u8> for Counted {
    #[tsvd::write]
    fn extend<I: IntoIterator<Item = u8>>(&mut self, iter: I) {
        self.0 += iter.into_iter().count() as u8;
    }
}

struct Closing(std::sync::Arc<u8>);

#[tsvd::contract(crate = crate::recorder, object = self.0)]
impl Drop for Closing {
    #[tsvd::write]
    fn drop(&mut self) {}
}

#[test]
fn methods_of_known_traits_are_operations() {
    let mut counted = Counted(0, Default::default());
    let line = line!() + 1;
    let extend = only(|| counted.extend([1, 2]));
    assert_eq!(extend.site.line(), line);
    let clone = only(|| std::mem::forget(counted.clone()));
    assert_eq!(clone.operation.access, Access::Read);
    assert_eq!(counted.0, 2);
}

#[test]
fn drop_is_reported_at_its_own_line_and_ends_its_object() {
    let counted = Counted(0, Default::default());
    let dropped = only(|| drop(counted));
    assert!(dropped.operation.drops);
    assert_eq!(dropped.site, dropped.operation.definition);
    assert_eq!(dropped.site.file(), file!());
    let closing = Closing(Default::default());
    let dropped = only(|| drop(closing));
    assert!(
        !dropped.operation.drops,
        "what is dropped is a handle of the object"
    );
}

#[tsvd::write(crate = crate::recorder, resource = "environment", key = name)]
fn set(name: &str, value: &str) -> usize {
    name.len() + value.len()
}

#[tsvd::read(crate = crate::recorder, object = of)]
pub(crate) extern "C" fn c_get(of: &u8) -> u8 {
    *of
}

#[test]
fn free_functions_name_their_object() {
    let line = line!() + 1;
    let entered = only(|| assert_eq!(set("a", "bc"), 3));
    assert_eq!((entered.site.file(), entered.site.line()), (file!(), line));
    assert_eq!(entered.object, Object::resource("environment"));
    assert_eq!(entered.operation.contract, module_path!());
    assert!(entered.key.is_some());
    let value = 3;
    let entered = only(|| c_get(&value));
    assert_eq!(entered.object, Object::place(&value));
    assert_eq!(entered.site, entered.operation.definition);
}

struct Located;

#[tsvd::contract(crate = crate::recorder)]
impl Located {
    #[tsvd::read]
    fn here(&self) -> u32 {
        line!()
    }

    #[tsvd::read]
    #[track_caller]
    fn caller(&self) -> &'static Location<'static> {
        Location::caller()
    }

    #[tsvd::read]
    fn own(&self) -> &'static Location<'static> {
        Location::caller()
    }

    #[tsvd::read]
    #[cfg_attr(all(), track_caller)]
    fn conditional(&self) -> &'static Location<'static> {
        Location::caller()
    }
}

#[test]
fn sites_are_the_callers_and_definitions_the_methods_own() {
    let located = Located;
    let (here, _, entered) = record(|| located.here());
    assert_eq!(entered[0].operation.definition.line() + 1, here);
    assert_eq!(entered[0].operation.definition.file(), file!());
    assert!(entered[0].site.line() > here);
    let (caller, _, entered) = record(|| located.caller());
    assert_eq!(
        caller, entered[0].site,
        "a method that handed on its caller still does"
    );
    let (conditional, _, entered) = record(|| located.conditional());
    assert_eq!(conditional, entered[0].site);
    let (own, _, entered) = record(|| located.own());
    assert_eq!(
        own.line(),
        entered[0].operation.definition.line() + 1,
        "others do not start to"
    );
}
