//! What is suspected where no region is declared.

use super::*;
use crate::engine::env::simulated::poll_task;

/// What a program without any region is suspected of, by its accesses in a loop of `rounds`, and how often it was held.
fn suspected(seed: u64, rounds: u64, body: impl Fn(&Thread<'_>, Object) + Sync) -> (usize, u64) {
    let map = 0;
    let map = object(&map);
    let run = |offset| -> Body<'_> {
        let body = &body;
        Box::new(move |t| {
            t.pause(offset);
            for _ in 0..rounds {
                body(t, map);
                t.pause(8 * MS);
            }
        })
    };
    let ran = run_by(
        crate::engine::tests::lab::parameters(),
        seed,
        vec![run(0), run(4 * MS)],
    );
    for found in &ran.evidence {
        let region = found.region.as_ref().unwrap();
        assert!(region.suspected);
        assert_ne!(found.first.site, region.next.site);
    }
    (ran.evidence.len(), ran.delays)
}

#[test]
fn check_then_act_is_suspected_where_nothing_is_declared() {
    for seed in 0..100 {
        let (found, _) = suspected(seed, 40, |t, map| {
            t.access(&LOOK, map, None, Read, 0);
            t.pause(MS / 10);
            t.access(&PUT, map, None, Write, 0);
        });
        assert!(found > 0, "seed {seed}");
    }
}

#[test]
fn few_accesses_are_watched_at_a_time_where_nothing_is_declared() {
    let desk = Desk::with(crate::engine::tests::lab::parameters());
    let many = vec![0_u64; 100];
    let call = |value| Call {
        site: LOOK.definition(),
        ..call(&LOOK, object(value), None)
    };
    let sites = desk.engine.sites();
    let site = sites.number(&LOOK, LOOK.definition(), |_| None);
    desk.engine.trap_set.suspect(site, site, MS);
    let mut most = 0;
    for value in &many {
        let visit = desk.engine.arrive(desk.own, &call(value), None).unwrap();
        desk.leave(desk.own, visit, Read);
        most = most.max(desk.watches());
    }
    assert_eq!(most, 4);
    desk.engine.abandon_regions(desk.own);
    assert!(
        !desk
            .engine
            .watched
            .any(object_hash(object(&many[99]).words()))
    );
}

#[test]
fn single_steps_are_not_suspected() {
    for seed in 0..50 {
        // One call site that meets itself.
        let found = suspected(seed, 40, |t, map| t.access(&PUT, map, None, Write, 0));
        assert_eq!(found, (0, 0), "seed {seed}: writes");
        let found = suspected(seed, 40, |t, map| t.access(&SWAP, map, None, Update, 0));
        assert_eq!(found, (0, 0), "seed {seed}: updates");
        // Looks again before it writes.
        let (found, _) = suspected(seed, 40, |t, map| {
            t.access(&LOOK, map, None, Read, 0);
            t.pause(MS / 10);
            t.access(&SWAP, map, None, Revalidated { wrote: true }, 0);
            // So that its own last access is none of the next round's.
            t.lab.engine.revalidated(t.context, map);
        });
        assert_eq!(found, 0, "seed {seed}: entries");
    }
}

#[test]
fn what_looked_and_wrote_begins_none() {
    let of = |seed, wrote| {
        let (found, _) = suspected(seed, 40, |t, map| {
            t.access(&SWAP, map, None, Revalidated { wrote }, 0);
            t.pause(MS / 10);
            t.access(&PUT, map, None, Write, 0);
        });
        found
    };
    for seed in 0..50 {
        assert_eq!(of(seed, true), 0, "seed {seed}: take and put back");
        assert!(of(seed, false) > 0, "seed {seed}: a look");
    }
}

/// It looks on one thread, looks anew on another, and acts on the first one.
#[test]
fn a_task_that_was_elsewhere_meanwhile_is_suspected_of_nothing() {
    for (elsewhere, expected) in [(1, 0), (0, 1), (2, 1)] {
        let desk = Desk::with(crate::engine::tests::lab::parameters());
        let look = call(&LOOK, desk.map, None);
        let sites = desk.engine.sites();
        let site = sites.number(&LOOK, look.site, |_| None);
        desk.engine.trap_set.suspect(site, site, MS);
        poll_task(1);
        let visit = desk.engine.arrive(desk.own, &look, None).unwrap();
        desk.leave(desk.own, visit, Read);
        let others = desk.engine.attach();
        poll_task(3);
        desk.access(others, Write);
        poll_task(elsewhere);
        desk.access(desk.other, Revalidated { wrote: false });
        poll_task(1);
        desk.access(desk.own, Write);
        poll_task(0);
        assert_eq!(desk.patterns().len(), expected, "task {elsewhere}");
    }
}
