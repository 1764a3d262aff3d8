//! Running a body again and again, for the violations in it.

mod outcome;
mod test;
#[cfg(not(all(feature = "detect", not(loom))))]
mod unwatched;

#[cfg(all(feature = "detect", not(loom)))]
use crate::backend::Watch;
#[cfg(not(all(feature = "detect", not(loom))))]
use unwatched::Watch;

pub use outcome::Outcome;
pub use test::{Ends, Test};

/// Runs `body` until a round brings no new suspicion, at most 10 times (the setting [`rounds`](mod@crate::settings)), and tells the
/// violations that were found in it.
///
/// A round that sees two calls come near each other makes another one worthwhile, in which one of them is delayed. What earlier
/// runs have learnt counts, too: then the first round may be enough. Pairs of call sites that were caught before, in
/// this process, are caught again.
///
/// ```
/// let outcome = tsvd::check(|| {
///     // Threads that use annotated values.
/// });
/// outcome.assert_clean();
/// ```
///
/// *Found in it* are violations of which a party was called by this thread within `body`, or by what `body` began with
/// [`tsvd::thread`](crate::thread), [`context::inherit`](crate::context::inherit) or
/// [`inherit_future`](crate::context::inherit_future); and, where a test has a process of its own (under
/// nextest), all that this process sees meanwhile. Others are the process's own, as without `check`; so is a
/// violation whose parties are of two tests and have keys of a resource.
///
/// A violation that is found here makes the process end with status 66, as any other, unless the outcome is asked to have
/// it: [`Outcome::assert_violation`]. The report file has it in either case. `TSVD_ON_VIOLATION=panic` does nothing to the
/// threads of `body`, for the outcome is its judge.
///
/// Without the feature `detect`, under loom, with `TSVD=off`, and in programs that watch nothing, `body` runs once, and the outcome
/// says that nothing was watched.
///
/// # Panics
///
/// If `body` does.
pub fn check(mut body: impl FnMut()) -> Outcome {
    let mut rounds = Rounds::begin(None, None, None);
    loop {
        rounds.watch.within(&mut body);
        if !rounds.is_another_worthwhile() {
            return Outcome::of(rounds);
        }
    }
}

/// The runs of one body.
#[derive(Debug)]
struct Rounds {
    watch: Watch,
    most: u32,
    done: u32,
    /// Pairs of call sites that are known to come near each other.
    suspected: usize,
}

impl Rounds {
    fn begin(name: Option<&'static str>, most: Option<u32>, expects: Option<&'static str>) -> Self {
        let watch = Watch::begin(name, expects);
        let most = match watch.is_watching() {
            true => most.unwrap_or_else(|| watch.rounds()),
            false => 1,
        };
        Self {
            // What is armed anew is as good as new: one delay of it may be in vain.
            suspected: watch.suspected().saturating_sub(watch.rearmed()),
            watch,
            most,
            done: 0,
        }
    }

    /// After each round: whether it has made a suspicion that another one could confirm.
    fn is_another_worthwhile(&mut self) -> bool {
        let before = std::mem::replace(&mut self.suspected, self.watch.suspected());
        self.are_any_left() && self.suspected > before
    }

    fn are_any_left(&mut self) -> bool {
        self.done += 1;
        self.done < self.most
    }
}

#[cfg(all(test, not(all(feature = "detect", not(loom)))))]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_watched_a_body_runs_once_and_nothing_is_demanded() {
        let mut runs = 0;
        let outcome = check(|| runs += 1);
        assert!(outcome.is_clean() && !outcome.was_watched());
        assert_eq!(outcome.rounds(), 1);
        assert_eq!(outcome.to_string(), "tsvd: nothing was watched");
        outcome.assert_clean();
        outcome.assert_violation("anything");
        let test = Test::new("this").rounds(5).expects("anything");
        let end = test.run(|| {
            runs += 1;
            Ok::<_, ()>(runs)
        });
        assert_eq!((end, runs), (Ok(2), 2));
    }
}
