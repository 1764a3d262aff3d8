//! The reference: a runtime as the released .NET tool has it. One mutex over everything: traps by object, the last five
//! accesses of each object, the last sixteen points of all threads (for the concurrent phase), and the dangerous pairs.
//!
//! It reads no clock (the released tool never assigns its access times) and never sleeps, since delays are not what is
//! compared. Both favour it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

const HISTORY: usize = 5;
const PHASE: usize = 16;

type Site = &'static Location<'static>;

#[derive(Clone, Copy)]
struct Access {
    thread: u64,
    site: Site,
    writes: bool,
}

#[derive(Default)]
struct State {
    /// Who is held, by object. Empty here: nothing sleeps; looked up at every call, as it must be.
    traps: HashMap<usize, Vec<Access>>,
    histories: HashMap<usize, VecDeque<Access>>,
    phase: VecDeque<u64>,
    pairs: HashSet<(Site, Site)>,
    armed: HashMap<Site, f64>,
    violations: u64,
    delays: u64,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static THREAD: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// A call on `object` begins.
#[track_caller]
pub(crate) fn enter<T>(object: &T, writes: bool) {
    let access = Access {
        thread: THREAD.with(|thread| *thread),
        site: Location::caller(),
        writes,
    };
    let address = std::ptr::from_ref(object).addr();
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    state.enter(address, access);
}

fn collide(a: &Access, b: &Access) -> bool {
    a.thread != b.thread && (a.writes || b.writes)
}

impl State {
    fn enter(&mut self, object: usize, access: Access) {
        if let Some(held) = self.traps.get(&object) {
            self.violations += held.iter().filter(|held| collide(held, &access)).count() as u64;
        }
        self.phase.push_back(access.thread);
        if self.phase.len() > PHASE {
            self.phase.pop_front();
        }
        let concurrent = self.phase.iter().any(|thread| *thread != access.thread);
        let history = self.histories.entry(object).or_default();
        if concurrent {
            for other in history.iter().filter(|other| collide(other, &access)) {
                if self.pairs.insert((other.site, access.site)) {
                    self.armed.insert(other.site, 1.0);
                    self.armed.insert(access.site, 1.0);
                }
            }
        }
        history.push_back(access);
        if history.len() > HISTORY {
            history.pop_front();
        }
        if let Some(probability) = self.armed.get_mut(&access.site) {
            // Where the tool would sleep.
            *probability = (*probability - 0.1).max(0.0);
            self.delays += u64::from(*probability > 0.0);
        }
    }
}
