//! Random programs, and an oracle that knows the order of all accesses.

use super::*;

/// An access as it really was, in steps of a clock that every entry and exit advances.
#[derive(Clone, Copy, Debug)]
struct Logged {
    context: u64,
    region: u64,
    object: [u64; 2],
    key: u64,
    did: Did,
    entered: u64,
    left: u64,
}

/// Whether three accesses are, in this order, what `found` says.
fn is_true(found: &Evidence<usize>, log: &[Logged]) -> bool {
    let region = found.region.as_ref().unwrap();
    let of = |party: &Party<usize>, did: Access| {
        let (context, key) = (party.context, party.key);
        let object = found.object.words();
        log.iter().filter(move |access| {
            access.context == context
                && access.object == object
                && Some(access.key) == key
                && access.did.access() == did
        })
    };
    of(&found.first, region.did[0]).any(|first| {
        of(&region.next, region.did[2]).any(|next| {
            let declared = first.region == next.region && first.region != 0;
            let own = (declared || region.suspected) && first.left < next.entered;
            own && Pattern::of(first.did, Did::from(region.did[1]), next.did)
                == Some(region.pattern)
                && of(&found.second, region.did[1])
                    .any(|other| first.left < other.entered && other.left < next.entered)
        })
    })
}

/// Thousands of random programs: no verdict that the oracle does not share, and hardly a violation missed that it knows.
#[test]
fn no_random_program_gets_a_verdict_that_is_not_true() {
    let (mut found, mut real) = (0, 0);
    for seed in 0..2_000_u64 {
        let objects = [0_u64; 2];
        let log = Mutex::new(Vec::new());
        let regions = AtomicU64::new(1);
        let body = |thread: u64| -> Body<'_> {
            let (objects, log, regions) = (&objects, &log, &regions);
            Box::new(move |t| {
                let mut state = seed.wrapping_mul(31).wrapping_add(thread * 7919) | 1;
                let mut draw = |below: u64| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state % below
                };
                for _ in 0..8 {
                    let is_region = draw(2) == 0;
                    let declared = [&REGION, &STRICT][(draw(4) == 0) as usize];
                    let open = is_region
                        .then(|| t.lab.engine.open_region(t.context, declared, None).unwrap());
                    let region = match is_region {
                        true => regions.fetch_add(1, SeqCst),
                        false => 0,
                    };
                    for _ in 0..1 + draw(3) {
                        let object = object(&objects[draw(2) as usize]);
                        let (key, did) = (1 + draw(2), ALL[draw(ALL.len() as u64) as usize]);
                        let call = call(of(did), object, Some(key));
                        let delayed = t.lab.engine.approach(t.context, &call);
                        let entered = t.lab.clock.fetch_add(1, SeqCst);
                        let visit = t.lab.engine.arrive(t.context, &call, delayed).unwrap();
                        if draw(2) == 0 {
                            t.pause(draw(3) * MS);
                        }
                        t.lab.engine.depart(Some(t.context), visit, did);
                        let left = t.lab.clock.fetch_add(1, SeqCst);
                        log.lock().unwrap().push(Logged {
                            context: t.context.number(),
                            region,
                            object: object.words(),
                            key,
                            did,
                            entered,
                            left,
                        });
                        if draw(3) == 0 {
                            t.pause(draw(3) * MS);
                        }
                    }
                    if let Some(open) = open {
                        t.lab.engine.close_region(t.context, &open, true);
                        // The end of a strict one, for the oracle.
                        let now = t.lab.clock.fetch_add(1, SeqCst);
                        let mut log = log.lock().unwrap();
                        let own: Vec<Logged> = log
                            .iter()
                            .filter(|access| access.region == region)
                            .copied()
                            .collect();
                        if declared.is_strict() {
                            log.extend(own.into_iter().map(|access| Logged {
                                did: Read,
                                entered: now,
                                left: now,
                                ..access
                            }));
                        }
                    }
                    t.pause(draw(4) * MS);
                }
            })
        };
        let parameters = Parameters {
            suspicions: seed % 4 == 0,
            ..declared()
        };
        let ran = run_by(parameters, seed, vec![body(0), body(1), body(2)]);
        let log = log.into_inner().unwrap();
        for evidence in &ran.evidence {
            assert!(
                is_true(evidence, &log),
                "seed {seed}: reported what did not happen: {evidence:?}"
            );
        }
        let of_regions = |found: &Evidence<usize>| {
            found
                .region
                .as_ref()
                .is_some_and(|region| !region.suspected)
        };
        found += usize::from(ran.evidence.iter().any(of_regions));
        real += usize::from(is_violated(&log));
    }
    assert!(real > 400 && found * 10 >= real * 9, "{found} of {real}");
}

/// Whether two consecutive accesses of a region to a key were interrupted.
fn is_violated(log: &[Logged]) -> bool {
    log.iter().filter(|first| first.region != 0).any(|first| {
        let same = |other: &&Logged| (other.object, other.key) == (first.object, first.key);
        let next = log
            .iter()
            .filter(same)
            .filter(|next| next.region == first.region && next.entered > first.left)
            .min_by_key(|next| next.entered);
        next.is_some_and(|next| {
            log.iter().filter(same).any(|other| {
                other.context != first.context
                    && first.left < other.entered
                    && other.left < next.entered
                    && Pattern::of(first.did, other.did, next.did).is_some()
            })
        })
    })
}
