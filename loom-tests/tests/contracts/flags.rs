//! Flags: an atomic store that the other side has seen.

use super::*;

fn published(store: Ordering, load: Ordering) {
    beside(
        (AtomicBool::new(false), Dictionary::new()),
        move |(ready, dictionary)| {
            dictionary.insert(|| ());
            ready.store(true, store);
        },
        move |(ready, dictionary)| {
            if ready.load(load) {
                dictionary.get(|| ());
            }
        },
    );
}

#[test]
fn release_and_acquire() {
    holds("contracts: release/acquire flag", || {
        published(Release, Acquire)
    });
}

#[cfg(loom)]
#[test]
fn mutant_relaxed_store() {
    rejected(
        "flags::mutant_relaxed_store",
        "`Dictionary::get` (read) at",
        || published(Relaxed, Acquire),
    );
}

#[cfg(loom)]
#[test]
fn mutant_relaxed_load() {
    rejected(
        "flags::mutant_relaxed_load",
        "is not ordered with `Dictionary::insert` (write) at",
        || published(Release, Relaxed),
    );
}

#[cfg(loom)]
fn wait_for(flag: &AtomicBool, ordering: Ordering) {
    while !flag.load(ordering) {
        tsvd::hint::spin_loop();
    }
}

/// Every event is ordered with every other, and still the calls overlap: A enters, B enters, A leaves, B leaves.
#[cfg(loom)]
#[test]
fn mutant_overlap_ordered_by_flags() {
    rejected(
        "flags::mutant_overlap_ordered_by_flags",
        "overlaps `Dictionary::get` (read) at",
        || {
            beside(
                (
                    [
                        AtomicBool::new(false),
                        AtomicBool::new(false),
                        AtomicBool::new(false),
                    ],
                    Dictionary::new(),
                ),
                |(flags, dictionary)| {
                    dictionary.insert(|| {
                        flags[0].store(true, Release);
                        wait_for(&flags[1], Acquire);
                    });
                    flags[2].store(true, Release);
                },
                |(flags, dictionary)| {
                    wait_for(&flags[0], Acquire);
                    dictionary.get(|| {
                        flags[1].store(true, Release);
                        wait_for(&flags[2], Acquire);
                    });
                },
            );
        },
    );
}
