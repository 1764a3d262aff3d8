//! Regions: one is reported if and only if another context's access lay wholly between two of its own.
//!
//! Each access has three stamps of one clock, which is interleaved and orders no memory: it came, it took place, it was gone. A
//! report needs three accesses that took place in this order, wherever in their calls they did. Three that were apart as whole calls are
//! reported. What lies in between may be either.

use std::sync::Arc;

use super::lab::{Goals, LOOK, Lab, PUT, REGION, STRICT, is_trap};
use super::{Delays, INVENTED, Modelled, UNPROVED, bounded, reaches};
use crate::contract::{Did, Operation, Pattern, Region};
use crate::engine::primitive::{AtomicU32, Ordering};
use crate::model::checked::holds;
use crate::thread;

/// One access as it really was.
#[derive(Clone, Copy, Debug)]
struct Access {
    did: Did,
    came: u32,
    took_place: u32,
    gone: u32,
}

impl Access {
    /// As reports have it.
    fn came(&self) -> u64 {
        u64::from(self.came)
    }
}

/// One execution's engine, and its clock.
struct Scene {
    lab: Arc<Lab>,
    clock: AtomicU32,
}

fn of(did: Did) -> &'static Operation {
    match did {
        Did::Read => &LOOK,
        _ => &PUT,
    }
}

impl Scene {
    fn new(contexts: usize, armed: &[&'static Operation]) -> Arc<Self> {
        Arc::new(Self {
            lab: Lab::new(Delays::EndWhenTold, contexts, armed),
            clock: AtomicU32::new(0),
        })
    }

    fn now(&self) -> u32 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// An access comes: its thread's clock, and so a report, tells it by this.
    fn come(&self) -> u32 {
        let came = self.now();
        Modelled::set_clock(u64::from(came));
        came
    }

    fn access(&self, me: usize, did: Did) -> Access {
        let came = self.come();
        let visit = self.lab.arrive(me, of(did));
        let took_place = self.now();
        self.lab.depart(me, visit, did);
        let gone = self.now();
        Access {
            did,
            came,
            took_place,
            gone,
        }
    }

    /// Another thread's access, as context `me`.
    fn foreign(self: &Arc<Self>, me: usize, did: Did) -> thread::JoinHandle<Access> {
        let scene = Arc::clone(self);
        thread::spawn(move || scene.access(me, did))
    }

    /// Each report is true, and of each two accesses of the region that another was apart between there is one.
    fn judge(&self, goals: &Goals, own: &[Access], foreign: &[Access]) {
        let seen = self.lab.seen();
        goals.reach(&seen);
        let mut of_neighbours = 0;
        for pair in own.windows(2) {
            let is_real = |other: Access| {
                pair[0].took_place < other.took_place && other.took_place < pair[1].took_place
            };
            let is_apart = |other: &Access| pair[0].gone < other.came && other.gone < pair[1].came;
            let of_pair = seen.violations.iter().filter(|found| {
                let region = found.region.as_ref().unwrap();
                found.first.entered_ns == pair[0].came() && region.next.entered_ns == pair[1].came()
            });
            let seconds = of_pair.map(|found| {
                let second = found.second.entered_ns;
                *foreign.iter().find(|other| other.came() == second).unwrap()
            });
            let reported = seconds.collect::<Vec<_>>();
            of_neighbours += reported.len();
            let pattern = |other: &Access| Pattern::of(pair[0].did, other.did, pair[1].did);
            assert!(reported.iter().all(|&other| is_real(other)), "{INVENTED}");
            assert!(
                reported.iter().all(|other| pattern(other).is_some()),
                "{INVENTED}"
            );
            let mut others = foreign.iter().filter(|other| pattern(other).is_some());
            assert!(reported.len() <= 1, "{UNPROVED}");
            assert!(!reported.is_empty() || !others.any(is_apart), "{UNPROVED}");
        }
        let reports = seen.violations.len();
        assert_eq!(reports, of_neighbours, "{INVENTED}");
    }
}

/// A region of two accesses, and another's.
fn interrupted(goals: &Goals, [first, foreign, next]: [Did; 3]) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, &REGION);
    let other = scene.foreign(0, foreign);
    let own = [scene.access(1, first), scene.access(1, next)];
    scene.lab.close_region(1, &region);
    let other = other.join().unwrap();
    scene.judge(goals, &own, &[other]);
}

