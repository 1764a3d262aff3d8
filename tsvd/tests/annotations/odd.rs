//! Odd but legal: names that shadow, many parameters, every kind of generic, bodies of every type.

use std::fmt::{Debug, Display};

use crate::recorder::record;

fn log<R>(body: impl FnOnce() -> R) -> Vec<String> {
    record(body).1
}

mod shadowed {
    #![allow(dead_code, non_camel_case_types, unused_imports)]

    pub(super) enum Option {
        Some(u8),
        None,
    }
    pub(super) use Option::{None, Some};
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) struct Box;
    pub(super) struct usize;
    pub(super) struct str;
    pub(super) trait Drop {
        fn drop(&mut self) {}
    }
    pub(super) fn drop() {}

    pub(super) struct Guard(pub(super) u8);

    #[::tsvd::contract(crate = crate::recorder)]
    impl Guard {
        #[::tsvd::write(key = r#match)]
        pub(super) fn enter(&self, r#match: u8, operation: u8, __tsvd_guard: u8, call1: u8) -> u8 {
            let key = || operation + __tsvd_guard;
            key() + call1 + r#match + self.0
        }
    }
}

#[test]
fn names_of_the_user_may_be_ours_and_the_preludes() {
    assert_eq!(
        log(|| assert_eq!(shadowed::Guard(1).enter(1, 2, 3, 4), 11)),
        ["+enter", "-enter"]
    );
}

struct Many<'a, T: ?Sized, const N: usize> {
    text: &'a str,
    array: [u8; N],
    value: Box<T>,
}

#[tsvd::contract(crate = crate::recorder)]
impl<'a, T: ?Sized + Debug, const N: usize> Many<'a, T, N>
where
    T: Send,
{
    #![allow(clippy::too_many_arguments)]

    #[tsvd::write]
    fn twelve(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> u8 {
        a + b + c + d + e + f + g + h + i + j + k + l
    }

    #[tsvd::write]
    fn fourteen(
        &mut self,
        a: &mut u8,
        (b, _): (u8, u8),
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: impl Into<u8>,
        _: &str,
    ) -> &mut [u8; N] {
        *a += b + c + d + e + f + g + h + i + j + k + l + m.into();
        self.array[0] = *a;
        &mut self.array
    }

    #[tsvd::read]
    fn text(&self) -> &'a str {
        self.text
    }

    #[tsvd::read]
    fn either<'b>(&self, other: &'b str) -> &'b str
    where
        'a: 'b,
    {
        if other.is_empty() { self.text } else { other }
    }

    #[tsvd::read]
    fn show<D: Display + ?Sized>(&self, prefix: &D) -> String {
        format!("{prefix}{:?}{}", self.value, self.array.len())
    }

    #[tsvd::read]
    fn bytes(&self) -> impl DoubleEndedIterator<Item = &u8> + '_ {
        self.array.iter().rev()
    }

    #[tsvd::read]
    fn maybe(&self) -> Option<impl Iterator<Item = u8> + '_> {
        if N == 0 {
            return None;
        }
        Some(self.array.iter().map(|byte| byte + 1))
    }

    #[tsvd::read]
    fn adder(&self) -> impl Fn(&u8) -> u8 + '_ {
        move |byte| byte + self.array[0]
    }

    #[tsvd::read]
    fn dynamic(&self) -> Box<dyn Fn(&u8) -> u8 + '_> {
        Box::new(move |byte| byte + self.array[0])
    }

    #[tsvd::read]
    fn display(&self, long: bool) -> Box<dyn Display + 'a> {
        if long {
            return Box::new(self.text.to_owned());
        }
        Box::new(self.text)
    }

    #[tsvd::read]
    fn never(&self, value: u8) -> ! {
        std::panic::resume_unwind(Box::new(value))
    }

    #[tsvd::update]
    fn recursive(&self, depth: u8) -> u8 {
        if depth == 0 {
            0
        } else {
            self.recursive(depth - 1) + 1
        }
    }

    #[tsvd::write(key = byte)]
    unsafe fn raw(&self, byte: *const u8) -> u8 {
        // SAFETY: the caller's pointer is to a byte that is alive.
        unsafe { *byte }
    }

    #[tsvd::read]
    extern "C" fn c(&self, byte: u8) -> u8 {
        byte
    }

    #[tsvd::read]
    extern "Rust" fn rust(&self, #[allow(unused_variables)] byte: u8) -> u8 {
        #![allow(unused_mut)]
        let mut ones = [1, 1];
        ones[0]
    }

    #[tsvd::read]
    fn nothing(&self) {}

    #[tsvd::read]
    fn items(&self) -> u8 {
        const ONE: u8 = 1;
        fn two() -> u8 {
            2
        }
        ONE + two()
    }
}

fn many() -> Many<'static, [u8], 3> {
    Many {
        text: "text",
        array: [1, 2, 3],
        value: Box::new([9]),
    }
}

