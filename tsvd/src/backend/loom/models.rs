//! What no region may report, in every interleaving, and for each a mutant of the check that does.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::defect::{Defect, plant};
use super::regions::{On, access, region};
use crate::asynchronous::Called;
use crate::contract::{Access, Object, Operation, Region};
use crate::model::Model;
use crate::model::checked::{fails, shows};
use crate::sync::atomic::{AtomicU32, Ordering::Relaxed};
use crate::sync::{Arc, RwLock, mpsc};
use crate::thread;

static LOOK: Operation =
    Operation::new("models::Names", "look", Access::Read, Location::caller()).thread_safe();
static PUT: Operation =
    Operation::new("models::Names", "put", Access::Write, Location::caller()).thread_safe();
static OTHER: Operation =
    Operation::new("models::Task", "run", Access::Write, Location::caller()).thread_safe();
static REGION: Region = Region::new("models", "check", false, Location::caller());

fn names() -> Object {
    Object::resource("models::Names")
}

fn call(operation: &'static Operation, body: impl FnOnce()) {
    let _access = access(operation, Location::caller(), names(), None);
    body();
}

/// Looks twice in a region, about the names alone; `between` is made in it after the first look.
fn look_twice(first: impl FnOnce(), between: impl FnOnce(), second: impl FnOnce()) {
    let on = On {
        object: names(),
        role: None,
        key: None,
    };
    let _region = region(&REGION, Some(on));
    call(&LOOK, first);
    between();
    call(&LOOK, second);
}

/// A write begins before the first look, and ends after it.
fn overlapping_the_first() {
    let (inside, is_inside) = mpsc::channel();
    let (looked, has_looked) = mpsc::channel();
    let (left, has_left) = mpsc::channel();
    let other = thread::spawn(move || {
        call(&PUT, || {
            inside.send(()).unwrap();
            has_looked.recv().unwrap();
        });
        left.send(()).unwrap();
        call(&LOOK, || ());
    });
    is_inside.recv().unwrap();
    let between = || {
        looked.send(()).unwrap();
        has_left.recv().unwrap();
    };
    look_twice(|| (), between, || ());
    call(&PUT, || ());
    other.join().unwrap();
}

/// A write takes place within the second look.
fn within_the_second() {
    let (inside, is_inside) = mpsc::channel();
    let other = thread::spawn(move || {
        is_inside.recv().unwrap();
        call(&PUT, || ());
    });
    let second = || {
        inside.send(()).unwrap();
        other.join().unwrap();
    };
    look_twice(|| (), || (), second);
}

fn a_helper() {
    let mut helper = None;
    let help = || helper = Some(thread::spawn(|| call(&PUT, || ())));
    look_twice(|| (), help, || ());
    helper.take().expect("begun").join().unwrap();
}

/// An async operation of the region goes on on a thread that was there before.
fn an_operation() {
    type Job = Pin<Box<dyn Future<Output = ()> + Send>>;
    fn poll(job: &mut Job) -> Poll<()> {
        job.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
    let (sender, receiver) = mpsc::channel::<Job>();
    let other = thread::spawn(move || {
        let mut job = receiver.recv().unwrap();
        assert!(poll(&mut job).is_ready());
    });
    let give_away = || {
        let mut is_first = true;
        let body = std::future::poll_fn(move |_| {
            if std::mem::replace(&mut is_first, false) {
                return Poll::Pending;
            }
            call(&PUT, || ());
            Poll::Ready(())
        });
        let task = Object::resource("models::Task");
        let operation = crate::asynchronous::begin(&OTHER, Called::now(), task, None);
        let mut job: Job = Box::pin(operation.run(body));
        assert!(poll(&mut job).is_pending());
        sender.send(job).unwrap();
        other.join().unwrap();
    };
    look_twice(|| (), give_away, || ());
}

/// Two threads make a value that is not there yet, each with a second look under the lock.
fn double_checked() {
    beside(RwLock::new(false), |value| {
        let _region = region(&REGION, None);
        if *value.read().unwrap() {
            return;
        }
        let mut value = value.write().unwrap();
        if *value {
            crate::reachable!("found by the second look");
        } else {
            *value = true;
        }
    });
}

/// Two threads add by exchanges; who is refused loads again.
fn exchanges() {
    beside(AtomicU32::new(0), |value| {
        let _region = region(&REGION, None);
        loop {
            let known = value.load(Relaxed);
            let exchanged = value.compare_exchange(known, known + 1, Relaxed, Relaxed);
            if exchanged.is_ok() {
                return;
            }
            crate::reachable!("refused");
        }
    });
}

/// Another thread's object takes the place of one that the region has looked at.
fn another_object() {
    let (gone, is_gone) = mpsc::channel();
    let other = thread::spawn(move || {
        is_gone.recv().unwrap();
        call(&PUT, || ());
    });
    let between = || {
        super::retire(names());
        gone.send(()).unwrap();
        other.join().unwrap();
    };
    look_twice(|| (), between, || ());
}

/// Does the same on two threads.
fn beside<S: Send + Sync + 'static>(shared: S, body: fn(&S)) {
    let shared = Arc::new(shared);
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || body(&shared))
    };
    body(&shared);
    other.join().unwrap();
}

macro_rules! models {
    ($($name:ident: $body:path, $property:expr, $goals:expr, $defect:ident;)*) => {
        $(#[test]
        fn $name() {
            let model = Model::new().name(concat!("check of regions: ", stringify!($name)));
            shows(model.property($property).goals($goals), $body);
        })*

        mod mutants {
            use super::*;

            $(#[test]
            fn $name() {
                let test = concat!("backend::loom::models::mutants::", stringify!($name));
                fails(test, &[], "is expected to be atomic, but", || {
                    plant(Defect::$defect);
                    Model::new().name(test).goals($goals).check($body)
                });
            })*
        }
    };
}

const NONE: [&str; 0] = [];

models! {
    overlap_is_not_between: overlapping_the_first,
        "what overlaps the first access did not come after it", NONE, OverlapIsBetween;
    within_is_not_before: within_the_second,
        "what overlaps the next access did not come before it", NONE, NoCut;
    a_helper_is_no_stranger: a_helper,
        "a thread begun in a region works for it", NONE, HelperIsForeign;
    an_operation_remembers: an_operation,
        "an async operation works for what it was first polled in", NONE, OperationForgets;
    a_second_look_counts: double_checked,
        "a second look in the section that acts is silent", ["found by the second look"], LooksAnewIgnored;
    an_end_ends_watches: another_object,
        "a region knows nothing of the object that comes after", NONE, Immortal;
    a_refusal_counts_not: exchanges,
        "an exchange that was refused is tried again", ["refused"], RefusedCounted;
}
