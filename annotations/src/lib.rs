//! The attribute macros of `tsvd`: use them through that crate, which re-exports them.
//!
//! An attribute emits both the user's item and an instrumented one, and leaves the choice to `tsvd::__select!`, a
//! `macro_rules!` that exists in one version per mode: so a crate's mode is decided in one place, and off is the user's own
//! tokens. Without the feature `expand` the attributes only take themselves off, with `proc_macro` alone (`strip`).
//!
//! From the attribute to its expansion: `args` parses what is in the parentheses, `model` reads the item, `validate` refuses
//! what cannot be done, `expand` prints (with `flight` what is in flight, with `call` and `future` the body); `attribute` puts
//! them in this order. Bodies are never parsed.
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
mod flight;
#[cfg(feature = "expand")]
mod future;
#[cfg(feature = "expand")]
mod model;
#[cfg(feature = "expand")]
mod operation;
#[cfg(feature = "expand")]
mod receiver;
mod strip;
#[cfg(feature = "expand")]
mod testing;
#[cfg(feature = "expand")]
mod validate;
#[cfg(feature = "expand")]
mod values;

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
/// | `thread_safe` | the calls may overlap: see [below](#thread-safe-contracts) |
/// | `crate = path` | what `tsvd` is called in this crate |
///
/// All but the sets hold for every operation of the block; an operation's own argument takes precedence. An operation takes
/// the same but `thread_safe` and the sets, and three more: `when` ([below](#thread-safe-contracts)), `future` and `call`
/// ([below](#futures)). At most one of
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
/// An operation is in flight from before its body until after the body's locals are dropped, and no more when its parameters
/// are: one of these may be the guard of the lock, the permit or the transaction that keeps the next call away. One that consumes
/// its receiver (`self: Box<Self>`, `self: Arc<Self>` and the like) is in flight for its check and delay only, unless `object`,
/// `resource` or `id` names something that outlives it. It is reported at the line of its caller; `Drop::drop` and functions
/// of another ABI, whose caller cannot be known, at their own line.
///
/// Default methods of a trait are operations like any other. A method that a trait requires only hands on its caller: what it
/// acts on is said where it is implemented.
///
/// # Futures
///
/// An `async fn` is in flight from its first poll until it completes, but for the drop of its parameters, or is dropped, on
/// whatever threads, and is reported at the line of the call, wherever it is awaited. Places and keys are evaluated at the first poll. What the function captures,
/// whether its future can be sent, and when what is dropped stays as it is.
///
/// So it is with a function that visibly returns a future (`impl Future`, `BoxFuture`, `LocalBoxFuture`,
/// `Pin<Box<dyn Future>>`), but that its body, its places and keys are evaluated at the call, that what the future owns is
/// dropped within the operation, and that it is never delayed: found against others only. If the body is nothing but
/// `Box::pin(async move { … })`, as `#[async_trait]` writes it, or the block alone, nothing has begun before the first poll, and
/// it is delayed, and ends before its parameters are dropped, as an `async fn` is and does. Where the return type does not
/// show it, `future` says so: `#[tsvd::write(future)]`; it must be an `impl` or a box. With `call` the call alone is in flight,
/// and what it returns is nobody's matter.
///
/// A future that does not borrow the object may outlive it, and another object then have its address. So a box whose type shows
/// no lifetime (`Pin<Box<dyn Future + Send>>`, `BoxFuture<'static, T>`) counts as with `call`, unless `future` or one of `object`,
/// `resource` and `id` is given. With `future` it is promised that the object outlives the future. That an `impl Future` does is
/// taken for granted: in editions before 2024 one without `+ '_` does not borrow, nor does one with `use<>` or `+ 'static`, and
/// wants `call` where the object may go first.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
///
/// struct Cache(Vec<u8>);
///
/// #[tsvd::contract]
/// impl Cache {
///     #[tsvd::read]
///     async fn get(&self, index: usize) -> Option<u8> {
///         self.0.get(index).copied()
///     }
///
///     #[tsvd::write]
///     fn load(&mut self) -> impl Future<Output = usize> {
///         async { self.0.len() }
///     }
///
///     #[tsvd::write(future)]
///     fn clear(&mut self) -> Response {
///         self.0.clear();
///         Box::pin(async {})
///     }
/// }
///
/// type Response = Pin<Box<dyn Future<Output = ()>>>;
/// # drop(Cache(vec![1]).load());
/// # drop(Cache(vec![1]).get(0));
/// # drop(Cache(vec![1]).clear());
/// ```
///
/// A closure that an `async fn` returns as `impl Fn` has to name the types of its parameters. On an `async fn`, `#[must_use]`
/// is not looked at while operations are watched, and another attribute macro sees a function that returns `impl Future`: on a
/// free function such a one stands above, as in `#[tokio::main] #[tsvd::write(…)]`. `contract` stands below `#[async_trait]`, and sees the methods as that has
/// rewritten them.
///
/// # Thread-safe contracts
///
/// Under `contract(thread_safe)` calls may overlap: the type takes care of itself, as a concurrent map does. Its operations
/// conflict with *regions* only, see [`macro@expect_atomic`]. There it counts whether a call really wrote: `when` says so of
/// the value that was returned. It is a function of a reference to that value (of a future's output), and may be given in
/// every contract. Of a thread-safe one, a call that did not write is as a compare-and-swap that fails: it has looked, and is no
/// call to a region of another context, for it changed nothing and told no more than that.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::Mutex;
///
/// struct Sessions(Mutex<HashSet<u64>>);
///
/// #[tsvd::contract(thread_safe)]
/// impl Sessions {
///     #[tsvd::read(key = id)]
///     fn contains(&self, id: u64) -> bool {
///         self.0.lock().unwrap().contains(&id)
///     }
///
///     #[tsvd::update(key = id, when = |is_new| *is_new)]
///     fn insert(&self, id: u64) -> bool {
///         self.0.lock().unwrap().insert(id)
///     }
/// }
/// # let sessions = Sessions(Default::default());
/// # assert!(sessions.insert(1) && sessions.contains(1));
/// ```
///
/// # Refused
///
/// `const fn`, C-variadic functions, conditional parameters; `self` by value and functions without `self`, unless `object`,
/// `resource` or `id` is given; a key or place that uses a name bound by a parameter's pattern; `when` where the object may be
/// gone, on a function that is `#[track_caller]` itself or returns `impl Fn`; an `impl Future` that promises other traits than
/// `Send`, `Sync` and `Unpin`; a name in a set that is no method of the block; a block without any operation; a place above
/// `#[async_trait]`.
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
/// The arguments are those of [`macro@contract`], without the sets and `thread_safe`, and `future` and `call`. The same
/// functions are refused, and a method outside of a contract.
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
/// Where it may stand, its arguments, and what is refused: see [`macro@read`]. It has one more argument,
/// [`when`](macro@contract#thread-safe-contracts).
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
/// Where it may stand, its arguments, and what is refused: see [`macro@write`].
#[proc_macro_attribute]
pub fn update(arguments: TokenStream, item: TokenStream) -> TokenStream {
    operation("update", arguments, item)
}

