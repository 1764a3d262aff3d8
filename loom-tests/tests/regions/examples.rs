//! The programs `duplicate_consumer` and `register` of the examples, in the source that runs natively: two consumers and two or
//! three jobs, two owners of one name.

use std::collections::VecDeque;

use tsvd::model::Model;
use tsvd::sync::RwLock;
use tsvd_examples::{jobs, names};
use tsvd_loom_tests::shows;

use super::{Arc, thread};

/// Two consumers, the second of which comes back once.
fn consumed<V: jobs::Variant>() {
    let jobs = Arc::new(RwLock::new(VecDeque::from([1, 2])));
    let other = {
        let jobs = Arc::clone(&jobs);
        thread::spawn(move || jobs::take::<V>(&jobs))
    };
    let mine = [jobs::take::<V>(&jobs), jobs::take::<V>(&jobs)];
    let others = other.join().unwrap();
    let mut taken: Vec<u32> = mine.into_iter().chain([others]).flatten().collect();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2]);
    match others {
        Some(1) => tsvd::reachable!("came first"),
        Some(_) => tsvd::reachable!("came between"),
        None => tsvd::reachable!("came last"),
    }
}

fn registered<V: names::Variant>() {
    let names = Arc::new(names::Names::new());
    let other = {
        let names = Arc::clone(&names);
        thread::spawn(move || names::register::<V>(&names, 1, "right"))
    };
    let mine = names::register::<V>(&names, 1, "left");
    assert_ne!(mine, other.join().unwrap());
    if mine {
        tsvd::reachable!("left");
    } else {
        tsvd::reachable!("right");
    }
}

fn consumer(name: &str) -> Model {
    let model = Model::new().name(name).property("each job is taken once");
    model.goals(["came first", "came between", "came last"])
}

#[test]
fn jobs_in_one_section() {
    let model = consumer("regions: jobs, one section");
    shows(model, consumed::<jobs::OneSection>);
}

#[test]
fn jobs_with_a_second_look() {
    let model = consumer("regions: jobs, second look");
    shows(model, consumed::<jobs::SecondLook>);
}

#[test]
fn names_by_entry() {
    let model = Model::new()
        .name("regions: names by entry")
        .property("a name has one owner")
        .goals(["left", "right"]);
    shows(model, registered::<names::Entry>);
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    macro_rules! mutants {
        ($($name:ident: $message:expr, $body:expr;)*) => {$(
            #[test]
            fn $name() {
                rejected(concat!("examples::mutants::", stringify!($name)), $message, $body);
            }
        )*};
    }

    /// Both at once, with nothing said of what comes of it.
    fn meet<S: Send + Sync + 'static>(shared: S, body: fn(&S)) {
        super::super::beside(shared, body, body);
    }

    fn consumers<V: jobs::Variant>() {
        meet(RwLock::new(VecDeque::from([1, 2])), |jobs| {
            jobs::take::<V>(jobs);
        });
    }

    fn owners<V: names::Variant>() {
        meet(names::Names::new(), |names| {
            names::register::<V>(names, 1, "owner");
        });
    }

    mutants! {
        look_then_take: "came between its `RwLock::read` (read) at", consumers::<jobs::LookThenTake>;
        lock_twice: "came between its `RwLock::write` (read) at", consumers::<jobs::LockTwice>;
        look_then_insert: "came between its `DashMap::contains_key` (read) at", owners::<names::LookThenInsert>;
        insert_then_look: "came between its `DashMap::insert` (", owners::<names::InsertThenLook>;
    }
}
