//! The rows: what is run for each, and the rounds in which they are sampled in turn.

use std::cell::LazyCell;
use std::hint::black_box;
use std::path::PathBuf;

use crate::map_loops::{self, PlainMap};
use crate::measure::{Sample, Spread, here, sample};
use crate::peer::Peer;
use crate::subjects::{
    Behind, Counter, Locked, Naive, Plain, SharedMap, Spaced, Subject, Watched, WatchedMap,
};

pub(crate) const PLAIN: &str = "plain call";
pub(crate) const PLAIN_NEAR: &str = "plain call, 10,000 objects 16 bytes apart";
pub(crate) const PLAIN_FAR: &str = "plain call, 10,000 objects 4096 bytes apart";
pub(crate) const MUTEX: &str = "std mutex lock and unlock";
pub(crate) const OFF: &str = "off";
pub(crate) const ON: &str = "on, one object";
pub(crate) const ON_NEAR: &str = "on, 10,000 objects 16 bytes apart";
pub(crate) const ON_FAR: &str = "on, 10,000 objects 4096 bytes apart";
pub(crate) const ON_TRAP: &str = "on, trap elsewhere";
pub(crate) const ON_WORST: &str = "on, worst case";
pub(crate) const ON_BOTH: &str = "on, one object, reads and writes";
pub(crate) const ON_OTHERS_2: &str = "on, two threads, an object each";
pub(crate) const ON_READS_2: &str = "on, two threads, one object, reads";
pub(crate) const ON_BOTH_2: &str = "on, two threads, one object, reads and writes";
pub(crate) const NAIVE: &str = "naive, one object";
pub(crate) const NAIVE_NEAR: &str = "naive, 10,000 objects 16 bytes apart";
pub(crate) const NAIVE_FAR: &str = "naive, 10,000 objects 4096 bytes apart";
pub(crate) const NAIVE_OTHERS_2: &str = "naive, two threads, an object each";
pub(crate) const NAIVE_READS_2: &str = "naive, two threads, one object, reads";
pub(crate) const NAIVE_BOTH_2: &str = "naive, two threads, one object, reads and writes";
pub(crate) const NAIVE_MANY_2: &str = "naive, two threads, 10,000 objects";
pub(crate) const MAP_GET: &str = "HashMap get";
pub(crate) const MAP_INSERT: &str = "HashMap insert";
pub(crate) const ON_GET: &str = "on, HashMap get";
pub(crate) const ON_INSERT: &str = "on, HashMap insert";
pub(crate) const DASHMAP_GET: &str = "DashMap get";
pub(crate) const DASHMAP_INSERT: &str = "DashMap insert";
pub(crate) const DASHMAP_ENTRY: &str = "DashMap entry";
pub(crate) const DASHMAP_BOTH: &str = "DashMap get, insert";
pub(crate) const LOCK: &str = "Mutex, a look at the value";
pub(crate) const READ: &str = "RwLock, a look at the value";
pub(crate) const LOCK_SET: &str = "Mutex, a write of the value";
pub(crate) const WRITE: &str = "RwLock, a write of the value";
pub(crate) const LOAD: &str = "AtomicU64 load";
pub(crate) const ADD: &str = "AtomicU64 fetch_add";
pub(crate) const DROP_IN_GET: &str = "drop-in, DashMap get";
pub(crate) const DROP_IN_INSERT: &str = "drop-in, DashMap insert";
pub(crate) const DROP_IN_ENTRY: &str = "drop-in, DashMap entry";
pub(crate) const DROP_IN_REGION: &str = "drop-in, DashMap get, insert in a region";
pub(crate) const DROP_IN_LOCK: &str = "drop-in, Mutex, a look at the value";
pub(crate) const DROP_IN_READ: &str = "drop-in, RwLock, a look at the value";
pub(crate) const DROP_IN_LOCK_SET: &str = "drop-in, Mutex, a write of the value";
pub(crate) const DROP_IN_WRITE: &str = "drop-in, RwLock, a write of the value";
pub(crate) const DROP_IN_LOAD: &str = "drop-in, AtomicU64 load";
pub(crate) const DROP_IN_ADD: &str = "drop-in, AtomicU64 fetch_add";
pub(crate) const UNSANITIZED_GET: &str = "nightly, HashMap get";
pub(crate) const UNSANITIZED_INSERT: &str = "nightly, HashMap insert";
pub(crate) const SANITIZED_GET: &str = "ThreadSanitizer, HashMap get";
pub(crate) const SANITIZED_INSERT: &str = "ThreadSanitizer, HashMap insert";

