//! Whole expansions, to be read: each file in `expansions/` has a source, a line `=>`, and what takes its place. Only the
//! instrumented half of the choice is there, since the other is the source without the attributes.
//!
//! They are compared as tokens, so the files are laid out by hand.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::attribute;

/// Expands the attribute at the start of `source`, and gives both halves of the choice.
fn expand(source: &str) -> (String, String) {
    let tokens: TokenStream = source.parse().expect("the source lexes");
    let mut trees = tokens.into_iter();
    let Some(TokenTree::Group(attribute)) = trees.nth(1) else {
        panic!("the attribute comes first")
    };
    let meta: syn::Meta = syn::parse2(attribute.stream()).expect("the attribute is one");
    let arguments = meta
        .require_list()
        .map(|list| list.tokens.clone())
        .unwrap_or_default();
    let item = trees.collect();
    let name = meta
        .path()
        .segments
        .last()
        .map(|name| name.ident.to_string());
    halves(match name.as_deref() {
        Some("contract") => attribute::contract(arguments, item),
        Some("write") => attribute::operation("write", arguments, item),
        Some("expect_atomic") => attribute::region(arguments, item),
        Some("test") => attribute::test(arguments, item),
        other => panic!("unexpected attribute {other:?}"),
    })
}

fn halves(choice: TokenStream) -> (String, String) {
    let mut groups = choice.into_iter().filter_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let both = groups.next().expect("`__select!` has braces");
    let halves: Vec<String> = both
        .into_iter()
        .filter_map(|tree| match tree {
            TokenTree::Group(group) => Some(text(&group.stream().to_string())),
            _ => None,
        })
        .collect();
    let [original, instrumented] = <[String; 2]>::try_from(halves).expect("a choice of two");
    (original, instrumented)
}

/// The tokens of a source, without its layout: white space between punctuation differs with where it came from.
fn text(source: &str) -> String {
    let tokens: TokenStream = source.parse().expect("the source lexes");
    tokens.to_string().split_whitespace().collect()
}

#[track_caller]
fn assert_expansion(file: &str, plain: &str) {
    let (source, expected) = file.split_once("\n=>\n").expect("the file has two parts");
    let (original, instrumented) = expand(source);
    assert_eq!(instrumented, text(expected), "\nexpanded from:\n{source}");
    assert_eq!(original, text(plain));
}

#[test]
fn method() {
    assert_expansion(
        include_str!("expansions/method.txt"),
        "impl<T> Slab<T> { pub fn insert(&self, mut value: T, (a, b): (u8, u8)) -> usize { self.0.push(value) } }",
    );
}

#[test]
fn method_with_key_role_and_place() {
    assert_expansion(
        include_str!("expansions/key.txt"),
        "impl Ring { fn push(&self, id: u8) { } }",
    );
}

#[test]
fn consumed_receiver() {
    assert_expansion(
        include_str!("expansions/consumed.txt"),
        "impl Slab { fn close(self: Box<Self>) { } }",
    );
}

#[test]
fn returned_function() {
    assert_expansion(
        include_str!("expansions/function.txt"),
        "trait Store { fn adder(&self) -> impl Fn(u8) -> u8 { |n| n + 1 } fn get(&self) -> u8; }",
    );
}

#[test]
fn drop_of_the_object() {
    assert_expansion(
        include_str!("expansions/drop.txt"),
        "impl Drop for Slab { fn drop(&mut self) { free() } }",
    );
}

#[test]
fn free_function() {
    assert_expansion(
        include_str!("expansions/free.txt"),
        "pub(crate) fn set(name: &str) -> impl Iterator<Item = u8> { name.bytes() }",
    );
}

#[test]
fn async_method() {
    assert_expansion(
        include_str!("expansions/async.txt"),
        "impl Store for Slab { async fn insert(self: &Arc<Self>, mut value: u8, (a, b): (u8, u8)) -> Result<u8, Error> { self.0.push(value).await } }",
    );
}

#[test]
fn future_in_a_box() {
    assert_expansion(
        include_str!("expansions/future.txt"),
        "impl Slab { fn len(&self) -> BoxFuture<'_, usize> { Box::pin(ready(0)) } fn close(self: Box<Self>) -> impl Future<Output = ()> { async {} } }",
    );
}

#[test]
fn future_that_begins_at_its_first_poll() {
    assert_expansion(
        include_str!("expansions/block.txt"),
        "impl Slab { fn close<'a>(&'a self, value: u8) -> Pin<Box<dyn Future<Output = u8> + Send + 'a>> { Box::pin(async move { if let Some(__ret) = None::<u8> { return __ret; } let __self = self; let value = value; let __ret: u8 = { value + 1 }; __ret }) } fn len(&self) -> impl Future<Output = usize> { async { self.0 } } }",
    );
}

#[test]
fn thread_safe_with_a_look_at_the_result() {
    assert_expansion(
        include_str!("expansions/when.txt"),
        "impl Map { fn insert(&self, id: u8) -> bool { true } async fn take(&self) -> Option<u8> { None } }",
    );
}

#[test]
fn regions() {
    assert_expansion(
        include_str!("expansions/region.txt"),
        "pub fn get_or_insert(map: &Map, id: u8) -> bool { map.get(id) || map.insert(id) }",
    );
    assert_expansion(
        include_str!("expansions/async_region.txt"),
        "async fn state(&self) { }",
    );
}

#[test]
fn tests_in_rounds() {
    assert_expansion(
        include_str!("expansions/test.txt"),
        "#[::core::prelude::v1::test] #[ignore] fn it_works() -> Result<(), Error> { works() }",
    );
    assert_expansion(
        include_str!("expansions/async_test.txt"),
        "#[tokio::test] async fn it_works() { works().await }",
    );
}
