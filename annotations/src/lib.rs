//! The attribute macros of `tsvd`: use them through that crate, which re-exports them.
//!
//! An attribute emits both the user's item and an instrumented one, and leaves the choice to `tsvd::__select!`, a
//! `macro_rules!` that exists in one version per mode: so a crate's mode is decided in one place, and off is the user's own
//! tokens. Without the feature `expand` the attributes only take themselves off, with `proc_macro` alone (`strip`).
//!
//! From the attribute to its expansion: `args` parses what is in the parentheses, `model` reads the item, `validate` refuses
//! what cannot be done, `expand` prints (and `call` the body); `attribute` puts them in this order. Bodies are never parsed.
//! Everything that is wrong is reported at once, each at the token it is about, and the item is emitted as if it bore no
//! attribute.

use proc_macro::TokenStream;

#[cfg(feature = "expand")]
mod args;
#[cfg(feature = "expand")]
mod attribute;
#[cfg(feature = "expand")]
mod call;
#[cfg(feature = "expand")]
mod errors;
#[cfg(feature = "expand")]
mod expand;
#[cfg(all(test, feature = "expand"))]
mod expansions;
#[cfg(feature = "expand")]
mod model;
#[cfg(feature = "expand")]
mod operation;
#[cfg(feature = "expand")]
mod receiver;
mod strip;
#[cfg(feature = "expand")]
mod validate;

/// Declares which methods of an impl block or trait read their object and which write it.
///
/// The methods are marked with [`macro@read`], [`macro@write`] or [`macro@update`], or named in sets. Both forms may be
/// mixed, but a method is one operation.
///
/// ```
/// struct Slab<T>(Vec<T>);
///
/// #[tsvd::contract]
/// impl<T> Slab<T> {
///     #[tsvd::read]
///     fn get(&self, index: usize) -> Option<&T> {
///         self.0.get(index)
///     }
///
///     #[tsvd::write]
///     fn insert(&mut self, value: T) -> usize {
///         self.0.push(value);
///         self.0.len() - 1
///     }
/// }
///
/// #[tsvd::contract(read(clone))]
/// impl<T: Clone> Clone for Slab<T> {
///     fn clone(&self) -> Self {
///         Self(self.0.clone())
///     }
/// }
/// # let mut slab = Slab(vec![1]);
/// # assert_eq!(slab.clone().insert(2), 1);
/// # assert_eq!(slab.get(0), Some(&1));
/// ```
///
/// # Arguments
///
/// | Argument | Meaning |
/// |---|---|
/// | `read(a, b)`, `write(a, b)`, `update(a, b)` | these methods are operations, as if each had the attribute |
/// | `object = place` | the object is what is at `place`, not the value behind `self` |
/// | `resource = "name"` | the object is something outside memory, one of that name per process |
/// | `id = place` | the object is known by the `tsvd::ObjectId` at `place`, wherever it moves |
/// | `key = expression` | only operations with an equal key, or without one, can conflict |
/// | `role = "name"` | only operations of the same role, or without one, can conflict |
/// | `crate = path` | what `tsvd` is called in this crate |
///
/// All but the sets hold for every operation of the block; an operation's own argument takes precedence. At most one of
/// `object`, `resource` and `id` may be given. Places and keys may use `self` and parameters, are evaluated before the body,
/// and only where something watches. A pointer at `place` (`Arc`, `Rc`, `Box`, `Pin`, references, raw pointers, `NonNull`) is
/// followed one level; a leading `&` means nothing. Keys are told apart by their `Hash`.
///
/// ```
/// use std::sync::Arc;
///
/// struct Sender(Arc<Vec<u8>>);
///
/// // Sender and receiver act on one queue; two senders conflict, a sender and a receiver do not.
/// #[tsvd::contract(object = self.0, role = "producer")]
/// impl Sender {
///     #[tsvd::write]
///     fn send(&self, value: u8) {
///         // …
///     }
///
///     #[tsvd::read(key = index)]
///     fn peek(&self, index: usize) -> Option<u8> {
///         self.0.get(index).copied()
///     }
/// }
/// # let sender = Sender(Arc::new(vec![1]));
/// # sender.send(2);
/// # assert_eq!(sender.peek(0), Some(1));
/// ```
///
/// # What is in flight, and when
///
/// An operation is in flight from before its body until after the body's locals and parameters are dropped. One that consumes
/// its receiver (`self: Box<Self>`, `self: Arc<Self>` and the like) is in flight for its check and delay only, unless `object`,
/// `resource` or `id` names something that outlives it. It is reported at the line of its caller; `Drop::drop` and functions
/// of another ABI, whose caller cannot be known, at their own line.
///
/// Default methods of a trait are operations like any other. A method that a trait requires only hands on its caller: what it
/// acts on is said where it is implemented.
///
/// # Refused
///
/// `const fn`, `async fn` and functions that visibly return a future, C-variadic functions, conditional parameters; `self` by
/// value and functions without `self`, unless `object`, `resource` or `id` is given; a key or place that uses a name bound by a
/// parameter's pattern; a name in a set that is no method of the block; a block without any operation; a place above
/// `#[async_trait]`: put `contract` below it.
#[proc_macro_attribute]
pub fn contract(arguments: TokenStream, item: TokenStream) -> TokenStream {
    #[cfg(feature = "expand")]
    return attribute::contract(arguments.into(), item.into()).into();
    #[cfg(not(feature = "expand"))]
    return strip::contract(arguments, item);
}

