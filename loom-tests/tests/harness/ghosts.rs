//! Ghost state is tried in every order, and open for no longer than no step.

use super::*;
use tsvd::ghost::{Ghost, Invariant, Permission};
use tsvd::sync::Mutex as Locked;

/// Shares of two accounts.
type Pair = (Permission<i32>, Permission<i32>);

/// Two threads write down when they come, before they touch what they share. `note` says who came so far.
fn second_comes_second<R: Default + Send + Sync + 'static>(note: fn(&R, usize) -> Vec<usize>) {
    let record = std::sync::Arc::new(R::default());
    let count = Arc::new(Atomic::new(0));
    let other = {
        let (record, count) = (std::sync::Arc::clone(&record), Arc::clone(&count));
        thread::spawn(move || {
            note(&record, 2);
            count.fetch_add(1, Relaxed);
        })
    };
    let came = note(&record, 1);
    count.fetch_add(1, Relaxed);
    assert_eq!(came, [1], "the second came first");
    other.join().unwrap();
}

/// A false green, which is why there are ghosts: nothing tells loom that the order matters.
#[test]
fn plain_state_is_not_interleaved() {
    holds("not seen: order in plain state", || {
        second_comes_second::<Mutex<Vec<usize>>>(|came, who| {
            let mut came = came.lock().unwrap();
            came.push(who);
            came.clone()
        });
    });
}

#[test]
fn a_ghost_is_interleaved() {
    rejected(
        "ghosts::a_ghost_is_interleaved",
        "the second came first",
        || {
            second_comes_second::<Ghost<Vec<usize>>>(|came, who| {
                came.with(|came| {
                    came.push(who);
                    came.clone()
                })
            });
        },
    );
}

/// A ghost orders no memory, not even with fences: what is done on its word is a race.
#[test]
fn a_ghost_hides_no_race() {
    let test = "ghosts::a_ghost_hides_no_race";
    rejected(test, "Causality violation", || {
        struct Racy(UnsafeCell<u32>, Ghost<bool>);
        // SAFETY: loom runs one thread at a time; the race is what is looked for.
        unsafe impl Sync for Racy {}
        let shared = Arc::new(Racy(UnsafeCell::new(0), Ghost::new(false)));
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.0.with_mut(|_| ());
                fence(Release);
                shared.1.with(|is_written| *is_written = true);
            })
        };
        if shared.1.get() {
            fence(Acquire);
            shared.0.with_mut(|_| ());
        }
        other.join().unwrap();
    });
}

/// Each thread moves one from its account to the other's under a lock; the sum is an invariant.
fn transfers(step: fn(&Atomic)) {
    let (mine, theirs) = (Permission::new(5).split(), Permission::new(5).split());
    let invariant = Invariant::new("the sum is 10", (mine.0, theirs.0), |(one, other)| {
        one.get() + other.get() == 10
    });
    let shared = Arc::new((Locked::new((mine.1, theirs.1)), invariant, Atomic::new(0)));
    let transfer = move |shared: &(Locked<Pair>, Invariant<Pair>, Atomic), amount: i32| {
        let mut owned = shared.0.lock().unwrap();
        let (from, to) = (owned.0.get() - amount, owned.1.get() + amount);
        let mut open = shared.1.open();
        owned.0.update_with(&mut open.0, from);
        step(&shared.2);
        owned.1.update_with(&mut open.1, to);
        open.close();
    };
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || transfer(&shared, 1))
    };
    transfer(&shared, 2);
    other.join().unwrap();
    let owned = shared.0.lock().unwrap();
    assert_eq!((owned.0.get(), owned.1.get()), (2, 8));
}

#[test]
fn an_invariant_is_opened_and_closed() {
    holds("harness: invariant opened and closed", || transfers(|_| ()));
}

#[test]
fn an_invariant_is_not_held_open_across_a_step() {
    let test = "ghosts::an_invariant_is_not_held_open_across_a_step";
    rejected(
        test,
        "ghost state held open across a step: opened at ",
        || {
            transfers(|atomic| atomic.store(1, Relaxed));
        },
    );
}

#[test]
fn a_ghost_makes_no_step_inside() {
    let test = "ghosts::a_ghost_makes_no_step_inside";
    rejected(
        test,
        "ghost state held open across a step: opened at ",
        || {
            let shared = Arc::new((Ghost::new(0), Atomic::new(0)));
            let access = |shared: &(Ghost<usize>, Atomic)| {
                shared.0.with(|ghost| *ghost = shared.1.load(Relaxed));
            };
            let other = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || access(&shared))
            };
            access(&shared);
            other.join().unwrap();
        },
    );
}

/// The first execution comes to no ghost, a later one does: what that one may have missed is made up for by a new start, and
/// only what was run since then is counted.
#[test]
fn a_ghost_that_comes_late_starts_the_model_again() {
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let exploration = holds("harness: late ghost", || {
        RUN.fetch_add(1, CountOnly);
        let shared = Arc::new((Atomic::new(0), Ghost::new(0)));
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.0.store(1, Release))
        };
        if shared.0.load(Acquire) == 1 {
            shared.1.with(|came| *came += 1);
        }
        other.join().unwrap();
    });
    assert!(
        RUN.load(CountOnly) > exploration.executions(),
        "{exploration}"
    );
}
