//! What interrupts a region, by patterns made step by step, and what does not.

use super::*;

#[test]
fn what_stands_between_two_accesses_is_proved_by_its_pattern() {
    for first in ALL {
        for foreign in ALL {
            for next in ALL {
                let desk = Desk::new();
                let proved = desk.in_region(&REGION, || {
                    desk.access(desk.own, first);
                    desk.access(desk.other, foreign);
                    desk.access(desk.own, next);
                });
                let wanted = Pattern::of(first, foreign, next);
                assert_eq!(
                    proved,
                    Vec::from_iter(wanted),
                    "{first:?} {foreign:?} {next:?}"
                );
            }
        }
    }
}

/// Operations of a plain contract are accesses, too.
#[test]
fn marked_operations_in_regions_and_between_them() {
    let desk = Desk::new();
    let call = |who: &'static Context<Simulated>, operation, whole: Option<bool>| {
        let Entered::InFlight(index) = desk.engine.enter(who, &call(operation, desk.map, None))
        else {
            panic!("not in flight");
        };
        if let Some(wrote) = whole {
            who.regions.when(index, wrote);
        }
        desk.engine.leave(who, index);
    };
    // So that the filters know them, unless they are told.
    for _ in 0..3 {
        call(desk.own, &GET, None);
        call(desk.other, &GET, None);
    }
    let proved = desk.in_region(&REGION, || {
        call(desk.own, &GET, None);
        call(desk.other, &INSERT, None);
        call(desk.own, &GET, None);
        call(desk.own, &INSERT, None);
        call(desk.other, &GET, None);
        call(desk.own, &INSERT, None);
    });
    assert_eq!(proved, [Pattern::ReadWriteRead, Pattern::WriteReadWrite]);
    for wrote in [false, true] {
        let proved = desk.in_region(&REGION, || {
            call(desk.own, &GET, None);
            call(desk.other, &INSERT, Some(wrote));
            call(desk.own, &INSERT, Some(true));
        });
        assert_eq!(proved.len(), usize::from(wrote), "of the other one");
        let proved = desk.in_region(&REGION, || {
            call(desk.own, &GET, None);
            call(desk.other, &INSERT, None);
            call(desk.own, &INSERT, Some(wrote));
        });
        assert_eq!(proved.len(), usize::from(wrote), "of the region's own");
    }
    // One that unwinds may or may not have written.
    let proved = desk.in_region(&REGION, || {
        call(desk.own, &GET, None);
        call(desk.other, &INSERT, None);
        let inserts = super::call(&INSERT, desk.map, None);
        let Entered::InFlight(index) = desk.engine.enter(desk.own, &inserts) else {
            panic!("not in flight");
        };
        assert!(desk.own.finish(index));
        desk.engine.answer_for_mark(desk.own, index, false);
    });
    assert!(proved.is_empty());
    assert!(Now::is_quiet(desk.engine.now.load()), "all is retracted");
}

#[test]
fn a_proof_has_the_three_accesses_in_order() {
    let desk = Desk::new();
    desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.access(desk.other, Write);
        desk.access(desk.own, Write);
    });
    let found = &desk.engine.env().evidence()[0];
    let region = found.region.as_ref().unwrap();
    let of = |party: &Party<usize>| (party.operation.name(), party.context);
    assert_eq!(of(&found.first), ("look", desk.own.number()));
    assert_eq!(of(&found.second), ("put", desk.other.number()));
    assert_eq!(of(&region.next), ("put", desk.own.number()));
    assert_eq!(region.did, [Access::Read, Access::Write, Access::Write]);
    assert_eq!(region.declared.name(), "region");
    assert_eq!(found.detected_by, DetectedBy::Overlap, "nobody was held");
}

#[test]
fn without_a_region_nothing_is_watched() {
    let desk = Desk::new();
    desk.access(desk.own, Read);
    assert!(!desk.is_watched());
    desk.access(desk.other, Write);
    desk.access(desk.own, Write);
    assert!(desk.patterns().is_empty());
}