/// Marks an operation that reads its object: it may be in flight beside other reads, and beside nothing else.
///
/// On a method it needs [`macro@contract`] on the impl block or trait, which knows it by its own name: `read`, `tsvd::read`, or
/// below the path given as `crate = path`, also inside `cfg_attr`. On a free function it stands alone, and says which object it
/// acts on.
///
/// ```
/// #[tsvd::read(resource = "environment", key = name)]
/// fn variable(name: &str) -> Option<String> {
///     std::env::var(name).ok()
/// }
/// # variable("PATH");
/// ```
///
/// The arguments are those of [`macro@contract`], without the sets. The same functions are refused, and a method
/// outside of a contract.
#[proc_macro_attribute]
pub fn read(arguments: TokenStream, item: TokenStream) -> TokenStream {
    operation("read", arguments, item)
}

/// Marks an operation that writes its object: nothing else may be in flight on it.
///
/// ```
/// use std::sync::Arc;
///
/// #[tsvd::write(object = log, key = line.len())]
/// fn append(log: &Arc<Vec<String>>, line: &str) {
///     // …
/// }
/// # append(&Arc::new(Vec::new()), "line");
/// ```
///
/// Where it may stand, its arguments, and what is refused: see [`macro@read`].
#[proc_macro_attribute]
pub fn write(arguments: TokenStream, item: TokenStream) -> TokenStream {
    operation("write", arguments, item)
}

/// Marks an operation that reads its object and writes it in one step (`swap`, `fetch_add`, remove and return): a write to
/// other operations, and both a read and a write where the order of accesses counts.
///
/// ```
/// struct Counter(u64);
///
/// #[tsvd::contract]
/// impl Counter {
///     #[tsvd::update]
///     fn increment(&mut self) -> u64 {
///         self.0 += 1;
///         self.0
///     }
/// }
/// # assert_eq!(Counter(1).increment(), 2);
/// ```
///
/// Where it may stand, its arguments, and what is refused: see [`macro@read`].
#[proc_macro_attribute]
pub fn update(arguments: TokenStream, item: TokenStream) -> TokenStream {
    operation("update", arguments, item)
}

#[cfg(feature = "expand")]
fn operation(name: &'static str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute::operation(name, arguments.into(), item.into()).into()
}

/// Without the feature `expand` the item stays as it is.
#[cfg(not(feature = "expand"))]
fn operation(_name: &str, _arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