pub(super) fn read_write_read(goals: &Goals) {
    interrupted(goals, [Did::Read, Did::Write, Did::Read]);
}

fn write_read_write(goals: &Goals) {
    interrupted(goals, [Did::Write, Did::Read, Did::Write]);
}

fn read_write_write(goals: &Goals) {
    interrupted(goals, [Did::Read, Did::Write, Did::Write]);
}

fn write_write_read(goals: &Goals) {
    interrupted(goals, [Did::Write, Did::Write, Did::Read]);
}

fn no_pattern(goals: &Goals) {
    interrupted(goals, [Did::Read, Did::Read, Did::Write]);
}

/// One that was inside while an access of the region was belongs to neither side of it.
pub(super) fn three_accesses(goals: &Goals) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, &REGION);
    let other = scene.foreign(0, Did::Write);
    let own = [(); 3].map(|()| scene.access(1, Did::Read));
    scene.lab.close_region(1, &region);
    let other = other.join().unwrap();
    scene.judge(goals, &own, &[other]);
}

/// Two others: still one report for each two accesses of the region.
pub(super) fn two_foreign(goals: &Goals) {
    let scene = Scene::new(3, &[]);
    let region = scene.lab.open_region(1, &REGION);
    let others = [0, 2].map(|me| scene.foreign(me, Did::Write));
    let own = [scene.access(1, Did::Read), scene.access(1, Did::Write)];
    scene.lab.close_region(1, &region);
    let others = others.map(|other| other.join().unwrap());
    scene.judge(goals, &own, &others);
}

/// The end of a strict region is a read; of another it is none.
fn until_the_end(goals: &Goals, declared: &'static Region) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, declared);
    let other = scene.foreign(0, Did::Write);
    let mut own = vec![scene.access(1, Did::Read)];
    let came = scene.come();
    scene.lab.close_region(1, &region);
    let gone = scene.now();
    let other = other.join().unwrap();
    if declared.is_strict() {
        own.push(Access {
            did: Did::Read,
            came,
            took_place: gone,
            gone,
        });
    }
    scene.judge(goals, &own, &[other]);
}

fn strict(goals: &Goals) {
    until_the_end(goals, &STRICT);
}

fn not_strict(goals: &Goals) {
    until_the_end(goals, &REGION);
}

/// What ends what a region knows of an object.
#[derive(Clone, Copy)]
pub(super) enum Anew {
    /// Its life; the next one has its address.
    Retired,
    Restarted,
    Revalidated,
    /// An access that looks before it writes.
    Looked,
}

/// A region begins anew between its accesses: nothing stands between what it knew and what it does then.
pub(super) fn anew(how: Anew) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, &REGION);
    let other = scene.foreign(0, Did::Write);
    scene.access(1, Did::Read);
    match how {
        Anew::Retired => scene.lab.retire(1, &LOOK),
        Anew::Restarted => scene.lab.restart_region(1, &region),
        Anew::Revalidated => scene.lab.revalidated(1, &LOOK),
        Anew::Looked => {}
    }
    let next = match how {
        Anew::Looked => Did::Revalidated { wrote: true },
        _ => Did::Write,
    };
    scene.access(1, next);
    scene.lab.close_region(1, &region);
    other.join().unwrap();
    assert!(scene.lab.seen().violations.is_empty(), "{INVENTED}");
}

