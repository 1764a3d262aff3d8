//! Whose access it is, of which part of an object, and for how long anybody watches.

use super::*;

#[test]
fn keys_and_roles_narrow() {
    let keyed = |first, foreign, next| {
        let desk = Desk::new();
        desk.in_region(&REGION, || {
            desk.access_keyed(desk.own, Read, first);
            desk.access_keyed(desk.other, Write, foreign);
            desk.access_keyed(desk.own, Write, next);
        })
        .len()
    };
    let [one, two] = [Some(1), Some(2)];
    assert_eq!(keyed(one, one, one), 1);
    assert_eq!(keyed(one, None, one), 1);
    assert_eq!(keyed(None, one, None), 1);
    assert_eq!(keyed(None, one, one), 1);
    assert_eq!(keyed(one, two, one), 0);
    assert_eq!(
        keyed(one, one, two),
        0,
        "the region's two are of other parts"
    );
    assert_eq!(keyed(None, two, one), 0);
    let roles = |foreign: &'static Operation| {
        let desk = Desk::new();
        desk.in_region(&REGION, || {
            desk.call(desk.own, &TAKE);
            desk.call(desk.other, foreign);
            desk.call(desk.own, &TAKE);
        })
        .len()
    };
    // Reads by the role of the others: what stands between two writes.
    assert_eq!(roles(&LOOK), 1);
    assert_eq!(roles(&GIVE), 0);
    assert_eq!(roles(&TAKE), 0, "the last of three writes stands");
}

#[test]
fn a_scopes_region_is_about_its_object_key_and_role() {
    let on = |desk: &Desk, object, key| {
        let on = On {
            object,
            role: None,
            key,
        };
        let open = desk
            .engine
            .open_region(desk.own, &REGION, Some(on))
            .unwrap();
        desk.access_keyed(desk.own, Read, Some(1));
        desk.access_keyed(desk.other, Write, Some(1));
        desk.access_keyed(desk.own, Write, Some(1));
        let caught = desk.engine.close_region(desk.own, &open, true);
        assert!(!desk.is_watched());
        caught
    };
    let other = 0;
    let desk = Desk::new();
    assert!(on(&desk, desk.map, None));
    assert!(on(&desk, desk.map, Some(1)));
    assert!(!on(&desk, desk.map, Some(2)));
    assert!(!on(&desk, object(&other), None));
    // What it reads without a key, it reads for its own.
    let on = On {
        object: desk.map,
        role: None,
        key: Some(1),
    };
    for (foreign, wanted) in [(2, false), (1, true)] {
        let open = desk
            .engine
            .open_region(desk.own, &REGION, Some(on))
            .unwrap();
        desk.access(desk.own, Read);
        desk.access_keyed(desk.other, Write, Some(foreign));
        desk.access(desk.own, Read);
        assert_eq!(desk.engine.close_region(desk.own, &open, true), wanted);
    }
}

#[test]
fn the_outer_region_has_the_accesses_of_the_inner_one() {
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        let inner = desk.engine.open_region(desk.own, &STRICT, None).unwrap();
        desk.access(desk.other, Write);
        desk.access(desk.own, Write);
        let caught = desk.engine.close_region(desk.own, &inner, true);
        assert!(!caught, "the inner one had made no access before");
    });
    assert_eq!(proved, [Pattern::ReadWriteWrite]);
    // The end of the inner one is none of the outer one's accesses.
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        let inner = desk.engine.open_region(desk.own, &STRICT, None).unwrap();
        desk.access(desk.own, Read);
        desk.access(desk.other, Read);
        assert!(!desk.engine.close_region(desk.own, &inner, true));
        desk.access(desk.other, Write);
    });
    assert!(proved.is_empty());
    let desk = Desk::new();
    let outer = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    let inner = desk.engine.open_region(desk.own, &STRICT, None).unwrap();
    desk.access(desk.own, Read);
    desk.access(desk.other, Write);
    assert!(desk.engine.close_region(desk.own, &inner, true));
    assert!(!desk.engine.close_region(desk.own, &outer, true));
    assert_eq!(desk.patterns().len(), 1);
}

