//! One report from those of many processes.
//!
//! Merging is a union: its result depends neither on the order nor on the grouping of the reports, so shards can be merged
//! on the way. Where two reports describe the same violation, the more telling description is kept.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::model::{Coverage, Pair, Report, Run, SCHEMA, Site, Summary, Violation};

/// Unites reports; `None` if there are none.
///
/// - violations and suspicions are united by id, their occurrences added. Kept is the description that is not
///   [`cross_test`](Violation::cross_test) nor [`expected`](Violation::expected) nor [`accepted`](Violation::accepted), then the one with more stacks, then the one seen earlier in its run;
/// - coverage is united by contract, operation and site, its hits added;
/// - pairs are united whichever site comes first: delays are added, the furthest state and highest probability kept;
/// - numbers of events are added; sites and violations are counted anew, for both reports may know the same ones;
/// - `run` and `tool` are those of the process that started first.
pub fn merge<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Option<Report> {
    let mut violations = BTreeMap::new();
    let mut suspicions = BTreeMap::new();
    let mut coverage = BTreeMap::new();
    let mut pairs = BTreeMap::new();
    let mut summary = Summary::default();
    let mut first: Option<&Report> = None;
    for report in reports {
        if first.is_none_or(|first| run_order(report) < run_order(first)) {
            first = Some(report);
        }
        add_violations(&mut violations, &report.violations);
        add_violations(&mut suspicions, &report.suspicions);
        add_coverage(&mut coverage, &report.coverage);
        add_pairs(&mut pairs, &report.pairs);
        add_summary(&mut summary, &report.summary);
    }
    let first = first?;
    let violations = by_site(violations);
    let coverage = without_idle_doubles(coverage.into_values().collect());
    summary.violations = count(violations.len());
    let reached = coverage.iter().filter(|coverage| coverage.hits > 0).count();
    summary.sites = summary.sites.max(count(reached));
    let concurrent = coverage
        .iter()
        .filter(|coverage| coverage.concurrent_hits > 0)
        .count();
    summary.sites_concurrent = summary.sites_concurrent.max(count(concurrent));
    Some(Report {
        schema: SCHEMA.to_owned(),
        tool: first.tool.clone(),
        run: first.run.clone(),
        summary,
        violations,
        suspicions: by_site(suspicions),
        coverage,
        pairs: pairs.into_values().collect(),
    })
}

/// The run that `violation`, of a report merged from `reports`, was seen in: its command and seed repeat it.
pub fn origin<'a>(
    violation: &Violation,
    reports: impl IntoIterator<Item = &'a Report>,
) -> Option<&'a Run> {
    let same =
        |other: &&Violation| other.id == violation.id && telling(other) == telling(violation);
    reports
        .into_iter()
        .filter(|report| {
            report
                .violations
                .iter()
                .chain(&report.suspicions)
                .any(|v| same(&v))
        })
        .min_by_key(|report| run_order(report))
        .map(|report| &report.run)
}

/// Whose run is named: the first by its start, then by whatever tells runs apart.
fn run_order(report: &Report) -> impl Ord + '_ {
    let run = &report.run;
    let rest = (
        run.seed,
        run.round,
        run.duration_ms,
        &run.strategy,
        &run.command,
    );
    (
        &run.started_at,
        &run.id,
        run.pid,
        rest,
        &report.tool.version,
        &report.tool.name,
    )
}

fn add_violations(all: &mut BTreeMap<String, Violation>, violations: &[Violation]) {
    for violation in violations {
        match all.entry(violation.id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(violation.clone());
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                let occurrences = known.occurrences.saturating_add(violation.occurrences);
                if telling(violation) < telling(known) {
                    known.clone_from(violation);
                }
                known.occurrences = occurrences;
            }
        }
    }
}

/// The order of descriptions of one violation, the most telling one first. Its text last, so that no two are equal.
fn telling(violation: &Violation) -> impl Ord + use<> {
    let stacks = [&violation.first, &violation.second].map(|party| !party.stack.is_empty());
    let mut description = violation.clone();
    description.occurrences = 0;
    (
        // One that fails the run first.
        violation.cross_test || violation.expected || violation.accepted,
        violation.cross_test,
        Reverse(stacks.into_iter().filter(|has| *has).count()),
        // In microseconds: floats have no order of their own.
        (violation.second.entered_ms * 1000.0) as u64,
        serde_json::to_string(&description).unwrap_or_default(),
    )
}

fn by_site(violations: BTreeMap<String, Violation>) -> Vec<Violation> {
    let mut violations: Vec<_> = violations.into_values().collect();
    violations.sort_by(|a, b| {
        let key = |v: &Violation| (v.first.site.clone(), v.second.site.clone());
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    violations
}

fn add_coverage(all: &mut BTreeMap<(String, String, Site), Coverage>, coverage: &[Coverage]) {
    for line in coverage {
        let key = (
            line.contract.clone(),
            line.operation.clone(),
            line.site.clone(),
        );
        let known = all.entry(key).or_insert_with(|| Coverage {
            hits: 0,
            concurrent_hits: 0,
            ..line.clone()
        });
        known.hits = known.hits.saturating_add(line.hits);
        known.concurrent_hits = known.concurrent_hits.saturating_add(line.concurrent_hits);
    }
}

/// An operation that one of the runs called is not idle.
fn without_idle_doubles(mut coverage: Vec<Coverage>) -> Vec<Coverage> {
    let of = |line: &Coverage| (line.contract.clone(), line.operation.clone());
    let reached: BTreeSet<_> = coverage
        .iter()
        .filter(|line| line.hits > 0)
        .map(of)
        .collect();
    coverage.retain(|line| line.hits > 0 || !reached.contains(&of(line)));
    coverage
}

fn add_pairs(all: &mut BTreeMap<(Site, Site), Pair>, pairs: &[Pair]) {
    for pair in pairs {
        let mut pair = pair.clone();
        if pair.second < pair.first {
            std::mem::swap(&mut pair.first, &mut pair.second);
        }
        match all.entry((pair.first.clone(), pair.second.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(pair);
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.state = known.state.max(pair.state);
                known.delays = known.delays.saturating_add(pair.delays);
                known.probability = known.probability.max(pair.probability);
            }
        }
    }
}

fn add_summary(all: &mut Summary, other: &Summary) {
    let Summary {
        operations,
        sites,
        sites_concurrent,
        objects_sampled,
        near_misses,
        pairs_armed,
        delays,
        delay_ms,
        violations: _,
    } = *other;
    all.operations = all.operations.saturating_add(operations);
    all.sites = all.sites.max(sites);
    all.sites_concurrent = all.sites_concurrent.max(sites_concurrent);
    all.objects_sampled = all.objects_sampled.saturating_add(objects_sampled);
    all.near_misses = all.near_misses.saturating_add(near_misses);
    all.pairs_armed = all.pairs_armed.saturating_add(pairs_armed);
    all.delays = all.delays.saturating_add(delays);
    all.delay_ms = all.delay_ms.saturating_add(delay_ms);
}

fn count(length: usize) -> u64 {
    length as u64
}