#[test]
fn what_comes_after_the_last_access_counts_for_strict_regions_only() {
    for (region, wanted) in [(&REGION, None), (&STRICT, Some(Pattern::ReadWriteRead))] {
        for (first, foreign) in [(Read, Write), (Read, Read), (Write, Read)] {
            let desk = Desk::new();
            let proved = desk.in_region(region, || {
                desk.access(desk.own, first);
                desk.access(desk.other, foreign);
            });
            let wanted = wanted.filter(|_| foreign.writes());
            assert_eq!(proved, Vec::from_iter(wanted), "{first:?} {foreign:?}");
            desk.access(desk.other, Write);
            assert_eq!(desk.patterns().len(), proved.len(), "after its end");
        }
    }
    let desk = Desk::new();
    let proved = desk.in_region(&STRICT, || {
        desk.access(desk.own, Write);
        desk.access(desk.other, Write);
    });
    assert_eq!(proved, [Pattern::WriteWriteRead]);
}

#[test]
fn what_overlaps_an_access_of_the_region_is_undecided() {
    // Entered before the first has left.
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        let first = desk.enter(desk.own, &LOOK);
        let foreign = desk.enter(desk.other, &PUT);
        desk.leave(desk.own, first, Read);
        desk.leave(desk.other, foreign, Write);
        desk.access(desk.own, Write);
    });
    assert!(proved.is_empty());
    // Leaves after the next has entered, or has left.
    for after in [false, true] {
        let desk = Desk::new();
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            let foreign = desk.enter(desk.other, &PUT);
            let next = desk.enter(desk.own, &PUT);
            if after {
                desk.leave(desk.own, next, Write);
                desk.leave(desk.other, foreign, Write);
            } else {
                desk.leave(desk.other, foreign, Write);
                desk.leave(desk.own, next, Write);
            }
            desk.access(desk.own, Write);
        });
        assert!(proved.is_empty(), "{after}");
    }
}

#[test]
fn an_access_that_did_nothing_is_none() {
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        let nothing = desk.enter(desk.other, &PUT);
        desk.leave(desk.other, nothing, Nothing);
        desk.access(desk.own, Write);
    });
    assert!(proved.is_empty());
    // Nor does it end what the region waits for.
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.access(desk.other, Write);
        let nothing = desk.enter(desk.own, &PUT);
        desk.leave(desk.own, nothing, Nothing);
        desk.access(desk.own, Write);
    });
    assert_eq!(proved, [Pattern::ReadWriteWrite]);
}

#[test]
fn a_region_starts_anew_where_it_looks_again() {
    let again: [&dyn Fn(&Desk); 2] = [
        &|desk| desk.access(desk.own, Revalidated { wrote: false }),
        &|desk| desk.engine.revalidated(desk.own, desk.map),
    ];
    for look in again {
        let desk = Desk::new();
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            desk.access(desk.other, Write);
            look(&desk);
            desk.access(desk.own, Write);
        });
        assert!(proved.is_empty());
    }
    let desk = Desk::new();
    let open = desk.engine.open_region(desk.own, &REGION, None).unwrap();
    desk.access(desk.own, Read);
    desk.access(desk.other, Write);
    desk.engine.restart_region(desk.own, &open);
    assert!(!desk.is_watched());
    desk.access(desk.own, Write);
    assert!(desk.patterns().is_empty());
    desk.access(desk.other, Read);
    desk.access(desk.own, Write);
    assert_eq!(desk.patterns(), [Pattern::WriteReadWrite], "but goes on");
    assert!(desk.engine.close_region(desk.own, &open, true));
}

#[test]
fn a_look_at_one_key_is_none_at_the_others() {
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        desk.access_keyed(desk.own, Read, Some(1));
        desk.access_keyed(desk.own, Read, Some(2));
        desk.access_keyed(desk.other, Write, Some(1));
        desk.access_keyed(desk.own, Revalidated { wrote: false }, Some(2));
        desk.access_keyed(desk.own, Write, Some(1));
    });
    assert_eq!(proved, [Pattern::ReadWriteWrite]);
}