#[test]
fn own_accesses_are_no_strangers_whatever_the_regions_order() {
    let desk = Desk::new();
    let first = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    desk.access(desk.own, Read);
    let second = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    desk.access(desk.own, Write);
    assert!(!desk.engine.close_region(desk.own, &first, true));
    desk.access(desk.own, Read);
    assert!(!desk.engine.close_region(desk.own, &second, true));
    assert!(desk.patterns().is_empty() && !desk.is_watched());
}

#[test]
fn helpers_that_inherit_the_region_are_a_part_of_it() {
    for inherits in [false, true] {
        let desk = Desk::new();
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            let lineage = desk.engine.bequeath(Some(desk.own), Location::caller());
            let help = || desk.access(desk.other, Write);
            if inherits {
                // As deep as it goes.
                desk.engine.env().inherit(lineage, || {
                    let deeper = desk.engine.bequeath(None, Location::caller());
                    assert!(!deeper.is_empty());
                    desk.engine.env().inherit(deeper, help);
                });
            } else {
                help();
            }
            desk.access(desk.own, Write);
        });
        assert_eq!(proved.is_empty(), inherits);
    }
    // Begun before the region: no part of it.
    let desk = Desk::new();
    let lineage = desk.engine.bequeath(Some(desk.own), Location::caller());
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.engine
            .env()
            .inherit(lineage, || desk.access(desk.other, Write));
        desk.access(desk.own, Write);
    });
    assert_eq!(proved.len(), 1);
}

#[test]
fn a_leaked_region_ends_with_its_thread() {
    let desk = Desk::new();
    let _ = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    desk.access(desk.own, Read);
    assert!(desk.is_watched());
    desk.engine.abandon_regions(desk.own);
    desk.own.release();
    assert!(!desk.is_watched());
    let next = desk.engine.attach();
    assert!(std::ptr::eq(next, desk.own), "the block is used again");
    desk.access(desk.other, Write);
    desk.access(next, Write);
    assert!(desk.patterns().is_empty());
}

#[test]
fn the_end_of_an_object_ends_everybodys_watches() {
    static DROP: Operation =
        Operation::new("lab::Cache", "drop", Access::Write, Location::caller()).dropping();
    for dropped_by_other in [false, true] {
        let desk = Desk::new();
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            let who = [desk.own, desk.other][usize::from(dropped_by_other)];
            desk.engine.retire(who, desk.map);
            // Another object, at the same address.
            desk.access(desk.other, Write);
            desk.access(desk.own, Write);
        });
        assert!(proved.is_empty());
    }
    let desk = Desk::new();
    desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.engine.enter(desk.other, &call(&DROP, desk.map, None));
        assert!(!desk.is_watched(), "an annotated drop");
    });
}

#[test]
fn an_access_that_ends_in_another_context_is_nobodys() {
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        let first = desk.enter(desk.own, &LOOK);
        desk.leave(desk.other, first, Read);
        desk.access(desk.other, Write);
        desk.access(desk.own, Write);
    });
    assert!(proved.is_empty());
    for end in [None, Some(desk.other)] {
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            desk.access(desk.other, Write);
            let next = desk.enter(desk.own, &PUT);
            desk.engine.depart(end, next, Write);
            desk.access(desk.own, Write);
        });
        assert!(proved.is_empty());
    }
}

#[test]
fn a_region_that_is_polled_goes_from_thread_to_thread() {
    let desk = Desk::new();
    let engine = desk.engine;
    let paused = engine.begin_region(desk.own, &REGION, 7).unwrap();
    let region = engine.resume_region(desk.own, paused);
    desk.access(desk.own, Read);
    let paused = engine.pause_region(desk.own, &region).unwrap();
    // Another task, on the same thread.
    desk.access(desk.own, Write);
    let region = engine.resume_region(desk.other, paused);
    desk.access(desk.other, Write);
    assert_eq!(desk.patterns(), [Pattern::ReadWriteWrite]);
    assert!(engine.close_region(desk.other, &region, true));
    assert!(engine.pause_region(desk.other, &region).is_none());
    assert!(!desk.is_watched());
    assert_eq!(engine.number_of(desk.other), desk.other.number());

    // Its own accesses on both threads.
    let paused = engine.begin_region(desk.own, &REGION, 7).unwrap();
    let region = engine.resume_region(desk.own, paused);
    desk.access(desk.own, Read);
    let paused = engine.pause_region(desk.own, &region).unwrap();
    let region = engine.resume_region(desk.other, paused);
    desk.access(desk.other, Write);
    let paused = engine.pause_region(desk.other, &region).unwrap();
    let region = engine.resume_region(desk.own, paused);
    desk.access(desk.own, Read);
    let paused = engine.pause_region(desk.own, &region).unwrap();
    assert!(
        !engine.end_region(None, paused),
        "dropped between two polls"
    );
    assert!(!desk.is_watched());
    assert_eq!(desk.patterns().len(), 1);
}

