//! A region that was interrupted, as the report has it.

use super::attribution::Seen;
use super::executor::is_executors;
use crate::contract::{Access, Pattern, Region};
use crate::engine::traps::{Evidence, Interrupted, Party};
use crate::report::{self, PartyIdentity, Violation};

/// The function that is suspected, if the interleaving is a suspicion: both accesses have to be made in one call, in its order.
pub(super) fn suspected(evidence: &Evidence<Seen>) -> Option<String> {
    let region = evidence.region.as_ref()?;
    let first = evidence.first.stack.as_ref()?;
    let function = function_of_both(first, region.next.stack.as_ref()?)?;
    // The bodies of tasks go on in any order and on any thread; only of one that is known two polls are of one call.
    let is_polled = || first.functions().iter().any(|name| name.contains("::poll"));
    let is_unknown = region.next.task.is_none() && function.ends_with("{{closure}}");
    (!is_unknown || !is_polled()).then_some(function)
}

/// The function in one call of which both stacks were, if it is the guest's: an executor's polls are not one call.
pub(super) fn function_of_both(first: &Seen, next: &Seen) -> Option<String> {
    let function = first.function_of_both(next)?;
    (!is_executors(&function)).then_some(function)
}

/// Whether what is done at these functions, innermost first, is work that a call of `function` has given away: one of its closures
/// does it, and the function is not there itself. Those who begin threads or tasks mostly wait for them before they go on.
pub(super) fn gave_away(function: &str, names: impl Iterator<Item = String>) -> bool {
    let is_closure = |name: &str| {
        let inner = name.strip_prefix(function);
        inner.is_some_and(|inner| {
            inner.starts_with("::{{closure}}") || inner.starts_with("::{closure#")
        })
    };
    let mut is_given = false;
    for name in names {
        if name == function {
            return false;
        }
        is_given |= is_closure(&name);
    }
    is_given
}

/// Whether two accesses are of the region itself. A thread of rayon's that waits runs other jobs, on top of what waits: what they
/// access is theirs.
pub(super) fn is_own_work(first: Option<&Seen>, next: Option<&Seen>, region: &Region) -> bool {
    let stacks = [first, next].map(|stack| stack.map(|seen| (seen.functions(), seen.is_whole())));
    is_own(&stacks, region.name())
}

/// The same of the names of functions, innermost first, and whether they are all.
fn is_own(stacks: &[Option<(Vec<String>, bool)>; 2], region: &str) -> bool {
    let is_job = |name: &String| name.trim_start_matches('<').starts_with("rayon_core::");
    let mut known = stacks.iter().flatten();
    if known.any(|(names, _)| names.iter().all(|name| name == report::UNKNOWN)) {
        // Without symbols there might be any.
        return false;
    }
    let mut known = stacks.iter().flatten();
    if !known.any(|(names, _)| names.iter().any(is_job)) {
        return true;
    }
    // All that is inside of the region's function, the outermost of that name, has to be no job's. Where it cannot be told, nothing is
    // said.
    stacks.iter().all(|stack| {
        let Some((names, true)) = stack else {
            return false;
        };
        let function = names.iter().rposition(|name| is_of(name, region));
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
         with #[tsvd::expect_atomic]; if it may, `cargo tsvd baseline write` accepts it.",
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

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: [&str; 2] = ["app::Map::get", "app::take::{{closure}}"];
    const JOB: &str = "<rayon_core::job::StackJob<L,F,R> as rayon_core::job::Job>::execute";
    const WORKER: [&str; 2] = ["rayon_core::registry::main_loop", "std::thread::start"];

    fn stack(parts: &[&[&str]]) -> Option<(Vec<String>, bool)> {
        let names = parts.iter().flat_map(|part| part.iter());
        Some((names.map(|name| (*name).to_owned()).collect(), true))
    }

    fn gives_away(function: &str, names: &[&str]) -> bool {
        gave_away(function, names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn what_a_closure_does_elsewhere_is_given_away() {
        const START: &str = "std::sys::backtrace::__rust_begin_short_backtrace";
        let closure = "app::take::{{closure}}::{{closure}}";
        assert!(gives_away("app::take", &["app::bump", closure, START]));
        let poll = "tokio::runtime::task::raw::poll";
        assert!(gives_away("app::take::{{closure}}", &[closure, poll]));
        let newer = "<app::Desk<u8>>::take::<u8>";
        let closures = [&format!("{newer}::{{closure#0}}::{{closure#1}}"), START];
        assert!(gives_away(newer, &closures));
    }

    #[test]
    fn what_is_there_itself_or_another_is_not() {
        let closure = "app::take::{{closure}}";
        assert!(!gives_away(
            "app::take",
            &["app::bump", closure, "app::take"]
        ));
        assert!(
            !gives_away(closure, &["app::bump", closure]),
            "side by side"
        );
        let newer = "app::take::{closure#0}";
        assert!(!gives_away(newer, &["app::take::{closure#1}"]));
        assert!(!gives_away("app::take", &["app::take_two::{{closure}}"]));
        assert!(!gives_away("app::take", &["app::take::inner"]));
        assert!(!gives_away("app::take", &[report::UNKNOWN]));
    }

    #[test]
    fn what_a_region_does_itself_is_its_own() {
        let on_a_thread = stack(&[&LOOK, &["app::take", "app::main"]]);
        assert!(is_own(&[None, on_a_thread.clone()], "take"));
        assert!(is_own(&[on_a_thread.clone(), on_a_thread], "take"));
        let on_a_worker = stack(&[&LOOK, &["app::take", JOB], &WORKER]);
        assert!(is_own(&[on_a_worker.clone(), on_a_worker], "take"));
    }

    #[test]
    fn jobs_that_run_on_top_of_it_are_not() {
        let own = stack(&[&LOOK, &["app::take", JOB], &WORKER]);
        for job in [
            stack(&[&["app::Map::get", "app::other", JOB, "app::take"], &WORKER]),
            // Of the same function.
            stack(&[&LOOK, &["app::take", JOB, "app::take", JOB], &WORKER]),
        ] {
            assert!(!is_own(&[own.clone(), job.clone()], "take"));
            assert!(!is_own(&[job, own.clone()], "take"));
        }
    }

    #[test]
    fn where_it_cannot_be_told_it_is_not() {
        let own = stack(&[&LOOK, &["app::take", JOB], &WORKER]);
        assert!(
            !is_own(&[None, own.clone()], "take"),
            "the first is unknown"
        );
        let cut = own.clone().map(|(names, _)| (names, false));
        assert!(!is_own(&[own.clone(), cut], "take"));
        assert!(!is_own(&[own.clone(), own], ""), "a scope has no function");
        let dark = stack(&[&[report::UNKNOWN; 9]]);
        assert!(!is_own(&[None, dark], "take"));
    }
}
