//! How much of the guest's time may be slept away, so that a test with a deadline of its own survives.
//!
//! Two allowances, both with a fixed part for short programs and a share of the time that has passed: one for the process,
//! one for each thread. A delay that does not fit is left out, and its pair keeps its probability.

use super::primitive::lossy::{AtomicU64, Ordering};
use crate::config::Parameters;

/// Time slept on one account.
pub(super) struct Spent(AtomicU64);

impl Spent {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn fits(&self, wanted: u64, allowed: u64) -> bool {
        self.0.load(Ordering::Relaxed).saturating_add(wanted) <= allowed
    }

    fn spend(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::Relaxed);
    }
}

/// Reserves a delay of `wanted` if both accounts have it, the thread's with `elapsed` since the process began, too: threads
/// are not told apart by age. Two that reserve at once may overdraw by one delay.
pub(super) fn reserve(
    parameters: &Parameters,
    process: &Spent,
    thread: &Spent,
    wanted: u64,
    elapsed: u64,
) -> bool {
    let share = (elapsed as f64 * parameters.budget_share) as u64;
    let fits = process.fits(wanted, parameters.budget_process_ns.saturating_add(share))
        && thread.fits(wanted, parameters.budget_thread_ns.saturating_add(share));
    if fits {
        process.spend(wanted);
        thread.spend(wanted);
    }
    fits
}

/// Gives back what a delay that ended early did not use.
pub(super) fn refund(process: &Spent, thread: &Spent, unused: u64) {
    for account in [process, thread] {
        // A task may give back to a thread that is gone, and its account another's.
        let _ = account
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                Some(spent.saturating_sub(unused))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stop_at_the_threads_then_at_the_processs_allowance_and_time_gives_more() {
        let parameters = Parameters::default();
        let thread_ns = parameters.budget_thread_ns;
        let process = Spent::new();
        let threads = [Spent::new(), Spent::new(), Spent::new()];
        let reserve = |thread: usize, wanted, elapsed| {
            super::reserve(&parameters, &process, &threads[thread], wanted, elapsed)
        };
        assert!(reserve(0, thread_ns, 0));
        assert!(!reserve(0, 1, 0), "the thread's is spent");
        assert!(reserve(1, thread_ns, 0));
        assert!(!reserve(2, 1, 0), "the process's is spent");
        assert!(reserve(2, 1_000, 10_000));
        assert!(!reserve(2, 1, 10_000));
        refund(&process, &threads[2], 500);
        assert!(reserve(2, 500, 10_000));
    }
}