#[test]
fn a_region_of_very_many_objects_forgets_the_first() {
    let desk = Desk::new();
    let many = vec![0_u64; 1000];
    let open = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    for value in &many {
        let call = call(&LOOK, object(value), None);
        let visit = desk.engine.arrive(desk.own, &call, None).unwrap();
        desk.leave(desk.own, visit, Read);
    }
    assert_eq!(desk.watches(), 64);
    desk.engine.close_region(desk.own, &open, true);
    assert_eq!(desk.watches(), 0);
}

#[test]
fn a_region_of_very_many_keys_forgets_the_first() {
    for declared in [&REGION, &STRICT] {
        let desk = Desk::new();
        let proved = desk.in_region(declared, || {
            for key in 1..=1000 {
                desk.access_keyed(desk.own, Read, Some(key));
            }
            assert_eq!(desk.watches(), 64);
            desk.access_keyed(desk.other, Write, Some(1));
            desk.access_keyed(desk.own, Write, Some(1));
            assert!(desk.patterns().is_empty(), "forgotten");
            assert_eq!(desk.watches(), 64);
            desk.access_keyed(desk.other, Write, Some(1000));
            desk.access_keyed(desk.own, Write, Some(1000));
        });
        assert_eq!(proved, [Pattern::ReadWriteWrite]);
        assert_eq!(desk.watches(), 0);
    }
}

#[test]
fn of_very_many_nested_regions_the_outermost_watch() {
    let desk = Desk::new();
    let open: Vec<_> = (0..200)
        .map(|key| {
            let open = desk.engine.open_region(desk.own, &REGION, None).unwrap();
            desk.access_keyed(desk.own, Read, Some(key + 1));
            open
        })
        .collect();
    assert_eq!(desk.watches(), 8 * 64);
    desk.access_keyed(desk.other, Write, Some(200));
    desk.access_keyed(desk.own, Write, Some(200));
    assert_eq!(desk.patterns(), [Pattern::ReadWriteWrite; 8]);
    for open in open.iter().rev() {
        desk.engine.close_region(desk.own, open, true);
    }
    assert_eq!(desk.watches(), 0);
}

#[test]
fn a_region_that_was_too_deep_once_watches_no_more() {
    let desk = Desk::new();
    let engine = desk.engine;
    let open = || engine.open_region(desk.own, &REGION, None).unwrap();
    let close = |open| engine.close_region(desk.own, open, true);
    let paused = engine.begin_region(desk.own, &REGION, 7).unwrap();
    let region = engine.resume_region(desk.own, paused);
    desk.access(desk.own, Read);
    assert_eq!(desk.watches(), 1);
    let paused = engine.pause_region(desk.own, &region).unwrap();
    let outer = [(); 8].map(|()| open());
    let region = engine.resume_region(desk.own, paused);
    assert_eq!(desk.watches(), 0, "what it had before is forgotten");
    desk.access(desk.own, Revalidated { wrote: false });
    let paused = engine.pause_region(desk.own, &region).unwrap();
    outer.iter().rev().for_each(|open| _ = close(open));
    let region = engine.resume_region(desk.own, paused);
    desk.access(desk.own, Read);
    assert_eq!(desk.watches(), 0);
    desk.access(desk.other, Write);
    desk.access(desk.own, Write);
    assert!(desk.patterns().is_empty());
    engine.close_region(desk.own, &region, true);
}