/// Says that what a function reads of an object stays true while it acts on it: the function is a *region*.
///
/// It checks this, it does not lock. What the region calls are operations of contracts, mostly of
/// [thread-safe](macro@contract#thread-safe-contracts) ones. Between its first and its last operation on an object, an
/// operation of another context that can be put neither before nor after the region is a violation: somebody else inserts
/// between `contains` and `insert`.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::Mutex;
///
/// struct Sessions(Mutex<HashSet<u64>>);
///
/// #[tsvd::contract(thread_safe)]
/// impl Sessions {
///     #[tsvd::read(key = id)]
///     fn contains(&self, id: u64) -> bool {
///         self.0.lock().unwrap().contains(&id)
///     }
///
///     #[tsvd::update(key = id, when = |is_new| *is_new)]
///     fn insert(&self, id: u64) -> bool {
///         self.0.lock().unwrap().insert(id)
///     }
///
///     #[tsvd::expect_atomic]
///     fn open(&self, id: u64) {
///         if !self.contains(id) {
///             assert!(self.insert(id), "opened twice");
///         }
///     }
/// }
/// # Sessions(Default::default()).open(1);
/// ```
///
/// It stands on any function or method with a body, sync or async, in a contract or not. A function is an operation or a
/// region, not both. Under `--cfg loom` it is checked in every execution of a model, which it fails by a panic.
///
/// # What it rests on
///
/// - An object of the region's outlives it, or has an annotated `Drop::drop`, or is known by `id = …`: else another may come to its
///   address between two accesses, and be taken for it. Drop-ins know themselves.
/// - What the region runs on other threads, and waits for, is a part of it if it inherits (`tsvd::thread`,
///   `tsvd::context::inherit`, `inherit_future`); else it is a foreigner that came in between.
/// - A second look that only its author knows for one (a version number, a check under another lock) has to be said:
///   `tsvd::revalidated`, or `restart` of a scope's region.
///
/// # What it costs
///
/// Each access looks at all that is remembered of its object, so little is: a region remembers its last access to at most 64 objects, or
/// keys of objects, and forgets those it came to first. Of regions that one thread has open at once, as in recursion, the 8
/// outermost look; the accesses within the inner ones are theirs, too. What is forgotten is never reported.
///
/// # Arguments
///
/// | Argument | Meaning |
/// |---|---|
/// | `strict` | also a write after the region's last operation on the object counts, until the region returns and its parameters are about to be dropped |
/// | `future`, `call` | as for [`macro@contract`](macro@contract#futures) |
/// | `crate = path` | what `tsvd` is called in this crate |
///
/// # Refused
///
/// `const fn`, C-variadic functions, conditional parameters, functions without a body.
#[proc_macro_attribute]
pub fn expect_atomic(arguments: TokenStream, item: TokenStream) -> TokenStream {
    #[cfg(feature = "expand")]
    return attribute::region(arguments.into(), item.into()).into();
    #[cfg(not(feature = "expand"))]
    return operation("expect_atomic", arguments, item);
}

