//! What is suspected where no region is declared.

use super::*;
use crate::config::StrategyName;
use crate::engine::env::Environment;
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
    (ran.evidence.len() - ran.taken_back, ran.delays)
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
        let buckets = desk.engine.traps.buckets();
        most = most.max(
            buckets
                .map(|bucket| bucket.lock().watches.len())
                .sum::<usize>(),
        );
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

/// In each turn it looks or writes.
#[test]
fn turns_that_look_like_one_call_are_not_suspected() {
    for seed in 0..100 {
        let (found, _) = suspected(seed, 60, |t, map| match t.lab.engine.env().random() {
            random if random < 0.5 => t.access(&LOOK, map, None, Read, 0),
            _ => t.access(&PUT, map, None, Write, 0),
        });
        assert_eq!(found, 0, "seed {seed}");
    }
}

/// What `script` leaves suspected: a call that `L`ooks and `P`uts, in this order of its source, writes `B`efore that, and looks in the
/// `M`iddle; a write of another's (`x`), a look on a third thread (`l`), and the number of the task that all of it is done in.
fn played(script: &str) -> usize {
    let desk = Desk::with(Parameters {
        strategy: StrategyName::Observe,
        ..crate::engine::tests::lab::parameters()
    });
    let third = desk.engine.attach();
    let play = |step| match step {
        'x' => desk.access(desk.other, Write),
        'B' => desk.access(desk.own, Write),
        'L' => desk.access(desk.own, Read),
        'l' => desk.access(third, Read),
        'M' => desk.access(desk.own, Revalidated { wrote: false }),
        'P' => desk.access(desk.own, Write),
        task => poll_task(task.to_digit(10).unwrap()),
    };
    // Those that its call sites will have.
    for site in 1..=6 {
        desk.engine.trap_set.suspect(site, site, MS);
    }
    script.chars().for_each(play);
    poll_task(0);
    let found = desk.engine.env().evidence().into_iter();
    let stands = found.filter(|found| {
        let next = &found.region.as_ref().unwrap().next;
        !desk.engine.comes_alone(&found.first, next)
    });
    stands.count()
}

#[test]
fn an_act_that_also_comes_without_its_check_is_not_suspected() {
    for (script, expected) in [
        ("LxP", 1),
        ("LLPLLLPLxP", 1),
        // A call does not go back.
        ("LxB", 0),
        // It follows itself, before or after it was suspected.
        ("LPPLxP", 0),
        ("LxPLPP", 0),
        // It follows what lies before the check; or what lies between, which says nothing.
        ("LPBPLxP", 0),
        ("LPBLPBLMPLxP", 1),
        ("LMPLMPLxP", 1),
        ("LPMPLxP", 0),
        // Before a look was known of nothing is known.
        ("PPLxP", 1),
        // Others' looks are no checks of this thread's.
        ("LPlPLxP", 0),
        ("lPLxP", 1),
        // Two tasks on one thread take turns, each with its check.
        ("1L2L1P2P1L3x1P", 1),
        ("1L1P2P2P1L3x1P", 0),
    ] {
        assert_eq!(played(script), expected, "{script}");
    }
}

#[test]
fn what_is_not_kept_any_more_speaks_against_nothing() {
    let all = "LLP".repeat(250);
    // All stacks for looks are spent, and puts have some left.
    assert_eq!(played(&format!("LxP{all}")), 1);
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
