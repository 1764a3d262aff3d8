//! A region that was interrupted, as the report has it.

use super::attribution::Seen;
use crate::contract::{Access, Pattern, Region};
use crate::engine::traps::{Interrupted, Party};
use crate::report::{self, PartyIdentity, Violation};

/// Makes `violation`, which has the region's earlier access and the foreign one, that of the region.
pub(super) fn amend(
    violation: &mut Violation,
    region: &Interrupted<Seen>,
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
        name: name(region.declared),
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
