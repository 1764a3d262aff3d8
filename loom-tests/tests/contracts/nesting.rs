//! Calls within calls, on one thread and on children.

use super::*;

/// A write whose body lets two threads read.
fn write_with_readers(joined_inside: bool) {
    let dictionary = Arc::new(Dictionary::new());
    let mut readers = Vec::new();
    dictionary.insert(|| {
        readers.extend([(); 2].map(|()| {
            let dictionary = Arc::clone(&dictionary);
            thread::spawn(move || dictionary.get(|| ()))
        }));
        if joined_inside {
            readers.drain(..).for_each(|reader| reader.join().unwrap());
        }
    });
    readers
        .into_iter()
        .for_each(|reader| reader.join().unwrap());
    dictionary.insert(|| ());
}

#[test]
fn children_that_are_joined_inside() {
    holds("contracts: write with reading children", || {
        write_with_readers(true)
    });
}

#[cfg(loom)]
#[test]
fn mutant_children_that_outlive_the_call() {
    rejected(
        "nesting::mutant_children_that_outlive_the_call",
        "tsvd: contract violated: `Dictionary::",
        || write_with_readers(false),
    );
}

#[test]
fn fork_and_join() {
    holds("contracts: fork and join", || {
        let dictionary = Arc::new(Dictionary::new());
        dictionary.insert(|| ());
        let readers = [(); 2].map(|()| {
            let dictionary = Arc::clone(&dictionary);
            thread::spawn(move || dictionary.get(|| ()))
        });
        dictionary.get(|| ());
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
        dictionary.insert(|| ());
    });
}

#[cfg(loom)]
#[test]
fn mutant_write_between_fork_and_join() {
    rejected(
        "nesting::mutant_write_between_fork_and_join",
        "tsvd: contract violated: `Dictionary::",
        || {
            beside(
                Dictionary::new(),
                |dictionary| dictionary.insert(|| ()),
                |dictionary| dictionary.get(|| ()),
            );
        },
    );
}

#[test]
fn calls_within_calls_of_one_thread() {
    holds("contracts: re-entrant calls", || {
        beside(
            (Mutex::new(()), Dictionary::new()),
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                dictionary.insert(|| dictionary.get(|| dictionary.insert(|| ())));
                dictionary.get(|| dictionary.insert(|| ()));
            },
            |(lock, dictionary)| {
                let _held = lock.lock().unwrap();
                dictionary.insert(|| dictionary.get(|| ()));
            },
        );
    });
}

#[cfg(loom)]
#[test]
fn mutant_only_the_inner_call_is_locked() {
    rejected(
        "nesting::mutant_only_the_inner_call_is_locked",
        "tsvd: contract violated: `Dictionary::",
        || {
            let guarded = |(lock, dictionary): &(Mutex<()>, Dictionary)| {
                dictionary.insert(|| {
                    let _held = lock.lock().unwrap();
                    dictionary.get(|| ());
                });
            };
            beside((Mutex::new(()), Dictionary::new()), guarded, guarded);
        },
    );
}
