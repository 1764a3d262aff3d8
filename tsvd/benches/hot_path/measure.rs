//! Samples: one stretch of calls, timed on one or more threads; and what is made of many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Nanoseconds a call, for each thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) wall: f64,
    /// While on a processor; `wall` again where the system does not tell.
    pub(crate) processor: f64,
}

/// Calls before the clock starts, so that caches and filters know the loop.
const WARM_UP: u64 = 1000;

/// Runs `calls` calls on each of `threads` new threads at once; `body` is told which thread it is and how many to make.
///
/// The wall time is from the first start to the last end: threads that run after one another instead of together must not
/// look as if they had not been in each other's way.
pub(crate) fn sample(threads: usize, calls: u64, body: impl Fn(usize, u64) + Sync) -> Sample {
    let ready = AtomicUsize::new(0);
    let timed: Vec<(Instant, Instant, Sample)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let (ready, body) = (&ready, &body);
                scope.spawn(move || {
                    body(thread, WARM_UP.min(calls));
                    // Not a barrier of std, whose wake-up takes longer than some samples.
                    ready.fetch_add(1, Ordering::AcqRel);
                    while ready.load(Ordering::Acquire) < threads {
                        std::thread::yield_now();
                    }
                    let started = Instant::now();
                    let sample = time(calls, |calls| body(thread, calls));
                    (started, Instant::now(), sample)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a body panicked"))
            .collect()
    });
    let first = timed.iter().map(|(started, ..)| *started).min();
    let last = timed.iter().map(|(_, ended, _)| *ended).max();
    let (Some(first), Some(last)) = (first, last) else {
        unreachable!("there is at least one thread")
    };
    let processor = timed.iter().map(|(.., sample)| sample.processor);
    Sample {
        wall: (last - first).as_nanos() as f64 / calls as f64,
        processor: processor.sum::<f64>() / threads as f64,
    }
}

/// Runs `calls` calls on this thread.
pub(crate) fn here(calls: u64, body: impl Fn(u64)) -> Sample {
    body(WARM_UP.min(calls));
    time(calls, body)
}

fn time(calls: u64, body: impl Fn(u64)) -> Sample {
    let (started, processor) = (Instant::now(), processor_ns());
    body(calls);
    let wall = started.elapsed().as_nanos() as f64;
    let processor = match (processor, processor_ns()) {
        (Some(before), Some(after)) => (after - before) as f64,
        _ => wall,
    };
    Sample {
        wall: wall / calls as f64,
        processor: processor / calls as f64,
    }
}

/// The calling thread's time on a processor.
#[cfg(target_os = "linux")]
fn processor_ns() -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a `timespec` of this function.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0;
    (!failed).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

#[cfg(not(target_os = "linux"))]
fn processor_ns() -> Option<u64> {
    None
}

/// Median and quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| values[(values.len() - 1) * quarters / 4];
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}
