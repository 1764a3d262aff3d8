//! What a violation is, as the report has it.

use std::panic::Location;
use std::time::Duration;

use super::Recorder;
use crate::backend::detect::atomicity;
use crate::backend::detect::attribution::{self, Seen};
use crate::contract::{Access, Kind as Identity, Operation};
use crate::engine::traps::{self, DetectedBy, Evidence};
use crate::report::{self, Violation, path};

impl Recorder {
    pub(super) fn describe(&self, evidence: &Evidence<Seen>) -> Violation {
        let [first, second] = [&evidence.first, &evidence.second].map(|party| self.party(party));
        let [a, b] = [&first, &second].map(report::PartyIdentity::of);
        let kind = match evidence.first.operation.access() == Access::Read
            || evidence.second.operation.access() == Access::Read
        {
            true => report::Kind::ReadWrite,
            false => report::Kind::WriteWrite,
        };
        let object = evidence.object;
        let info = match object.kind() {
            Identity::Place => report::ObjectInfo::place(object.type_name(), object.words()[0]),
            Identity::Resource => {
                report::ObjectInfo::resource(object.resource_name().unwrap_or_default())
            }
            Identity::Id => report::ObjectInfo::id(object.words()[0]),
        };
        let mut violation = Violation {
            id: report::fingerprint(a, b),
            kind,
            cross_test: is_cross_test(evidence),
            expected: false,
            accepted: false,
            object: info.with_keys(
                evidence.first.key_text.as_deref(),
                evidence.second.key_text.as_deref(),
            ),
            detected_by: match evidence.detected_by {
                DetectedBy::Trap => report::DetectedBy::Trap,
                DetectedBy::Overlap => report::DetectedBy::Overlap,
            },
            gap_ms: millis(evidence.gap_ns),
            occurrences: 1,
            first,
            second,
            region: None,
        };
        if let Some(region) = &evidence.region {
            let function = region
                .suspected
                .then(|| atomicity::suspected(evidence))
                .flatten();
            atomicity::amend(&mut violation, region, function, |party| self.party(party));
        }
        violation
    }

    fn party(&self, party: &traps::Party<Seen>) -> report::Party {
        let mut stack = party
            .stack
            .as_ref()
            .map(|seen| seen.resolve())
            .unwrap_or_default();
        name_the_method(&mut stack, party.operation);
        report::Party {
            contract: party.operation.contract().to_owned(),
            operation: party.operation.name().to_owned(),
            access: atomicity::access(party.operation.access()),
            role: party.operation.role().map(str::to_owned),
            test: test_of(party).map(str::to_owned),
            site: report::call_site(party.site, &stack),
            context: report::Context {
                thread: party.thread.clone(),
                thread_id: party.context,
                task: party.task.clone(),
                spawned_at: party
                    .lineage
                    .as_ref()
                    .and_then(|lineage| lineage.spawned_at())
                    .map(|site| self.site(site)),
            },
            entered_ms: millis(party.entered_ns),
            delayed_ms: millis(party.delayed_ns),
            stack,
        }
    }

    pub(super) fn site(&self, location: &Location<'_>) -> report::Site {
        report::Site::new(
            path::normalise(location.file(), self.root.as_deref()),
            location.line(),
            location.column(),
        )
    }
}

/// The test a party belongs to, as its runner shows it.
pub(super) fn test_of(party: &traps::Party<Seen>) -> Option<&str> {
    match &party.stack {
        Some(seen) => seen.by().test(),
        // It had left; the process may have one test all the same.
        None => attribution::process_test(),
    }
}

/// Two tests of one process that meet on a key of something outside memory: small keys repeat between tests.
fn is_cross_test(evidence: &Evidence<Seen>) -> bool {
    let parties = [&evidence.first, &evidence.second];
    let is_keyed = parties.iter().all(|party| party.key.is_some());
    if !is_keyed || evidence.object.kind() != Identity::Resource {
        return false;
    }
    let [first, second] = parties.map(test_of);
    first.is_some() && second.is_some() && first != second
}

/// Debug information has all that an attribute makes on the attribute's line: the method's own frame gets its own.
fn name_the_method(stack: &mut [report::Frame], operation: &Operation) {
    let Some(method) = stack.first_mut() else {
        return;
    };
    let definition = report::call_site(operation.definition(), &[]);
    if method.file.as_ref() == Some(&definition.file) && method.function.ends_with(operation.name())
    {
        method.line = Some(definition.line);
    }
}

fn millis(ns: u64) -> f64 {
    report::millis(Duration::from_nanos(ns))
}
