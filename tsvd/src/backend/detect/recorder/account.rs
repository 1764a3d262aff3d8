//! The run in numbers: summary, coverage, pairs.

use std::collections::HashSet;
use std::ptr;
use std::sync::atomic::Ordering;

use super::Recorder;
use crate::backend::detect::world::World;
use crate::backend::detect::{ENGINE, declared};
use crate::contract::Operation;
use crate::engine::Engine;
use crate::engine::sites::{Hits, Site as CallSite};
use crate::engine::trap_set::State;
use crate::report;

impl Recorder {
    /// A line for each call site that was met, and for each operation that was never called.
    pub(super) fn coverage(&self) -> Vec<report::Coverage> {
        let line = |operation: &Operation, site, hits: Hits, unwatched| report::Coverage {
            contract: operation.contract().to_owned(),
            operation: operation.name().to_owned(),
            site: self.site(site),
            hits: hits.all,
            concurrent_hits: hits.concurrent,
            unwatched,
        };
        let met = ENGINE.coverage();
        let called: HashSet<_> = met
            .iter()
            .map(|(site, _)| ptr::from_ref(site.operation))
            .collect();
        let mut coverage: Vec<_> = met
            .iter()
            .map(|(site, hits)| line(site.operation, site.location, *hits, None))
            .collect();
        let idle = declared::operations();
        let idle = idle
            .iter()
            .filter(|operation| !called.contains(&ptr::from_ref(**operation)));
        coverage.extend(idle.map(|operation| {
            let unwatched = if operation.is_declared() {
                Some(report::Unwatched::Declared)
            } else {
                declared::was_unwatched(operation).then_some(report::Unwatched::NoIdentity)
            };
            line(
                operation,
                operation.definition(),
                Hits::default(),
                unwatched,
            )
        }));
        coverage.sort_by(|a, b| {
            let of = |line: &report::Coverage| {
                (
                    line.contract.clone(),
                    line.operation.clone(),
                    line.site.clone(),
                )
            };
            of(a).cmp(&of(b))
        });
        coverage
    }

    pub(super) fn pairs(&self) -> Vec<report::Pair> {
        let sites = ENGINE.sites();
        let site = |site: CallSite| self.site(site.location);
        let pairs = ENGINE
            .trap_set()
            .pairs()
            .into_iter()
            .filter_map(|((a, b), pair)| {
                Some(report::Pair {
                    first: site(sites.get(a)?),
                    second: site(sites.get(b)?),
                    state: match pair.state {
                        State::Armed => report::PairState::Armed,
                        State::Ordered => report::PairState::Ordered,
                        State::Decayed => report::PairState::Decayed,
                        State::Violated => report::PairState::Violated,
                    },
                    delays: u64::from(pair.delays),
                    probability: pair.probability,
                })
            });
        pairs.collect()
    }
}

pub(super) fn summary(engine: &Engine<World>, violations: usize) -> report::Summary {
    let statistics = engine.statistics();
    report::Summary {
        operations: engine.operations(),
        sites: engine.sites().len() as u64,
        near_misses: statistics.near_misses.load(Ordering::Relaxed),
        pairs_armed: engine.trap_set().pairs().len() as u64,
        delays: statistics.delays.load(Ordering::Relaxed),
        delay_ms: statistics.delay_ns.load(Ordering::Relaxed) / 1_000_000,
        objects_sampled: engine.objects(),
        violations: violations as u64,
        ..report::Summary::default()
    }
}
