//! A crate as strict as can be, without a prelude, in which `tsvd` has another name. With and without the feature `detect`
//! neither the compiler nor clippy may have anything to say. (`shadow_unrelated` would have of asynchronous operations: their
//! parameters are bound twice under one name, which editors show.)

#![no_implicit_prelude]
#![forbid(
    unsafe_code,
    unused,
    missing_docs,
    unreachable_pub,
    nonstandard_style,
    future_incompatible
)]
#![forbid(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::exhaustive_structs,
    clippy::impl_trait_in_params,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::missing_docs_in_private_items,
    clippy::missing_inline_in_public_items,
    clippy::missing_trait_methods,
    clippy::multiple_inherent_impl,
    clippy::pattern_type_mismatch,
    clippy::ref_patterns,
    clippy::self_named_module_files,
    clippy::shadow_same,
    clippy::std_instead_of_core,
    clippy::question_mark_used,
    clippy::renamed_function_params,
    clippy::same_name_method,
    clippy::single_char_lifetime_names,
    clippy::unwrap_used
)]

/// A stack of numbers.
#[derive(::core::fmt::Debug)]
#[non_exhaustive]
pub struct Stack {
    /// From bottom to top.
    numbers: ::std::vec::Vec<u8>,
    /// Its identity where it moves.
    pub id: ::detector::ObjectId,
}

#[::detector::contract(crate = ::detector, role = "owner")]
impl Stack {
    /// An empty stack.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            numbers: ::std::vec::Vec::new(),
            id: ::detector::ObjectId::new(),
        }
    }

    /// The number on top.
    #[::detector::read]
    #[inline]
    #[must_use]
    pub fn top(&self) -> ::core::option::Option<&u8> {
        self.numbers.last()
    }

    /// The number at `index` from the bottom.
    #[detector::read(key = index)]
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> ::core::option::Option<u8> {
        self.numbers.get(index).copied()
    }

    /// Puts a number on top.
    #[::detector::write(role = "producer")]
    #[inline]
    pub fn push(&mut self, number: u8) {
        self.numbers.push(number);
    }

    /// All numbers.
    #[::detector::read(id = self.id)]
    #[inline]
    pub fn numbers(&self) -> impl ::core::iter::Iterator<Item = &u8> + '_ {
        self.numbers.iter()
    }

    /// The numbers alone.
    #[::detector::update(id = self.id)]
    #[inline]
    #[must_use]
    pub fn into_numbers(self) -> ::std::vec::Vec<u8> {
        self.numbers
    }

    /// The numbers of a shared stack.
    #[::detector::read]
    #[inline]
    #[must_use]
    pub fn shared(self: ::std::sync::Arc<Self>) -> ::std::vec::Vec<u8> {
        ::core::clone::Clone::clone(&self.numbers)
    }

    /// Adds `times` times a number and says how many there are then.
    ///
    /// # Errors
    /// If there are too many.
    #[::detector::write(object = self.numbers)]
    #[inline]
    pub fn repeat(
        &mut self,
        number: u8,
        mut times: usize,
        _unused: (),
    ) -> ::core::result::Result<usize, ::std::string::String> {
        while times > 0 {
            self.numbers.push(number);
            times = times.saturating_sub(1);
        }
        ::core::result::Result::Ok(self.numbers.len())
    }
}

/// Numbers that are waited for.
#[derive(::core::fmt::Debug, ::core::default::Default)]
#[non_exhaustive]
pub struct Later {
    /// From bottom to top.
    numbers: ::std::vec::Vec<u8>,
}

#[::detector::contract(crate = ::detector, thread_safe)]
impl Later {
    /// The number on top.
    #[::detector::read]
    #[inline]
    #[must_use]
    pub async fn later(&self) -> ::core::option::Option<&u8> {
        ::core::future::ready(()).await;
        self.numbers.last()
    }

    /// Puts a number on top, if there is one, and says so.
    ///
    /// # Errors
    /// Never.
    #[::detector::write(key = id, when = |pushed| pushed == &::core::result::Result::Ok(true))]
    #[inline]
    pub async fn push_later(
        &mut self,
        id: &str,
        mut number: ::core::option::Option<u8>,
        _unused: (),
        (_a, _b): (u8, ()),
    ) -> ::core::result::Result<bool, ::std::string::String> {
        ::core::future::ready(()).await;
        let ::core::option::Option::Some(given) = number.take() else {
            return ::core::result::Result::Ok(id.is_empty());
        };
        self.numbers.push(given);
        ::core::result::Result::Ok(true)
    }

    /// Takes all numbers.
    #[::detector::update(when = |taken| !taken.is_empty())]
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> ::std::vec::Vec<u8> {
        ::core::mem::take(&mut self.numbers)
    }

    /// Consumes the stack.
    #[::detector::update]
    #[inline]
    pub async fn close(self: ::std::sync::Arc<Self>) {
        ::core::future::ready(()).await;
    }

    /// Never ends.
    #[::detector::update]
    #[inline]
    pub async fn forever(&self) -> ! {
        loop {
            ::core::future::ready(()).await;
        }
    }

    /// How many there are, as a future.
    #[::detector::read]
    #[inline]
    pub fn count(&self) -> impl ::core::future::Future<Output = usize> + use<> {
        ::core::future::ready(self.numbers.len())
    }

    /// How many there are, as a future in a box.
    #[::detector::read(object = self.numbers)]
    #[inline]
    #[must_use]
    pub fn boxed(
        &self,
    ) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = usize> + '_>> {
        ::std::boxed::Box::pin(async { self.numbers.len() })
    }

    /// Takes the top if there is one.
    #[::detector::expect_atomic(crate = ::detector, strict)]
    #[inline]
    pub fn pop(&mut self, _unused: ()) -> ::core::option::Option<u8> {
        if self.numbers.is_empty() {
            return ::core::option::Option::None;
        }
        self.numbers.pop()
    }

    /// Takes the top if there is one.
    #[::detector::expect_atomic(crate = ::detector)]
    #[inline]
    pub async fn pop_later(&mut self) -> ::core::option::Option<u8> {
        ::core::future::ready(()).await;
        self.numbers.pop()
    }
}

#[::detector::contract(crate = ::detector, read(fmt))]
impl ::core::fmt::Display for Stack {
    #[inline]
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_list().entries(self.numbers.iter()).finish()
    }
}

impl ::core::default::Default for Stack {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

/// The length of a variable of the environment.
#[::detector::write(crate = ::detector, resource = "environment", key = name)]
#[inline]
#[must_use]
pub fn length(name: &str) -> usize {
    ::std::env::var_os(name).map_or(0, |value| value.len())
}