/// Rows of this process, with calls in one sample: a few milliseconds, but many rounds through all objects, since a sample is
/// a new thread's, to which each object is new once.
const HERE: [(&str, u64); 42] = [
    (PLAIN, 1_000_000),
    (ON, 500_000),
    (MUTEX, 200_000),
    (NAIVE, 30_000),
    (PLAIN_NEAR, 1_000_000),
    (ON_NEAR, 1_000_000),
    (NAIVE_NEAR, 100_000),
    (PLAIN_FAR, 1_000_000),
    (ON_FAR, 1_000_000),
    (NAIVE_FAR, 100_000),
    (ON_TRAP, 200_000),
    (ON_WORST, 200_000),
    (ON_OTHERS_2, 1_000_000),
    (ON_READS_2, 1_000_000),
    (NAIVE_OTHERS_2, 60_000),
    (NAIVE_READS_2, 60_000),
    (NAIVE_BOTH_2, 60_000),
    (NAIVE_MANY_2, 60_000),
    (MAP_GET, 200_000),
    (ON_GET, 200_000),
    (MAP_INSERT, 200_000),
    (ON_INSERT, 200_000),
    (DASHMAP_GET, 200_000),
    (DROP_IN_GET, 200_000),
    (DASHMAP_INSERT, 200_000),
    (DROP_IN_INSERT, 200_000),
    (DASHMAP_ENTRY, 200_000),
    (DROP_IN_ENTRY, 200_000),
    (DASHMAP_BOTH, 100_000),
    (DROP_IN_REGION, 50_000),
    (LOCK, 200_000),
    (DROP_IN_LOCK, 200_000),
    (READ, 200_000),
    (DROP_IN_READ, 200_000),
    (LOCK_SET, 200_000),
    (DROP_IN_LOCK_SET, 200_000),
    (WRITE, 200_000),
    (DROP_IN_WRITE, 200_000),
    (LOAD, 1_000_000),
    (DROP_IN_LOAD, 200_000),
    (ADD, 500_000),
    (DROP_IN_ADD, 200_000),
];

type Spaces<S, const PADDING: usize> = LazyCell<Box<[Spaced<S, PADDING>]>>;

const NEAR: usize = 8;
const FAR: usize = 4088;

/// What the rows of this process are run on.
pub(crate) struct Local {
    plain: Plain,
    locked: Locked,
    watched: [Watched; 2],
    naive: [Naive; 2],
    elsewhere: Watched,
    plain_near: Spaces<Plain, NEAR>,
    plain_far: Spaces<Plain, FAR>,
    watched_near: Spaces<Watched, NEAR>,
    watched_far: Spaces<Watched, FAR>,
    watched_worst: Spaces<Watched, NEAR>,
    naive_near: Spaces<Naive, NEAR>,
    naive_far: Spaces<Naive, FAR>,
    map: LazyCell<PlainMap>,
    watched_map: LazyCell<WatchedMap>,
    dashmap: LazyCell<SharedMap<dashmap::DashMap<u64, u64>>>,
    drop_in: LazyCell<SharedMap<tsvd::dashmap::DashMap<u64, u64>>>,
    // One to read and one to write: a row that wrote what another row's thread read would be a near miss, and arm both.
    mutexes: (
        Behind<std::sync::Mutex<u64>>,
        [Behind<tsvd::sync::Mutex<u64>>; 2],
    ),
    locks: (
        Behind<std::sync::RwLock<u64>>,
        [Behind<tsvd::sync::RwLock<u64>>; 2],
    ),
    atomics: (
        Counter<std::sync::atomic::AtomicU64>,
        [Counter<tsvd::sync::atomic::AtomicU64>; 2],
    ),
}

fn spaces<S: Default, const PADDING: usize>() -> Box<[Spaced<S, PADDING>]> {
    (0..10_000).map(|_| Spaced::default()).collect()
}