#[test]
fn a_look_at_one_key_is_one_at_what_was_known_of_all() {
    let desk = Desk::new();
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.access_keyed(desk.other, Write, Some(1));
        desk.access_keyed(desk.own, Revalidated { wrote: false }, Some(1));
        desk.access_keyed(desk.own, Write, Some(1));
    });
    assert!(proved.is_empty());
}

#[test]
fn a_call_of_all_keys_is_a_write_of_those_that_it_wrote() {
    let desk = Desk::new();
    let (one, two) = (Some(1), Some(2));
    for first in [one, None] {
        for (swept, wanted) in [(1, Some(Pattern::ReadWriteWrite)), (2, None)] {
            let proved = desk.in_region(&REGION, || {
                desk.access_keyed(desk.own, Read, first);
                desk.sweep(desk.other, &[swept]);
                desk.access_keyed(desk.own, Write, one);
            });
            assert_eq!(proved, Vec::from_iter(wanted), "{first:?} {swept}");
        }
    }
    // One that wrote other keys does not stand for the next.
    let proved = desk.in_region(&REGION, || {
        desk.access(desk.own, Read);
        desk.sweep(desk.other, &[2]);
        desk.sweep(desk.other, &[1]);
        desk.access_keyed(desk.own, Write, one);
    });
    assert_eq!(proved, [Pattern::ReadWriteWrite]);
    // As the region's own.
    for (foreign, wanted) in [(one, Some(Pattern::WriteReadWrite)), (two, None)] {
        let proved = desk.in_region(&REGION, || {
            desk.sweep(desk.own, &[1]);
            desk.access_keyed(desk.other, Read, foreign);
            desk.access_keyed(desk.own, Write, foreign);
        });
        assert_eq!(proved, Vec::from_iter(wanted), "{foreign:?}");
        let proved = desk.in_region(&REGION, || {
            desk.access_keyed(desk.own, Read, foreign);
            desk.access_keyed(desk.other, Write, foreign);
            desk.sweep(desk.own, &[1]);
        });
        assert!(proved.is_empty(), "it looked anew");
        let proved = desk.in_region(&REGION, || {
            desk.sweep(desk.own, &[1]);
            desk.access_keyed(desk.other, Write, foreign);
            desk.access(desk.own, Read);
        });
        assert_eq!(proved, [Pattern::ReadWriteRead]);
    }
    // It may have written before the region began.
    let proved = desk.in_region(&REGION, || {
        let mut sweep = desk.enter(desk.other, &SWAP);
        desk.access_keyed(desk.own, Read, one);
        sweep.wrote_only(vec![1], Revalidated { wrote: false });
        desk.leave(desk.other, sweep, Revalidated { wrote: true });
        desk.access_keyed(desk.own, Write, one);
    });
    assert!(proved.is_empty());
}

#[test]
fn whoever_comes_to_other_keys_hides_nobody() {
    let desk = Desk::new();
    let others = |desk: &Desk, count| {
        for key in 0..count {
            for did in [Write, Update, Write] {
                desk.access_keyed(desk.other, did, Some(100 + key));
            }
        }
    };
    // The one that counts is the last of many, or the first.
    for (before, after) in [(0, 0), (63, 0), (0, 63), (20, 20)] {
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            others(&desk, before);
            desk.access_keyed(desk.other, Write, Some(1));
            others(&desk, after);
            desk.access_keyed(desk.own, Write, Some(1));
        });
        assert_eq!(proved, [Pattern::ReadWriteWrite], "{before} {after}");
    }
    // Of more keys than are kept, those that came first are; and whatever was done to all.
    for (all, key) in [(false, 100), (true, 1)] {
        let proved = desk.in_region(&REGION, || {
            desk.access(desk.own, Read);
            others(&desk, 1_000);
            if all {
                desk.access(desk.other, Write);
            }
            desk.access_keyed(desk.own, Write, Some(key));
        });
        assert_eq!(proved, [Pattern::ReadWriteWrite], "{key}");
    }
}