/// A context that was begun in the region works for it, whenever it does; `inherits` says that the engine knows of it.
pub(super) fn helped(inherits: bool) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, &REGION);
    scene.access(1, Did::Read);
    let lineage = inherits.then(|| scene.lab.bequeath(1));
    let helper = {
        let scene = Arc::clone(&scene);
        thread::spawn(move || {
            if let Some(lineage) = lineage {
                Modelled::inherit(lineage);
            }
            scene.access(0, Did::Write);
        })
    };
    scene.access(1, Did::Read);
    helper.join().unwrap();
    scene.access(1, Did::Write);
    scene.lab.close_region(1, &region);
    assert!(scene.lab.seen().violations.is_empty(), "{INVENTED}");
}

/// What unwinds did nothing: another's, and the region's own.
pub(super) fn unwound(own: bool) {
    let scene = Scene::new(2, &[]);
    let region = scene.lab.open_region(1, &REGION);
    let [foreign, next] = match own {
        true => [Did::Write, Did::Nothing],
        false => [Did::Nothing, Did::Write],
    };
    let other = scene.foreign(0, foreign);
    scene.access(1, Did::Read);
    scene.access(1, next);
    scene.lab.close_region(1, &region);
    other.join().unwrap();
    assert!(scene.lab.seen().violations.is_empty(), "{INVENTED}");
}

/// A region that is held between check and act goes on as soon as somebody has come and gone, and that is one report.
pub(super) fn held(goals: &Goals) {
    let scene = Scene::new(2, &[&PUT]);
    let region = scene.lab.open_region(1, &REGION);
    let checked = Arc::new(AtomicU32::new(0));
    let other = {
        let (scene, checked) = (Arc::clone(&scene), Arc::clone(&checked));
        thread::spawn(move || {
            let after = checked.load(Ordering::Relaxed) != 0;
            let visit = scene.lab.arrive(0, &LOOK);
            scene.lab.depart(0, visit, Did::Write);
            if !after {
                scene.lab.end_delays();
            }
            after
        })
    };
    scene.access(1, Did::Read);
    checked.store(1, Ordering::Relaxed);
    scene.access(1, Did::Write);
    scene.lab.close_region(1, &region);
    let after = other.join().unwrap();
    let seen = scene.lab.seen();
    goals.reach(&seen);
    let caught = seen.violations.iter().filter(|found| is_trap(found));
    assert!(caught.count() <= 1, "{UNPROVED}");
    assert!(!after || seen.violations.len() == 1, "{UNPROVED}");
}

#[test]
fn what_lies_wholly_between_two_accesses_is_reported() {
    let overlap = ["overlap"];
    reaches(&overlap, read_write_read, "engine: region, read write read");
    reaches(
        &overlap,
        write_read_write,
        "engine: region, write read write",
    );
    reaches(
        &overlap,
        read_write_write,
        "engine: region, read write write",
    );
    reaches(
        &overlap,
        write_write_read,
        "engine: region, write write read",
    );
    reaches(&[], no_pattern, "engine: region, no pattern");
}

#[test]
fn what_overlaps_an_access_is_on_neither_side_of_it() {
    reaches(
        &["overlap"],
        three_accesses,
        "engine: region, three accesses",
    );
}

#[test]
fn strict_regions_reach_up_to_their_end() {
    reaches(&["overlap"], strict, "engine: strict region");
    reaches(&[], not_strict, "engine: region that is not strict");
}

#[test]
fn what_a_region_looks_at_anew_is_not_interrupted() {
    holds("engine: region, object ended", || anew(Anew::Retired));
    holds("engine: region, restarted", || anew(Anew::Restarted));
    holds("engine: region, revalidated", || anew(Anew::Revalidated));
    holds("engine: region, looks anew", || anew(Anew::Looked));
}

#[test]
fn helpers_do_not_interrupt_their_region() {
    holds("engine: region, helped", || helped(true));
}

#[test]
fn what_unwinds_interrupts_nothing() {
    holds("engine: region, another's unwinds", || unwound(false));
    holds("engine: region, its own unwinds", || unwound(true));
}

#[test]
fn a_held_region_is_woken_by_who_came_between() {
    reaches(&["trap"], held, "engine: region, held");
}

#[test]
fn two_others_are_one_report() {
    bounded::reaches(&["overlap"], two_foreign, "engine: region, two others");
}