impl Local {
    pub(crate) fn new() -> Self {
        Self {
            plain: Plain::default(),
            locked: Locked::default(),
            watched: Default::default(),
            naive: Default::default(),
            elsewhere: Watched::default(),
            plain_near: LazyCell::new(spaces),
            plain_far: LazyCell::new(spaces),
            watched_near: LazyCell::new(spaces),
            watched_far: LazyCell::new(spaces),
            watched_worst: LazyCell::new(|| (0..100_000).map(|_| Spaced::default()).collect()),
            naive_near: LazyCell::new(spaces),
            naive_far: LazyCell::new(spaces),
            map: LazyCell::default(),
            watched_map: LazyCell::default(),
            dashmap: LazyCell::default(),
            drop_in: LazyCell::default(),
            mutexes: Default::default(),
            locks: Default::default(),
            atomics: Default::default(),
        }
    }

    /// One sample of a row of this process.
    pub(crate) fn sample(&mut self, row: &str, calls: u64) -> Sample {
        match row {
            PLAIN => reads(1, calls, &[&self.plain]),
            MUTEX => reads(1, calls, &[&self.locked]),
            ON => reads(1, calls, &[&self.watched[0]]),
            NAIVE => reads(1, calls, &[&self.naive[0]]),
            PLAIN_NEAR => many(1, calls, &self.plain_near),
            ON_NEAR => many(1, calls, &self.watched_near),
            NAIVE_NEAR => many(1, calls, &self.naive_near),
            PLAIN_FAR => many(1, calls, &self.plain_far),
            ON_FAR => many(1, calls, &self.watched_far),
            NAIVE_FAR => many(1, calls, &self.naive_far),
            ON_TRAP => {
                let _held = tsvd::scope(&self.elsewhere).read();
                reads(1, calls, &[&self.watched[0]])
            }
            ON_WORST => {
                let _held = tsvd::scope(&self.elsewhere).read();
                many(1, calls, &self.watched_worst)
            }
            ON_BOTH => both(1, calls, &self.watched[0]),
            ON_BOTH_2 => both(2, calls, &self.watched[0]),
            ON_OTHERS_2 => reads(2, calls, &[&self.watched[0], &self.watched[1]]),
            ON_READS_2 => reads(2, calls, &[&self.watched[0], &self.watched[0]]),
            NAIVE_OTHERS_2 => reads(2, calls, &[&self.naive[0], &self.naive[1]]),
            NAIVE_READS_2 => reads(2, calls, &[&self.naive[0], &self.naive[0]]),
            NAIVE_BOTH_2 => both(2, calls, &self.naive[0]),
            NAIVE_MANY_2 => many(2, calls, &self.naive_near),
            MAP_GET => here(calls, |calls| map_loops::gets(&*self.map, calls)),
            MAP_INSERT => here(calls, |calls| map_loops::inserts(&*self.map, calls)),
            ON_GET => here(calls, |calls| map_loops::gets(&*self.watched_map, calls)),
            ON_INSERT => here(calls, |calls| {
                map_loops::inserts(&*self.watched_map, calls);
            }),
            DASHMAP_GET => here(calls, |calls| map_loops::gets(&*self.dashmap, calls)),
            DROP_IN_GET => here(calls, |calls| map_loops::gets(&*self.drop_in, calls)),
            DASHMAP_INSERT => here(calls, |calls| map_loops::inserts(&*self.dashmap, calls)),
            DROP_IN_INSERT => here(calls, |calls| map_loops::inserts(&*self.drop_in, calls)),
            DASHMAP_ENTRY => here(calls, |calls| self.dashmap.counts(calls)),
            DROP_IN_ENTRY => here(calls, |calls| self.drop_in.counts(calls)),
            DASHMAP_BOTH => here(calls, |calls| self.dashmap.regions(calls)),
            DROP_IN_REGION => here(calls, |calls| self.drop_in.regions(calls)),
            LOCK => reads(1, calls, &[&self.mutexes.0]),
            DROP_IN_LOCK => reads(1, calls, &[&self.mutexes.1[0]]),
            READ => reads(1, calls, &[&self.locks.0]),
            DROP_IN_READ => reads(1, calls, &[&self.locks.1[0]]),
            LOCK_SET => writes(calls, &self.mutexes.0),
            DROP_IN_LOCK_SET => writes(calls, &self.mutexes.1[1]),
            WRITE => writes(calls, &self.locks.0),
            DROP_IN_WRITE => writes(calls, &self.locks.1[1]),
            LOAD => reads(1, calls, &[&self.atomics.0]),
            DROP_IN_LOAD => reads(1, calls, &[&self.atomics.1[0]]),
            ADD => writes(calls, &self.atomics.0),
            DROP_IN_ADD => writes(calls, &self.atomics.1[1]),
            _ => panic!("there is no row `{row}`"),
        }
    }
}

