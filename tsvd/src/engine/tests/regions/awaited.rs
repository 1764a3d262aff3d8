//! Regions that are held without a thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};

use super::*;
use crate::engine::region::access::Delayed;
use crate::engine::region::awaited::{Approached, HeldRegion};

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// A region that has looked, and whose act is due to be delayed.
struct Scene {
    desk: Desk,
    act: Call<'static>,
    woken: Arc<Woken>,
    waker: Waker,
}

fn scene(body: impl FnOnce(&Scene) + Send) {
    let desk = Desk::new();
    let act = call(&PUT, desk.map, None);
    let woken = Arc::new(Woken::default());
    let scene = Scene {
        waker: Waker::from(Arc::clone(&woken)),
        desk,
        act,
        woken,
    };
    let engine = scene.desk.engine;
    engine.env().run_as(0, || {
        let site = engine.sites().number(&PUT, scene.act.site, |_| None);
        engine.trap_set.suspect(site, site, MS);
        engine.env().pause(MS);
        let open = engine.open_region(scene.desk.own, &REGION, None).unwrap();
        scene.desk.access(scene.desk.own, Read);
        body(&scene);
        engine.close_region(scene.desk.own, &open, true);
        assert_eq!(scene.holds(), 0);
        assert!(Now::is_quiet(engine.now.load()), "something is published");
    });
}

impl Scene {
    fn hold(&self) -> HeldRegion<Simulated> {
        let Desk { engine, own, .. } = self.desk;
        match engine.approach_polled(own, &self.act, &self.waker) {
            Approached::Waits(held) => held,
            Approached::Goes(_) => panic!("it is due"),
        }
    }

    fn again(&self, held: HeldRegion<Simulated>) -> Approached<Simulated> {
        let Desk { engine, own, .. } = self.desk;
        engine.approach_again(Some(own), held, &self.waker)
    }

    fn act(&self, delayed: Option<Delayed>) {
        let Desk { engine, own, .. } = self.desk;
        let visit = engine.arrive(own, &self.act, delayed).unwrap();
        self.desk.leave(own, visit, Write);
    }

    fn holds(&self) -> usize {
        let hash = object_hash(self.desk.map.words());
        let bucket = self.desk.engine.traps.lock(hash);
        bucket.holds.len()
    }
}

#[test]
fn it_goes_on_when_somebody_came_and_went() {
    scene(|s| {
        let held = s.hold();
        let Approached::Waits(held) = s.again(held) else {
            panic!("nobody came yet");
        };
        let visit = s.desk.enter(s.desk.other, &PUT);
        assert!(!s.woken.0.load(SeqCst));
        s.desk.leave(s.desk.other, visit, Write);
        assert!(s.woken.0.load(SeqCst));
        let Approached::Goes(delayed) = s.again(held) else {
            panic!("somebody came");
        };
        s.act(delayed);
        assert_eq!(s.desk.patterns(), [Pattern::ReadWriteWrite]);
        let [found] = &s.desk.engine.env().evidence()[..] else {
            panic!("one")
        };
        assert_eq!(found.detected_by, DetectedBy::Trap);
    });
}

#[test]
fn it_goes_on_after_its_delay() {
    scene(|s| {
        let held = s.hold();
        s.desk.engine.env().pause(1000 * MS);
        let Approached::Goes(delayed) = s.again(held) else {
            panic!("its time is over");
        };
        assert!(delayed.is_some());
        s.act(delayed);
        assert_eq!(s.desk.patterns(), []);
    });
}

#[test]
fn one_that_is_dropped_has_accessed_nothing_and_its_site_is_left_alone() {
    scene(|s| {
        let Desk { engine, own, .. } = s.desk;
        let held = s.hold();
        s.desk.access(s.desk.other, Write);
        engine.give_up(Some(own), held);
        assert_eq!(s.holds(), 0);
        assert!(engine.is_disturbed());
        assert_eq!(s.desk.patterns(), []);
        let again = engine.approach_polled(own, &s.act, &s.waker);
        assert!(matches!(again, Approached::Goes(None)));
        // Later it acts, which is wrong now as before.
        s.act(None);
        assert_eq!(s.desk.patterns(), [Pattern::ReadWriteWrite]);
    });
}
