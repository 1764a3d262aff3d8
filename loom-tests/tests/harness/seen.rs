//! The claims of the documentation of `tsvd::model` and `tsvd::sync::atomic`: what loom sees and what it does not.

use super::*;

#[test]
fn store_buffering_and_what_forbids_it() {
    let both_miss = (0, 0);
    assert!(
        outcomes("seen: store buffering", || store_buffering(
            Relaxed, Relaxed, false
        ))
        .contains(&both_miss)
    );
    let fenced = outcomes("seen: store buffering with fences", || {
        store_buffering(Relaxed, Relaxed, true)
    });
    assert_eq!(fenced, HashSet::from([(0, 1), (1, 0), (1, 1)]));
    let marked = outcomes("seen: store buffering, marked SeqCst", || {
        store_buffering(SeqCst, SeqCst, false)
    });
    assert_eq!(marked, fenced);
}

/// Two writers and two readers; whether the readers see the writes in opposite orders.
fn readers_disagree(store: Ordering, load: Ordering) -> bool {
    let pair = Arc::new((Atomic::new(0), Atomic::new(0)));
    let [x, y, reader] = [(); 3].map(|()| Arc::clone(&pair));
    let writers = [
        thread::spawn(move || x.0.store(1, store)),
        thread::spawn(move || y.1.store(1, store)),
    ];
    let reader = thread::spawn(move || (reader.0.load(load), reader.1.load(load)));
    let seen = (pair.1.load(load), pair.0.load(load));
    for writer in writers {
        writer.join().unwrap();
    }
    (reader.join().unwrap(), seen) == ((1, 0), (1, 0))
}

#[test]
fn independent_reads_of_independent_writes() {
    holds("seen: IRIW, marked SeqCst", || {
        assert!(!readers_disagree(SeqCst, SeqCst), "the readers disagree");
    });
}

#[test]
fn independent_reads_without_the_mark() {
    let test = "seen::independent_reads_without_the_mark";
    rejected(test, "the readers disagree", || {
        assert!(!readers_disagree(Release, Acquire), "the readers disagree");
    });
}

struct Racy(UnsafeCell<u32>);
// SAFETY: loom runs one thread at a time; the race is what is looked for.
unsafe impl Sync for Racy {}

/// A write and a read that nothing orders, with accesses of different atomics between them.
fn race(store: Ordering, load: Ordering) {
    let shared = Arc::new((Racy(UnsafeCell::new(0)), Atomic::new(0), Atomic::new(0)));
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            shared.1.load(load);
            shared.0.0.with(|_| ());
            shared.2.fetch_add(1, Relaxed);
        })
    };
    shared.0.0.with_mut(|_| ());
    shared.2.store(1, store);
    other.join().unwrap();
}

/// Loom takes any two `SeqCst` fences for an order.
#[test]
fn a_race_behind_accesses_marked_seq_cst_is_not_seen() {
    holds("not seen: race behind SeqCst", || race(SeqCst, SeqCst));
}

#[test]
fn a_race_behind_weaker_accesses() {
    let test = "seen::a_race_behind_weaker_accesses";
    rejected(test, "Causality violation", || race(Release, Acquire));
}

#[test]
fn stale_reads() {
    let publish = |store: Ordering, load: Ordering| {
        move || {
            litmus(
                move |data, ready| {
                    data.store(1, Relaxed);
                    ready.store(1, store);
                    0
                },
                move |data, ready| {
                    if ready.load(load) == 1 {
                        data.load(Relaxed)
                    } else {
                        1
                    }
                },
            )
        }
    };
    assert_eq!(
        outcomes("seen: stale read", publish(Relaxed, Relaxed)),
        HashSet::from([(0, 0), (0, 1)])
    );
    assert_eq!(
        outcomes("seen: message passing", publish(Release, Acquire)),
        HashSet::from([(0, 1)])
    );
}

#[test]
fn two_stores_each_that_cross() {
    // 2+2W: both first stores last in their atomic's order.
    let crossed = |x: &Atomic, y: &Atomic| {
        x.store(1, Relaxed);
        y.store(2, Relaxed);
        0
    };
    let ends = outcomes("seen: 2+2W", move || {
        let pair = Arc::new((Atomic::new(0), Atomic::new(0)));
        let other = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || crossed(&pair.0, &pair.1))
        };
        crossed(&pair.1, &pair.0);
        other.join().unwrap();
        (pair.0.fetch_add(0, AcqRel), pair.1.fetch_add(0, AcqRel))
    });
    assert!(ends.contains(&(1, 1)), "{ends:?}");
}

#[test]
fn load_buffering_is_not_seen() {
    let seen = outcomes("not seen: load buffering", || {
        let thread = |mine: &Atomic, others: &Atomic| {
            let value = others.load(Relaxed);
            mine.store(1, Relaxed);
            value
        };
        litmus(thread, move |x, y| thread(y, x))
    });
    assert_eq!(seen, HashSet::from([(0, 0), (0, 1), (1, 0)]));
}
