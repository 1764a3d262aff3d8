//! A region that was interrupted, as the report has it.

use super::attribution::Seen;
use crate::contract::{Access, Pattern, Region};
use crate::engine::traps::{Evidence, Interrupted, Party};
use crate::report::{self, PartyIdentity, Violation};

/// The function that is suspected, if the interleaving is a suspicion: both accesses have to be made in one call, in its order.
pub(super) fn suspected(evidence: &Evidence<Seen>) -> Option<String> {
    let region = evidence.region.as_ref()?;
    let first = evidence.first.stack.as_ref()?;
    let function = first.function_of_both(region.next.stack.as_ref()?)?;
    // The bodies of tasks go on in any order and on any thread; only of one that is known two polls are of one call.
    let is_polled = || first.functions().iter().any(|name| name.contains("::poll"));
    let is_unknown = region.next.task.is_none() && function.ends_with("{{closure}}");
    (!is_unknown || !is_polled()).then_some(function)
}

/// Whether two accesses are of the region itself. A thread of rayon's that waits runs other jobs, on top of what waits: what they
/// access is theirs.
pub(super) fn is_own_work(first: Option<&Seen>, next: Option<&Seen>, region: &Region) -> bool {
    let frames = [first, next].map(|stack| stack.map(|seen| seen.functions()));
    let is_job = |name: &String| name.trim_start_matches('<').starts_with("rayon_core::");
    if !frames.iter().flatten().flatten().any(is_job) {
        return true;
    }
    if [first, next]
        .into_iter()
        .flatten()
        .any(|seen| !seen.is_whole())
    {
        return false;
    }
    // All that is inside of the region's function, the outermost of that name, has to be no job's. Where it cannot be told, nothing is said.
    frames.iter().all(|frames| {
        let names = frames.as_deref().unwrap_or_default();
        let function = names.iter().rposition(|name| is_of(name, region.name()));
        function.is_some_and(|function| !names[..function].iter().any(is_job))
    })
}

/// Whether a frame is of the function of this name, or of a closure in it.
fn is_of(frame: &str, function: &str) -> bool {
    let mut path = frame;
    while let Some(outer) = path.strip_suffix("::{{closure}}") {
        path = outer;
    }
    !function.is_empty() && path.rsplit("::").next() == Some(function)
}

/// What is said of a suspicion at the end.
pub(super) fn brief(suspicion: &Violation) -> String {
    let site = |party: &report::Party| {
        let report::Site { file, line, .. } = &party.site;
        format!("`{}` at {file}:{line}", party.operation)
    };
    let region = suspicion.region.as_ref();
    let function = region.map_or("", |region| &region.name);
    let next = region.and_then(|region| region.accesses.get(1));
    report::printable(&format!(
        "tsvd: suspicion: between {} and {}, both in `{function}`, came {}. If that must not be, mark the function \
         with #[tsvd::expect_atomic]; if it may, TSVD_SUSPICIONS=off looks for none.",
        site(&suspicion.first),
        next.map(site).unwrap_or_default(),
        site(&suspicion.second),
    ))
}

/// Makes `violation`, which has the region's earlier access and the foreign one, that of the region.
pub(super) fn amend(
    violation: &mut Violation,
    region: &Interrupted<Seen>,
    function: Option<String>,
    describe: impl Fn(&Party<Seen>) -> report::Party,
) {
    let mut next = describe(&region.next);
    let parties = [&mut violation.first, &mut violation.second, &mut next];
    for (party, did) in parties.into_iter().zip(region.did) {
        party.access = access(did);
    }
    // The earlier access has no stack unless somebody was suspected by then.
    let first = PartyIdentity {
        function: "",
        file: &violation.first.site.file,
        ..PartyIdentity::of(&violation.first)
    };
    let [second, last] = [&violation.second, &next].map(PartyIdentity::of);
    violation.id = report::fingerprint_of_region(first, second, last);
    violation.kind = report::Kind::Atomicity;
    violation.region = Some(report::Region {
        name: function.unwrap_or_else(|| name(region.declared)),
        pattern: match region.pattern {
            Pattern::ReadWriteRead => report::Pattern::ReadWriteRead,
            Pattern::WriteWriteRead => report::Pattern::WriteWriteRead,
            Pattern::ReadWriteWrite => report::Pattern::ReadWriteWrite,
            Pattern::WriteReadWrite => report::Pattern::WriteReadWrite,
        },
        strict: region.declared.is_strict(),
        accesses: vec![violation.first.clone(), next],
    });
}

pub(super) fn access(did: Access) -> report::Access {
    match did {
        Access::Read => report::Access::Read,
        Access::Write => report::Access::Write,
        Access::Update => report::Access::Update,
    }
}

/// A scope has no name, but a place.
fn name(region: &Region) -> String {
    if !region.is_scope() {
        return region.name().to_owned();
    }
    let site = report::call_site(region.definition(), &[]);
    format!("the scope at {}:{}", site.file, site.line)
}
