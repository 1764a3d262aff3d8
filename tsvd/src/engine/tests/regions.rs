//! Regions expected to be atomic: what interrupts them and what does not, by patterns made step by step, and by random programs with
//! an oracle that knows the order of all accesses.

use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::lab::{Body, GET, INSERT, MS, Thread, object, run_by};
use crate::config::Parameters;
use crate::contract::{Access, Did, Key, Object, Operation, Pattern, Region};
use crate::engine::enter::{Entered, object_hash};
use crate::engine::env::simulated::Simulated;
use crate::engine::traps::{DetectedBy, Evidence, Party};
use crate::engine::{Call, Context, Engine, Now, On, Visit};

use Did::{Nothing, Read, Revalidated, Update, Write};

static LOOK: Operation = operation("look", Access::Read);
static PUT: Operation = operation("put", Access::Write);
static SWAP: Operation = operation("swap", Access::Update);
static TAKE: Operation = operation("take", Access::Write).with_role("taker");
static GIVE: Operation = operation("give", Access::Write).with_role("giver");
static REGION: Region = Region::new("lab", "region", false, Location::caller());
static STRICT: Region = Region::new("lab", "strict", true, Location::caller());

const fn operation(name: &'static str, access: Access) -> Operation {
    Operation::new("lab::Cache", name, access, Location::caller()).thread_safe()
}

fn of(did: Did) -> &'static Operation {
    match did {
        Read => &LOOK,
        Write => &PUT,
        _ => &SWAP,
    }
}

#[track_caller]
fn call(operation: &'static Operation, object: Object, key: Option<u64>) -> Call<'static> {
    Call {
        operation,
        site: Location::caller(),
        object,
        key: key.map(|hash| Key { hash, debug: None }),
    }
}

/// Nothing is looked for but what interrupts declared regions.
fn declared() -> Parameters {
    Parameters {
        suspicions: false,
        ..super::lab::parameters()
    }
}

/// An engine and two contexts, whose steps the test makes one after the other.
struct Desk {
    engine: &'static Engine<Simulated>,
    own: &'static Context<Simulated>,
    other: &'static Context<Simulated>,
    map: Object,
}

impl Desk {
    fn new() -> Self {
        Self::with(declared())
    }

    fn with(parameters: Parameters) -> Self {
        let now: &'static Now = Box::leak(Box::new(Now::undecided()));
        let engine = Engine::new(Simulated::new(1, 1), now, parameters);
        let engine: &'static Engine<Simulated> = Box::leak(Box::new(engine));
        now.switch_on();
        Self {
            engine,
            own: engine.attach(),
            other: engine.attach(),
            map: object(Box::leak(Box::new(0))),
        }
    }

    #[track_caller]
    fn enter(&self, who: &'static Context<Simulated>, operation: &'static Operation) -> Visit {
        self.enter_keyed(who, operation, None)
    }

    #[track_caller]
    fn enter_keyed(
        &self,
        who: &'static Context<Simulated>,
        operation: &'static Operation,
        key: Option<u64>,
    ) -> Visit {
        let call = call(operation, self.map, key);
        let delayed = self.engine.approach(who, &call);
        self.engine.arrive(who, &call, delayed).unwrap()
    }

    fn leave(&self, who: &'static Context<Simulated>, visit: Visit, did: Did) {
        self.engine.depart(Some(who), visit, did);
    }

    #[track_caller]
    fn access(&self, who: &'static Context<Simulated>, did: Did) {
        self.access_keyed(who, did, None);
    }

    #[track_caller]
    fn access_keyed(&self, who: &'static Context<Simulated>, did: Did, key: Option<u64>) {
        let visit = self.enter_keyed(who, of(did), key);
        self.leave(who, visit, did);
    }

    #[track_caller]
    fn call(&self, who: &'static Context<Simulated>, operation: &'static Operation) {
        let visit = self.enter(who, operation);
        self.leave(who, visit, operation.access().into());
    }

    /// What is proved in a region in which `steps` are made.
    fn in_region(&self, region: &'static Region, steps: impl FnOnce()) -> Vec<Pattern> {
        let before = self.patterns().len();
        let open = self.engine.open_region(self.own, region, None).unwrap();
        steps();
        let caught = self.engine.close_region(self.own, &open, true);
        let proved = self.patterns().split_off(before);
        assert_eq!(caught, !proved.is_empty());
        assert!(!self.own.regions.any());
        assert!(!self.is_watched(), "a watch is left");
        proved
    }

    fn patterns(&self) -> Vec<Pattern> {
        let evidence = self.engine.env().evidence().into_iter();
        evidence
            .map(|found| found.region.unwrap().pattern)
            .collect()
    }

    fn is_watched(&self) -> bool {
        self.engine.watched.any(object_hash(self.map.words()))
    }
}

const ALL: [Did; 5] = [
    Read,
    Write,
    Update,
    Revalidated { wrote: false },
    Revalidated { wrote: true },
];

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
        let inserts = super::regions::call(&INSERT, desk.map, None);
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
    let watches = || {
        let buckets = desk.engine.traps.buckets();
        buckets
            .map(|bucket| bucket.lock().watches.len())
            .sum::<usize>()
    };
    assert_eq!(watches(), 64);
    desk.engine.close_region(desk.own, &open, true);
    assert_eq!(watches(), 0);
}

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

impl Thread<'_> {
    #[track_caller]
    fn access(
        &self,
        operation: &'static Operation,
        map: Object,
        key: Option<u64>,
        did: Did,
        body_ns: u64,
    ) {
        let call = call(operation, map, key);
        let delayed = self.lab.engine.approach(self.context, &call);
        let visit = self.lab.engine.arrive(self.context, &call, delayed);
        if body_ns > 0 {
            self.pause(body_ns);
        }
        self.lab
            .engine
            .depart(Some(self.context), visit.unwrap(), did);
    }
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
    let ran = run_by(super::lab::parameters(), seed, vec![run(0), run(4 * MS)]);
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
    let desk = Desk::with(super::lab::parameters());
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
                        let (key, did) = (1 + draw(2), ALL[draw(5) as usize]);
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
