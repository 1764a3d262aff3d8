//! Regions expected to be atomic, by subject.

mod awaited;
mod delays;
mod oracle;
mod patterns;
mod suspicions;
mod whose;

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

use Did::{Found, Nothing, Read, Refused, Revalidated, Rewritten, Unchanged, Update, Write};

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
        Write | Rewritten => &PUT,
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

    /// How many watches there are.
    fn watches(&self) -> usize {
        let buckets = self.engine.traps.buckets();
        buckets.map(|bucket| bucket.lock().watches.len()).sum()
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

    /// Of all keys, and writes these; looks at the others.
    fn sweep(&self, who: &'static Context<Simulated>, keys: &[u64]) {
        let mut visit = self.enter(who, &SWAP);
        visit.wrote_only(keys.to_vec(), Revalidated { wrote: false });
        self.leave(who, visit, Revalidated { wrote: true });
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

const ALL: [Did; 9] = [
    Read,
    Write,
    Update,
    Found,
    Refused,
    Unchanged,
    Rewritten,
    Revalidated { wrote: false },
    Revalidated { wrote: true },
];

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
