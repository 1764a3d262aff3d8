//! Bodies that are watched for the violations found in them: those of `tsvd::check` and `#[tsvd::test]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::attribution::{self, Attribution};
use super::{ENGINE, NOW, gate, recorder, threads};
use crate::config::{OnViolation, StrategyName};
use crate::report::Violation;

/// A body that is being run.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The test's, where it has one.
    name: Option<&'static str>,
    /// Whom the thread worked for that began it.
    by: Attribution,
    /// What is in the text of a violation that is expected.
    expects: Option<&'static str>,
    is_over: AtomicBool,
    found: Mutex<Vec<Found>>,
}

/// A violation found in a frame.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Which one of the process's report.
    pub(super) index: usize,
    /// As it was seen in this frame.
    pub(super) violation: Violation,
    pub(super) text: String,
    /// How often it was seen and nobody expected it.
    pub(super) unexpected: u64,
}

impl Frame {
    pub(super) fn name(&self) -> Option<&'static str> {
        self.name
    }

    pub(super) fn outer(&self) -> Option<&Arc<Frame>> {
        self.by.innermost()
    }

    /// The test it is, or is a part of.
    pub(super) fn test(&self) -> Option<&str> {
        self.by.test_or(self.name)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn expects(&self, text: &str) -> bool {
        self.expects.is_some_and(|part| text.contains(part))
    }

    pub(super) fn add(&self, new: Found) {
        let mut found = self.found.lock();
        match found.iter_mut().find(|known| known.index == new.index) {
            Some(known) => known.unexpected += new.unexpected,
            None => found.push(new),
        }
    }

    /// `times` of what was found as `index` were expected after all.
    pub(super) fn accept(&self, index: usize, times: u64) {
        let mut found = self.found.lock();
        if let Some(found) = found.iter_mut().find(|found| found.index == index) {
            found.unexpected = found.unexpected.saturating_sub(times);
        }
    }

    pub(super) fn found(&self) -> Vec<Found> {
        self.found.lock().clone()
    }
}

/// Watches one body, which may run several times.
#[derive(Debug)]
pub(crate) struct Watch {
    frame: Arc<Frame>,
    by: Attribution,
    is_watching: bool,
    /// What was found was handed out.
    is_told: AtomicBool,
    /// Pairs that were armed again for it.
    rearmed: usize,
    /// Violations of nobody, before it began.
    strangers: u64,
}

impl Watch {
    /// For a body of the test of this name, as its runner shows it; `expects` is in the text of a violation that is no failure.
    pub(crate) fn begin(name: Option<&'static str>, expects: Option<&'static str>) -> Self {
        // Decides, and gets the thread its block.
        let is_watching = threads::current().is_some() && !NOW.is_off();
        let (mut strangers, mut rearmed) = (0, 0);
        let by = match is_watching {
            false => Attribution::default(),
            true => threads::unwatched(|| {
                strangers = recorder::strangers();
                // What was caught before is caught again here, and what is expected gets every chance.
                rearmed = ENGINE.trap_set().rearm(expects.is_some());
                attribution::current()
            }),
        };
        let frame = Arc::new(Frame {
            name,
            by: by.clone(),
            expects,
            is_over: AtomicBool::new(false),
            found: Mutex::new(Vec::new()),
        });
        if is_watching {
            threads::unwatched(|| recorder::enlist(&frame));
        }
        Self {
            by: by.within(Arc::clone(&frame)),
            frame,
            is_watching,
            is_told: AtomicBool::new(false),
            rearmed,
            strangers,
        }
    }

    /// Runs `body`, or a part of it, as what is watched.
    pub(crate) fn within<R>(&self, body: impl FnOnce() -> R) -> R {
        match self.is_watching {
            true => self.by.clone().run(body),
            false => body(),
        }
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.is_watching
    }

    /// The most rounds, where the body's author does not say.
    pub(crate) fn rounds(&self) -> u32 {
        match self.is_watching {
            true => gate::config().rounds,
            false => 1,
        }
    }

    /// How many of the suspected pairs were armed anew when it began.
    pub(crate) fn rearmed(&self) -> usize {
        self.rearmed
    }

    /// How many pairs of call sites were ever suspected.
    pub(crate) fn suspected(&self) -> usize {
        match self.is_watching {
            true => ENGINE.trap_set().known(),
            false => 0,
        }
    }

    /// Whether what is there can be found.
    pub(crate) fn can_prove(&self) -> bool {
        self.is_watching && gate::config().parameters.strategy != StrategyName::Observe
    }

    /// Nothing is found any more; whoever ends it tells what was.
    pub(crate) fn end(&self) {
        self.frame.is_over.store(true, Ordering::Relaxed);
        self.is_told.store(true, Ordering::Relaxed);
    }

    /// The violations found so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let found = self.frame.found().into_iter();
        found.map(|found| found.violation).collect()
    }

    /// Their reports.
    pub(crate) fn texts(&self) -> Vec<String> {
        let found = self.frame.found().into_iter();
        found.map(|found| found.text).collect()
    }

    /// The reports of those that fail the body's test.
    pub(crate) fn failures(&self) -> Vec<String> {
        let found = self.frame.found().into_iter();
        let found = found.filter(|found| found.unexpected > 0);
        found.map(|found| found.text).collect()
    }

    /// Whether violations fail anything but by the report.
    pub(crate) fn fails(&self) -> bool {
        self.is_watching && gate::config().on_violation != OnViolation::Record
    }

    /// Those whose text has `part` were expected; whether there is one.
    pub(crate) fn accept(&self, part: &str) -> bool {
        self.is_watching && threads::unwatched(|| recorder::accept(&self.frame, part))
    }

    /// What is worth knowing where an expected violation was not found.
    pub(crate) fn nearest(&self) -> Vec<String> {
        threads::unwatched(|| recorder::nearest(self.strangers))
    }
}

impl Drop for Watch {
    /// Its body has panicked, or violations are only recorded.
    fn drop(&mut self) {
        if !self.is_told.load(Ordering::Relaxed) {
            self.end();
            self.failures().iter().for_each(|text| recorder::say(text));
        }
    }
}
