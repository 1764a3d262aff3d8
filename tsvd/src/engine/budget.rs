//! How much of the guest's time may be slept away, so that a test with a deadline of its own survives.
//!
//! Two allowances, both with a fixed part for short programs and a share of the time that has passed: one for the process,
//! one for each thread. A delay that does not fit is left out, and its pair keeps its probability.
//!
//! Of the process's allowance the first delay for a pair may use all, the next few half of the share of time, and all further
//! ones half of the fixed part, too: what was delayed in vain is not to take the time of what is new, which may have a few
//! milliseconds to be found in.
//!
//! The processes of one run (nextest begins one for each test) have an allowance together as well, else each would sleep away
//! a fixed part that is longer than its test. First delays need not fit in it; all others have a quarter of it.

use super::primitive::lossy::{AtomicU64, Ordering};
use crate::config::Parameters;

/// What a delay is worth, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Its pair has had what it was owed.
    Further,
    /// One of a pair's first few: its first, if that is long.
    Owed,
    /// A pair's first, unless it is long, or one for a pair that was caught before.
    First,
}

impl Rank {
    /// The part of its process's allowance that it may use.
    fn part(self) -> Part {
        match self {
            Self::Further => Part {
                fixed: 0.5,
                share: 0.5,
            },
            // A short program has nothing but the fixed part, and may need it for its second and third delays.
            Self::Owed => Part {
                fixed: 1.0,
                share: 0.5,
            },
            Self::First => Part {
                fixed: 1.0,
                share: 1.0,
            },
        }
    }
}

/// A part of an allowance.
#[derive(Clone, Copy)]
struct Part {
    fixed: f64,
    share: f64,
}

impl Part {
    const ALL: Self = Self {
        fixed: 1.0,
        share: 1.0,
    };
    /// Of what the processes of a run have together, for all but first delays.
    const OF_RUN: Self = Self {
        fixed: 0.25,
        share: 0.25,
    };
}

/// Time slept on one account.
pub(super) struct Spent {
    ns: AtomicU64,
    /// What the other processes of the run had slept before, and how long they lived.
    others_ns: AtomicU64,
    others_lived_ns: AtomicU64,
}

impl Spent {
    pub(super) fn new() -> Self {
        let [ns, others_ns, others_lived_ns] = [const { AtomicU64::new(0) }; 3];
        Self {
            ns,
            others_ns,
            others_lived_ns,
        }
    }

    pub(super) fn reset(&self) {
        self.ns.store(0, Ordering::Relaxed);
    }

    /// The account is one with that of others.
    pub(super) fn share(&self, slept_ns: u64, lived_ns: u64) {
        self.others_ns.store(slept_ns, Ordering::Relaxed);
        self.others_lived_ns.store(lived_ns, Ordering::Relaxed);
    }

    /// Whether it is in this part of the account's allowance.
    fn fits(&self, allowance: Allowance, wanted: u64, elapsed: u64, part: Part) -> bool {
        self.with(wanted) <= allowance.of(elapsed, part)
    }

    /// Whether it is in what the account and the others have together; so it is where there are no others.
    fn fits_with_others(&self, allowance: Allowance, wanted: u64, elapsed: u64) -> bool {
        let others = self.others_ns.load(Ordering::Relaxed);
        let lived = self.others_lived_ns.load(Ordering::Relaxed);
        let allowed = allowance.of(elapsed.saturating_add(lived), Part::OF_RUN);
        lived == 0 || self.with(wanted).saturating_add(others) <= allowed
    }

    fn with(&self, wanted: u64) -> u64 {
        self.ns.load(Ordering::Relaxed).saturating_add(wanted)
    }

    fn spend(&self, ns: u64) {
        self.ns.fetch_add(ns, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy)]
struct Allowance {
    fixed_ns: u64,
    share: f64,
}

impl Allowance {
    fn of(self, elapsed: u64, part: Part) -> u64 {
        let fixed = self.fixed_ns as f64 * part.fixed;
        (fixed + elapsed as f64 * self.share * part.share) as u64
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
    rank: Rank,
) -> bool {
    let allowance = |fixed_ns| Allowance {
        fixed_ns,
        share: parameters.budget_share,
    };
    let of_process = allowance(parameters.budget_process_ns);
    let fits = process.fits(of_process, wanted, elapsed, rank.part())
        && (rank == Rank::First || process.fits_with_others(of_process, wanted, elapsed))
        && thread.fits(
            allowance(parameters.budget_thread_ns),
            wanted,
            elapsed,
            Part::ALL,
        );
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
            .ns
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
            super::reserve(
                &parameters,
                &process,
                &threads[thread],
                wanted,
                elapsed,
                Rank::First,
            )
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

    #[test]
    fn what_is_delayed_again_and_again_leaves_room_for_what_is_new() {
        let parameters = Parameters::default();
        let half = parameters.budget_process_ns / 2;
        let process = Spent::new();
        let reserve = |wanted, elapsed, rank| {
            super::reserve(&parameters, &process, &Spent::new(), wanted, elapsed, rank)
        };
        assert!(reserve(half, 0, Rank::Further));
        assert!(!reserve(1, 0, Rank::Further));
        assert!(reserve(half, 0, Rank::Owed));
        assert!(!reserve(1, 0, Rank::Owed));
        assert!(!reserve(1, 0, Rank::First));
        // Of what time gives.
        let later = 1_000_000;
        let half = (later as f64 * parameters.budget_share / 2.0) as u64;
        assert!(!reserve(half, later, Rank::Further));
        assert!(reserve(half, later, Rank::Owed));
        assert!(!reserve(1, later, Rank::Owed));
        assert!(reserve(half, later, Rank::First));
        assert!(!reserve(1, later, Rank::First));
    }

    #[test]
    fn processes_of_a_run_have_one_allowance_but_for_first_delays() {
        let parameters = Parameters::default();
        let process_ns = parameters.budget_process_ns;
        let reserve = |process: &Spent, wanted, rank| {
            super::reserve(&parameters, process, &Spent::new(), wanted, 0, rank)
        };
        for rank in [Rank::Further, Rank::Owed] {
            let late = Spent::new();
            late.share(process_ns / 4 - 10, 1);
            assert!(reserve(&late, 10, rank));
            assert!(!reserve(&late, 1, rank), "spent by the others");
            assert!(reserve(&late, 1, Rank::First));
            // Their time gives more.
            let later = Spent::new();
            later.share(process_ns / 4, 1_000_000);
            let given = (1_000_000.0 * parameters.budget_share) as u64 / 4;
            assert!(reserve(&later, given, rank));
            assert!(!reserve(&later, 1, rank));
        }
        // Nobody may have more than a process has by itself.
        let own = Spent::new();
        own.share(0, u64::MAX);
        own.spend(process_ns);
        assert!(!reserve(&own, 1, Rank::First));
    }
}