/// A test that fails by the violations in it, whatever the process makes of them.
///
/// Its body is run again until nothing new is learnt from it, as by `tsvd::check`; threads and tasks belong to it if they are begun with
/// `tsvd::thread`, `tsvd::context::inherit` or `inherit_future`. A task of a plain `tokio::spawn` does only where it is polled on the test's own thread: on a
/// runtime of tokio's with several, what its workers do is known to be the test's under nextest alone. The standard attribute `#[test]` is added,
/// unless a test attribute (one called `test`, `rstest` or `test_case`) stands below. Without detection that is all.
///
/// ```
/// # use std::sync::Mutex;
/// #[tsvd::test(rounds = 5)]
/// fn names_are_added_by_one_thread_at_a_time() {
///     let names = Mutex::new(Vec::new());
///     tsvd::thread::scope(|scope| {
///         scope.spawn(|| names.lock().unwrap().push("a"));
///         scope.spawn(|| names.lock().unwrap().push("b"));
///     });
///     assert_eq!(names.lock().unwrap().len(), 2);
/// }
/// ```
///
/// (A `#[test]` above is not seen: the body would be two tests.) An `async fn` needs a runtime's attribute, and below, so that
/// there is something to be awaited:
///
/// ```text
/// #[tsvd::test]
/// #[tokio::test]
/// async fn a_cache_loads_once() { … }
/// ```
///
/// Parameters, as those of `rstest`, may be used in every round, and so not be moved.
///
/// # Arguments
///
/// | Argument | Meaning |
/// |---|---|
/// | `rounds = 5` | the body is run five times at most |
/// | `expect = "Slab::insert"` | a violation with this text in its report is expected: that there is none fails the test |
/// | `crate = path` | what `tsvd` is called in this crate |
///
/// # Refused
///
/// Methods, functions without a body, an `async fn` without a test attribute below.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    #[cfg(feature = "expand")]
    return attribute::test(arguments.into(), item.into()).into();
    #[cfg(not(feature = "expand"))]
    {
        let _ = arguments;
        strip::test(item)
    }
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
