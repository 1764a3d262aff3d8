//! Violations that are found in a body which is watched for them, and judged by it.

use std::sync::{Arc, Weak};

use super::{RECORDER, Recorder, describe, output, shorter};
use crate::backend::detect::attribution::{Attribution, Seen};
use crate::backend::detect::watch::{Found, Frame};
use crate::engine::traps::Evidence;
use crate::report::{self, Violation};

impl Recorder {
    /// The frames that a party is in: as its thread says, or as those of its test.
    pub(super) fn frames_of(&self, evidence: &Evidence<Seen>) -> Vec<Arc<Frame>> {
        let mut frames: Vec<Arc<Frame>> = Vec::new();
        let mut add = |frame: &Arc<Frame>| {
            if !frames.iter().any(|known| Arc::ptr_eq(known, frame)) {
                frames.push(Arc::clone(frame));
            }
        };
        // Of a region it is the last access that surely has a stack.
        let next = evidence.region.as_ref().map(|region| &region.next);
        for party in [&evidence.first, &evidence.second].into_iter().chain(next) {
            let by = party.stack.as_ref().map(Seen::by);
            let mut own = by.into_iter().flat_map(Attribution::frames).peekable();
            if own.peek().is_some() {
                own.for_each(&mut add);
                continue;
            }
            let Some(test) = describe::test_of(party) else {
                continue;
            };
            let frames = self.frames.iter().filter_map(Weak::upgrade);
            frames
                .filter(|frame| !frame.is_over() && frame.test() == Some(test))
                .for_each(|frame| add(&frame));
        }
        frames
    }

    /// In place of the report, which its test shows at its end.
    pub(super) fn announcement(&self, violation: &Violation) -> String {
        let operations = [&violation.first, &violation.second]
            .map(|party| format!("`{}::{}`", party.contract, party.operation));
        let test = violation.first.test.as_ref();
        let test = match test.or(violation.second.test.as_ref()) {
            Some(test) => format!(" in test {test}"),
            None => String::new(),
        };
        report::printable(&format!(
            "tsvd: violation of {} and {}{test}: shown at the end of what checks it, written to {}",
            operations[0],
            operations[1],
            shorter(&self.file).display()
        ))
    }
}

/// A frame is watched from now on, for violations whose parties are of its test.
pub(in crate::backend::detect) fn enlist(frame: &Arc<Frame>) {
    if let Some(recorder) = RECORDER.lock().as_mut() {
        recorder.frames.push(Arc::downgrade(frame));
    }
}

/// How many violations were seen in no frame.
pub(in crate::backend::detect) fn strangers() -> u64 {
    RECORDER
        .lock()
        .as_ref()
        .map_or(0, |recorder| recorder.strangers)
}

/// What was found in `frame` and has `part` in its text was expected; whether there is any.
pub(in crate::backend::detect) fn accept(frame: &Arc<Frame>, part: &str) -> bool {
    let complaint = {
        let mut recorder = RECORDER.lock();
        let Some(recorder) = recorder.as_mut() else {
            return false;
        };
        let found = frame.found();
        let mut matching = found
            .iter()
            .filter(|found| found.text.contains(part))
            .peekable();
        if matching.peek().is_none() {
            return false;
        }
        for found in matching {
            let Found {
                index, unexpected, ..
            } = *found;
            recorder.failing[index] = recorder.failing[index].saturating_sub(unexpected);
            recorder.count(index, false);
            std::iter::successors(Some(frame), |frame| frame.outer())
                .for_each(|frame| frame.accept(index, unexpected));
        }
        recorder.write()
    };
    complaint.iter().for_each(|text| output::say(text));
    true
}

/// What came near to a violation, and how many were found by nobody's thread since there were `before`.
pub(in crate::backend::detect) fn nearest(before: u64) -> Vec<String> {
    const MOST: usize = 10;
    let recorder = RECORDER.lock();
    let Some(recorder) = recorder.as_ref() else {
        return Vec::new();
    };
    let pairs = recorder.pairs();
    let place = |site: &report::Site| format!("{}:{}:{}", site.file, site.line, site.column);
    let mut lines: Vec<_> = pairs
        .iter()
        .take(MOST)
        .map(|pair| {
            let state = match pair.state {
                report::PairState::Armed => "armed",
                report::PairState::Ordered => "found ordered",
                report::PairState::Decayed => "delayed in vain",
                report::PairState::Violated => "caught",
            };
            let (first, second) = (place(&pair.first), place(&pair.second));
            format!(
                "{first} and {second}: {state}, delayed {} times",
                pair.delays
            )
        })
        .collect();
    match pairs.len() {
        0 => lines.push("no two calls of the process came near each other".to_owned()),
        all if all > MOST => lines.push(format!("and {} more pairs", all - MOST)),
        _ => {}
    }
    match recorder.strangers - before {
        0 => {}
        strangers => lines.push(format!(
            "a violation, {strangers} times, seen by threads that cannot be told to be this test's: begin them with \
             `tsvd::thread` or `tsvd::context::inherit`, or run the tests with nextest"
        )),
    }
    lines
}