/// `objects` has one for each thread.
fn reads<S: Subject>(threads: usize, calls: u64, objects: &[&S]) -> Sample {
    sample(threads, calls, |thread, calls| {
        let object = objects[thread];
        for call in 0..calls {
            black_box(object.get(call));
        }
    })
}

fn writes<S: Subject>(calls: u64, object: &S) -> Sample {
    sample(1, calls, |_, calls| {
        for call in 0..calls {
            black_box(object.set(call));
        }
    })
}

fn both<S: Subject>(threads: usize, calls: u64, object: &S) -> Sample {
    sample(threads, calls, |_, calls| {
        for call in 0..calls / 2 {
            black_box(object.get(call));
            black_box(object.set(call));
        }
    })
}

fn many<S: Subject, const PADDING: usize>(
    threads: usize,
    calls: u64,
    objects: &[Spaced<S, PADDING>],
) -> Sample {
    sample(threads, calls, |_, calls| {
        for object in objects.iter().cycle().take(calls as usize) {
            black_box(object.subject.get(calls));
        }
    })
}

/// A row with its samples, one a round.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Sample>,
}

impl Measured {
    pub(crate) fn wall(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.wall))
    }

    pub(crate) fn processor(&self) -> Spread {
        Spread::of(self.samples.iter().map(|sample| sample.processor))
    }
}

/// Rows of a peer: its own name for them, ours, and the calls in one sample.
type Remote = (Peer, Vec<(&'static str, &'static str, u64)>);

/// Samples every row once a round.
pub(crate) fn measure(rounds: usize, sanitized: Option<&[PathBuf; 2]>) -> Vec<Measured> {
    let mut local = Local::new();
    let mut peers = peers(sanitized);
    let mut measured: Vec<Measured> = HERE
        .iter()
        .map(|(name, _)| *name)
        .chain(
            peers
                .iter()
                .flat_map(|(_, rows)| rows.iter().map(|(_, name, _)| *name)),
        )
        .map(|name| Measured {
            name,
            samples: Vec::new(),
        })
        .collect();
    // The first round fills caches and is not kept.
    for round in 0..=rounds {
        let mut all = Vec::with_capacity(measured.len());
        for (name, calls) in HERE {
            all.push(local.sample(name, calls));
        }
        for (peer, rows) in &mut peers {
            for (row, _, calls) in rows {
                all.push(peer.sample(row, *calls));
            }
        }
        if round > 0 {
            for (row, sample) in measured.iter_mut().zip(all) {
                row.samples.push(sample);
            }
        }
    }
    measured
}

fn peers(sanitized: Option<&[PathBuf; 2]>) -> Vec<Remote> {
    let off = Peer::of_this(&[("TSVD", "off")]);
    let reports = tempfile::tempdir().expect("a folder for a report nobody reads");
    let mut racing = Peer::of_this(&[
        ("TSVD_DIR", &reports.path().to_string_lossy()),
        ("TSVD_ON_VIOLATION", "record"),
    ]);
    // Until its pairs are found or worn out: at most ten delays of 0.1 s each.
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_secs(3) {
        racing.sample(ON_BOTH_2, 100_000);
    }
    let mut peers = vec![
        (off, vec![(ON, OFF, 1_000_000)]),
        (
            racing,
            vec![
                (ON_BOTH, ON_BOTH, 500_000),
                (ON_BOTH_2, ON_BOTH_2, 1_000_000),
            ],
        ),
    ];
    if let Some([plain, sanitized]) = sanitized {
        let rows = |get, insert, calls| vec![("get", get, calls), ("insert", insert, calls)];
        peers.push((
            Peer::of(plain),
            rows(UNSANITIZED_GET, UNSANITIZED_INSERT, 200_000),
        ));
        peers.push((
            Peer::of(sanitized),
            rows(SANITIZED_GET, SANITIZED_INSERT, 50_000),
        ));
    }
    peers
}
