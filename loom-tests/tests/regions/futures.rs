//! Async operations and regions: what a region's future does, on whatever thread it is polled, is no stranger's.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tsvd::model::Model;
use tsvd_loom_tests::shows;

use super::declared::Names;
use super::{Arc, beside, thread};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// `Pending` once, where another thread may go on with it.
async fn paused() {
    let mut is_first = true;
    poll_fn(|_| {
        if std::mem::replace(&mut is_first, false) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// A region looks, gives away what `job` makes, and looks again when that is done, by a thread that was there before the region.
fn given_away(job: impl FnOnce(Arc<Names>) -> Job) {
    let names = Arc::new(Names::default());
    let (sender, receiver) = tsvd::sync::mpsc::channel::<Job>();
    let worker = thread::spawn(move || {
        let mut job = receiver.recv().unwrap();
        assert!(poll(job.as_mut()).is_ready());
    });
    let _region = tsvd::scope(&*names).expect_atomic();
    names.contains(1);
    sender.send(job(Arc::clone(&names))).unwrap();
    worker.join().unwrap();
    names.contains(1);
}

/// Another's operation, which has no part in the region but by what begins it.
#[derive(Default)]
struct Task(u8);

#[tsvd::contract]
impl Task {
    #[tsvd::write]
    async fn run(&self, names: Arc<Names>) {
        paused().await;
        names.insert(1, self.0);
    }
}

#[test]
fn a_future_that_inherits() {
    let model = Model::new()
        .name("regions: inheriting future")
        .property("a future that inherits works for the region, on any thread");
    shows(model, || {
        given_away(|names| {
            Box::pin(tsvd::context::inherit_future(async move {
                names.insert(1, 1);
            }))
        });
    });
}

#[test]
fn an_operation_that_goes_on_elsewhere() {
    let model = Model::new()
        .name("regions: operation goes on elsewhere")
        .property("an async operation works for what it was first polled in, on any thread");
    shows(model, || {
        given_away(|names| {
            let mut job: Job = Box::pin(async { Task::default().run(names).await });
            assert!(poll(job.as_mut()).is_pending());
            job
        });
    });
}

/// Looks before and after a pause.
#[tsvd::expect_atomic]
async fn look_twice(names: &Names) {
    names.contains(1);
    paused().await;
    names.contains(1);
}

#[tsvd::expect_atomic]
async fn look_twice_anew(names: &Names) {
    names.contains(1);
    paused().await;
    tsvd::revalidated(names);
    names.contains(1);
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

#[test]
fn an_async_region_that_looks_anew() {
    let model = Model::new()
        .name("regions: async, looked anew")
        .property("what was revalidated counts no more in an async region");
    shows(model, || {
        beside(
            Names::default(),
            |names| run(look_twice_anew(names)),
            |names| names.insert(1, 2),
        );
    });
}

#[cfg(loom)]
mod mutants {
    use super::*;
    use tsvd_loom_tests::rejected;

    #[test]
    fn a_future_that_inherits_nothing() {
        rejected(
            "futures::mutants::a_future_that_inherits_nothing",
            "but `Names::insert` (write) at",
            || given_away(|names| Box::pin(async move { names.insert(1, 1) })),
        );
    }

    #[test]
    fn a_write_between_two_polls() {
        rejected(
            "futures::mutants::a_write_between_two_polls",
            "the region `look_twice` at",
            || {
                beside(
                    Names::default(),
                    |names| run(look_twice(names)),
                    |names| names.insert(1, 2),
                );
            },
        );
    }
}
