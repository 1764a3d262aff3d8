//! Where regions are held, and what is learnt from it.

use super::*;

/// Two contexts that ask for a value, and make it where there is none.
fn get_or_create<'a>(map: Object, rounds: usize, offset: u64, period: u64) -> Body<'a> {
    Box::new(move |t| {
        t.pause(offset);
        for key in 0..rounds as u64 {
            let open = t.lab.engine.open_region(t.context, &REGION, None).unwrap();
            t.access(&LOOK, map, Some(key % 4), Read, 0);
            t.pause(MS / 10);
            t.access(&PUT, map, Some(key % 4), Write, 0);
            t.lab.engine.close_region(t.context, &open, true);
            t.pause(period);
        }
    })
}

#[test]
fn check_then_act_that_never_meets_by_itself_is_caught_by_a_delay() {
    for seed in 0..200 {
        let map = 0;
        let map = object(&map);
        // Half a period apart: nobody comes in between unless somebody is held.
        let ran = run_by(
            declared(),
            seed,
            vec![
                get_or_create(map, 40, 0, 8 * MS),
                get_or_create(map, 40, 4 * MS, 8 * MS),
            ],
        );
        // Once their periods have met, they go on to.
        let found = ran.evidence.first();
        let found = found.unwrap_or_else(|| panic!("seed {seed}: nothing"));
        assert_eq!(found.detected_by, DetectedBy::Trap);
        assert_eq!(
            found.region.as_ref().unwrap().pattern,
            Pattern::ReadWriteWrite
        );
        assert!(ran.delay_ns < 100 * MS, "{} ms", ran.delay_ns / MS);
        // The delay ends with the other's act.
        let next = &found.region.as_ref().unwrap().next;
        assert_eq!(next.entered_ns, found.second.entered_ns, "seed {seed}");
    }
}

#[test]
fn whoever_only_looks_or_acts_is_not_held() {
    let map = 0;
    let map = object(&map);
    for seed in 0..50 {
        let body = |offset, operation: &'static Operation, did| -> Body<'_> {
            Box::new(move |t| {
                t.pause(offset);
                for _ in 0..60 {
                    t.access(operation, map, None, did, 0);
                    t.pause(MS);
                }
            })
        };
        let ran = run_by(
            declared(),
            seed,
            vec![body(0, &LOOK, Read), body(MS / 2, &PUT, Write)],
        );
        assert_eq!((ran.delays, ran.near_misses), (0, 0), "seed {seed}");
    }
}

#[test]
fn delays_in_vain_become_fewer() {
    let map = 0;
    let map = object(&map);
    for seed in 0..50 {
        // The other one comes at a time when nobody is between check and act, but is never idle.
        let other = 0;
        let other = object(&other);
        let turn = AtomicU64::new(0);
        let rounds = 60;
        let ran = run_by(
            declared(),
            seed,
            vec![
                Box::new(|t| {
                    for round in 0..rounds {
                        let open = t.lab.engine.open_region(t.context, &REGION, None).unwrap();
                        t.access(&LOOK, map, None, Read, 0);
                        t.access(&PUT, map, None, Write, 0);
                        t.lab.engine.close_region(t.context, &open, true);
                        turn.store(2 * round + 1, SeqCst);
                        while turn.load(SeqCst) < 2 * round + 2 {
                            t.pause(MS / 4);
                        }
                    }
                }),
                Box::new(|t| {
                    for round in 0..rounds {
                        while turn.load(SeqCst) < 2 * round + 1 {
                            t.access(&LOOK, other, None, Read, 0);
                            t.pause(MS / 4);
                        }
                        t.access(&PUT, map, None, Write, 0);
                        turn.store(2 * round + 2, SeqCst);
                    }
                }),
            ],
        );
        assert!(ran.evidence.is_empty(), "seed {seed}: {:?}", ran.evidence);
        assert!((1..=10).contains(&ran.delays), "{} delays", ran.delays);
    }
}

#[test]
fn of_two_between_check_and_act_one_is_held() {
    for seed in 0..50 {
        let map = 0;
        let map = object(&map);
        let looked = AtomicU64::new(0);
        let body = || -> Body<'_> {
            let looked = &looked;
            Box::new(move |t| {
                let engine = t.lab.engine;
                let site = engine.sites.number(&PUT, PUT.definition(), |_| None);
                engine.trap_set.suspect(site, site, 10 * MS);
                let open = engine.open_region(t.context, &REGION, None).unwrap();
                t.access(&LOOK, map, None, Read, 0);
                looked.fetch_add(1, SeqCst);
                while looked.load(SeqCst) < 2 {
                    t.pause(MS / 10);
                }
                let put = Call {
                    site: PUT.definition(),
                    ..call(&PUT, map, None)
                };
                let delayed = engine.approach(t.context, &put);
                t.pause(MS / 10);
                let visit = engine.arrive(t.context, &put, delayed).unwrap();
                engine.depart(Some(t.context), visit, Write);
                engine.close_region(t.context, &open, true);
            })
        };
        let ran = run_by(declared(), seed, vec![body(), body()]);
        assert_eq!(ran.evidence.len(), 1, "seed {seed}");
        assert_eq!(ran.delays, 1, "seed {seed}");
        assert!(ran.delay_ns < 2 * MS, "{} µs", ran.delay_ns / 1000);
    }
}

#[test]
fn who_found_the_others_work_done_would_have_done_it() {
    let map = 0;
    let map = object(&map);
    let ran = run_by(
        declared(),
        1,
        vec![
            Box::new(|t| {
                let open = t.lab.engine.open_region(t.context, &REGION, None).unwrap();
                t.access(&LOOK, map, None, Read, 0);
                t.access(&PUT, map, None, Write, 0);
                t.lab.engine.close_region(t.context, &open, true);
            }),
            Box::new(|t| {
                t.pause(MS);
                let open = t.lab.engine.open_region(t.context, &REGION, None).unwrap();
                t.access(&LOOK, map, None, Read, 0);
                t.lab.engine.close_region(t.context, &open, true);
            }),
        ],
    );
    assert!(ran.evidence.is_empty());
    assert_eq!(ran.near_misses, 1);
}
