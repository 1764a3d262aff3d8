//! Accesses, keys and roles that may meet, and those that may not.

use super::*;

#[test]
fn reads_of_two_threads() {
    holds("contracts: reads", || {
        beside(
            (AtomicBool::new(false), Dictionary::new()),
            |(flag, dictionary)| dictionary.get(|| flag.store(true, Relaxed)),
            |(flag, dictionary)| dictionary.get(|| flag.store(true, Relaxed)),
        );
    });
}

#[test]
fn different_keys() {
    holds("contracts: different keys", || {
        beside(
            Dictionary::new(),
            |dictionary| dictionary.insert_at("a", || ()),
            |dictionary| dictionary.insert_at("b", || ()),
        );
    });
}

#[cfg(loom)]
#[test]
fn mutant_same_key() {
    rejected(
        "filters::mutant_same_key",
        "contracts::dictionary::Dictionary, key \"a\"",
        || {
            beside(
                Dictionary::new(),
                |dictionary| dictionary.insert_at("a", || ()),
                |dictionary| dictionary.insert_at("a", || ()),
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_key_against_none() {
    rejected(
        "filters::mutant_key_against_none",
        "is not ordered with `Dictionary::",
        || {
            beside(
                Dictionary::new(),
                |dictionary| dictionary.insert_at("a", || ()),
                |dictionary| dictionary.get(|| ()),
            );
        },
    );
}

/// What comes after `earlier` in an order that nothing publishes must still meet each call in it.
#[cfg(loom)]
fn unpublished(
    earlier: impl Fn(&Dictionary) + Copy + Send + Sync + 'static,
    later: impl Fn(&Dictionary) + Copy + Send + Sync + 'static,
) -> impl Fn() + Send + Sync + 'static {
    move || {
        beside(
            (AtomicBool::new(false), Dictionary::new()),
            |(done, dictionary)| {
                earlier(dictionary);
                done.store(true, Relaxed);
            },
            move |(done, dictionary)| {
                if done.load(Relaxed) {
                    later(dictionary);
                }
            },
        );
    }
}

#[cfg(loom)]
#[test]
fn mutant_key_before_another() {
    let earlier = |dictionary: &Dictionary| {
        dictionary.insert_at("a", || ());
        dictionary.insert_at("b", || ());
    };
    let later = |dictionary: &Dictionary| dictionary.insert_at("a", || ());
    rejected(
        "filters::mutant_key_before_another",
        "`Dictionary::insert_at` (write) at",
        unpublished(earlier, later),
    );
}

#[cfg(loom)]
#[test]
fn mutant_role_before_another() {
    let earlier = |dictionary: &Dictionary| {
        dictionary.push(|| ());
        dictionary.pop(|| ());
    };
    let later = |dictionary: &Dictionary| dictionary.push(|| ());
    rejected(
        "filters::mutant_role_before_another",
        "`Dictionary::push` (write) at",
        unpublished(earlier, later),
    );
}

#[cfg(loom)]
#[test]
fn mutant_write_before_read() {
    let earlier = |dictionary: &Dictionary| {
        dictionary.insert(|| ());
        dictionary.get(|| ());
    };
    let later = |dictionary: &Dictionary| dictionary.get(|| ());
    rejected(
        "filters::mutant_write_before_read",
        "`Dictionary::get` (read) at",
        unpublished(earlier, later),
    );
}

#[test]
fn different_roles() {
    holds("contracts: different roles", || {
        beside(
            Dictionary::new(),
            |dictionary| dictionary.push(|| ()),
            |dictionary| dictionary.pop(|| ()),
        );
    });
}

#[cfg(loom)]
#[test]
fn mutant_same_role() {
    rejected(
        "filters::mutant_same_role",
        "`Dictionary::push` (write) at",
        || {
            beside(
                Dictionary::new(),
                |dictionary| dictionary.push(|| ()),
                |dictionary| dictionary.push(|| ()),
            );
        },
    );
}

#[cfg(loom)]
#[test]
fn mutant_role_against_none() {
    rejected(
        "filters::mutant_role_against_none",
        "is not ordered with `Dictionary::",
        || {
            beside(
                Dictionary::new(),
                |dictionary| dictionary.push(|| ()),
                |dictionary| dictionary.get(|| ()),
            );
        },
    );
}
