//! Append-only lists of what a process meets for the first time: read without a lock, and safe to be used by an allocator.
//!
//! The allocator may be annotated: whatever is allocated here may come back here, on this thread, and another thread may
//! hold a lock of the allocator's while it comes. So nothing is allocated under a lock, there being none, and what comes back
//! is turned away.

use std::cell::Cell;
use std::sync::OnceLock;

/// A list that only grows, for the life of the process.
#[derive(Debug)]
pub(crate) struct Registry<T>(Link<T>);

type Link<T> = OnceLock<Box<Node<T>>>;

#[derive(Debug)]
struct Node<T> {
    value: T,
    next: Link<T>,
}

thread_local! {
    /// This thread is adding something.
    static ADDING: Cell<bool> = const { Cell::new(false) };
}

impl<T> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.iter().nth(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let first = self.0.get();
        std::iter::successors(first, |last| last.next.get()).map(|node| &node.value)
    }

    /// The one that `is` the wanted, with its place, or else what `make` makes of it. `None` where that calls for something
    /// new itself.
    pub(crate) fn find_or_add(
        &self,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Option<(usize, &T)> {
        let mut link = &self.0;
        let mut index = 0;
        let mut new = None;
        let mut make = Some(make);
        loop {
            while let Some(node) = link.get() {
                if is(&node.value) {
                    return Some((index, &node.value));
                }
                link = &node.next;
                index += 1;
            }
            if let Some(make) = make.take() {
                new = Some(adding(|| {
                    Box::new(Node {
                        value: make(),
                        next: OnceLock::new(),
                    })
                })?);
            }
            // Another thread may have been first: what it added is looked at, too.
            if let Err(node) = link.set(new.take()?) {
                new = Some(node);
            }
        }
    }
}

/// Runs `add`, but not within itself.
fn adding<R>(add: impl FnOnce() -> R) -> Option<R> {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            ADDING.set(false);
        }
    }
    if ADDING.replace(true) {
        return None;
    }
    let _done = Done;
    Some(add())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_at_its_place() {
        let registry = Registry::new();
        let number = |name: &'static str| {
            let found = registry.find_or_add(|known| *known == name, || name);
            found.map(|(index, _)| index)
        };
        assert_eq!(
            [number("a"), number("b"), number("a")],
            [Some(0), Some(1), Some(0)]
        );
        assert_eq!(registry.get(1), Some(&"b"));
        assert_eq!(registry.get(2), None);
    }

    #[test]
    fn what_adding_calls_for_is_refused_if_new_and_found_if_known() {
        let registry = Registry::new();
        let add = |name: &'static str| registry.find_or_add(|known| *known == name, || name);
        add("known");
        let mut inner = None;
        registry.find_or_add(
            |known| *known == "outer",
            || {
                inner = Some((add("known").is_some(), add("new").is_some()));
                "outer"
            },
        );
        assert_eq!(inner, Some((true, false)));
        assert!(add("new").is_some(), "later it is added");
    }

    #[test]
    fn threads_that_add_at_once_agree() {
        for _ in 0..50 {
            let registry = Registry::new();
            let places = std::thread::scope(|scope| {
                let threads = [0, 1, 2, 3].map(|first: usize| {
                    let registry = &registry;
                    scope.spawn(move || {
                        (0..8)
                            .map(|n| {
                                let name = (first + n) % 8;
                                let found = registry.find_or_add(|known| *known == name, || name);
                                (name, found.unwrap().0)
                            })
                            .collect::<std::collections::BTreeMap<_, _>>()
                    })
                });
                threads.map(|thread| thread.join().unwrap())
            });
            assert!(places.iter().all(|other| *other == places[0]), "{places:?}");
            assert_eq!(registry.iter().count(), 8);
        }
    }
}