#[test]
fn parameters_of_any_number_and_kind() {
    let mut many = many();
    assert_eq!(many.twelve(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 12);
    let mut a = 1;
    let array = many.fourteen(&mut a, (1, 1), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1_u8, "");
    array[1] = 0;
    assert_eq!((a, many.array), (13, [13, 0, 3]));
}

#[test]
fn results_of_any_kind() {
    let many = many();
    let text = { many.text() };
    assert_eq!(text, many.either(""));
    assert_eq!(many.show("x"), "x[9]3");
    assert_eq!(many.bytes().next(), Some(&3));
    assert_eq!(many.maybe().map(Iterator::count), Some(3));
    assert_eq!((many.adder()(&1), many.dynamic()(&1)), (2, 2));
    assert_eq!(
        many.display(true).to_string(),
        many.display(false).to_string()
    );
    assert_eq!((many.c(4), many.rust(5), many.items()), (4, 1, 3));
    many.nothing();
    // SAFETY: the pointer is to a value that is alive.
    assert_eq!(unsafe { many.raw(&7) }, 7);
    assert_eq!(
        log(|| many.recursive(1)),
        ["+recursive", "+recursive", "-recursive", "-recursive"]
    );
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| many.never(5)));
    assert_eq!(caught.unwrap_err().downcast_ref::<u8>(), Some(&5));
}

macro_rules! declare {
    ($(#[$attribute:meta])* $name:ident, $body:block, $item:item) => {
        struct $name(u8);

        $(#[$attribute])*
        impl $name {
            #[tsvd::read]
            fn get(&self) -> u8 $body

            #[tsvd::write]
            fn set(&mut self, value: u8) {
                self.0 = value;
            }
        }

        #[tsvd::contract(crate = $crate::recorder)]
        impl $name {
            #[$crate::recorder::read]
            fn twice(&self) -> u8 {
                self.0 * 2
            }
        }

        #[tsvd::contract(crate = crate::recorder, read(item))]
        $item
    };
}

declare! {
    #[tsvd::contract(crate = crate::recorder)]
    Made, { 5 }, impl Made { fn item(&self) -> u8 { self.0 } }
}

#[test]
fn items_may_come_from_macros() {
    let mut made = Made(1);
    made.set(3);
    assert_eq!(log(|| assert_eq!(made.twice(), 6)), ["+twice", "-twice"]);
    assert_eq!(
        log(|| assert_eq!((made.get(), made.item()), (5, 3))),
        ["+get", "-get", "+item", "-item"]
    );
}

/// A function that is annotated where statements are.
#[test]
fn items_in_bodies_can_be_operations() {
    #[tsvd::write(crate = crate::recorder, resource = "local")]
    fn local() -> u8 {
        1
    }
    struct Local;
    #[tsvd::contract(crate = crate::recorder, read(get))]
    impl Local {
        fn get(&self) -> u8 {
            2
        }
    }
    assert_eq!(
        log(|| local() + Local.get()),
        ["+local", "-local", "+get", "-get"]
    );
}

#[tsvd::contract(crate = crate::recorder)]
trait Object {
    #[tsvd::read]
    fn size(&self) -> usize {
        size_of_val(self)
    }

    #[tsvd::write]
    fn close(self: Box<Self>, by: &str) -> usize {
        self.size() + by.len()
    }

    #[tsvd::write]
    fn get_or_insert<'a>(&'a mut self, values: &'a mut Vec<u8>) -> Result<&'a mut u8, String>
    where
        Self: Sized,
    {
        if values.is_empty() {
            values.push("7".parse().map_err(|_| "no number")?);
        }
        values.first_mut().ok_or_else(String::new)
    }

    #[tsvd::read]
    fn numbers(
        &self,
        text: &str,
    ) -> Result<impl Iterator<Item = u8> + use<Self>, std::num::ParseIntError>
    where
        Self: Sized,
    {
        let first: u8 = text.parse()?;
        Ok(std::iter::once(first))
    }
}

impl Object for u32 {}

#[test]
fn default_methods_may_be_called_on_trait_objects() {
    let object: Box<dyn Object> = Box::new(5_u32);
    assert_eq!(
        log(|| assert_eq!(object.close("me"), 6)),
        ["+close", "-close", "+size", "-size"]
    );
    let mut values = Vec::new();
    assert_eq!(5_u32.get_or_insert(&mut values), Ok(&mut 7));
    assert_eq!(5_u32.numbers("3").map(Iterator::sum), Ok(3_u8));
    assert!(5_u32.numbers("").is_err());
}

#[tsvd::read(crate = crate::recorder, object = of)]
#[inline(never)]
#[must_use]
#[doc = "Attributes of functions stay."]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
unsafe fn featured(of: &u8) -> u8 {
    *of
}

#[tsvd::read(crate = crate::recorder, object = of)]
#[cfg_attr(all(), inline)]
pub(crate) unsafe extern "C" fn exported(of: *const u8) -> bool {
    of.is_null()
}

#[test]
fn attributes_of_functions_stay() {
    // SAFETY: every x86_64 has SSE2, and no pointer is followed.
    unsafe {
        assert_eq!(featured(&4), 4);
        assert!(exported(std::ptr::null()));
    }
}
