//! What earlier runs learnt: read from the trap file before anything is watched, added to it at violations and at exit.
//!
//! The stored call sites get their numbers in advance, so that a pair is armed before either of its sites is met: code that
//! runs once per process is delayed at its first execution.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::{ENGINE, attribution, gate, recorder};
use crate::engine::Remembered;
use crate::engine::env::Environment;
use crate::engine::sites::{Site, SiteId};
use crate::engine::tasks::FirstPolls;
use crate::engine::trap_set::{OWED, Pair, State, pair_key};
use crate::persist::{self, End, Index, Slept, StoredPair, StoredPolls, StoredSite, StoredState};
use crate::report;

static MEMORY: Mutex<Option<Memory>> = Mutex::new(None);

struct Memory {
    file: PathBuf,
    ledger: Option<PathBuf>,
    index: Index,
    /// The stored sites; number `n` is at `n - 1`.
    sites: Vec<StoredSite>,
    /// By the numbers of their sites, which of the stored pairs they are.
    stored: BTreeMap<(SiteId, SiteId), usize>,
}

/// Reads the trap file and arms what it has; what is to be said of it.
pub(super) fn begin(file: PathBuf) -> Option<String> {
    let loaded = persist::load(&file, persist::today());
    let warning = loaded.warning.map(|warning| format!("tsvd: {warning}"));
    let mut numbers = BTreeMap::new();
    for site in loaded
        .pairs
        .iter()
        .flat_map(|pair| [&pair.first, &pair.second])
    {
        let next = numbers.len() + 1;
        // What does not fit is learnt anew.
        if let Ok(next) = SiteId::try_from(next) {
            numbers.entry(site.clone()).or_insert(next);
        }
    }
    let growth = gate::config().parameters.delay_growth;
    let key = |pair: &StoredPair| {
        Some(pair_key(
            *numbers.get(&pair.first)?,
            *numbers.get(&pair.second)?,
        ))
    };
    let keyed = loaded.pairs.iter().enumerate();
    let keyed: Vec<_> = keyed
        .filter_map(|(number, pair)| Some((key(pair)?, number)))
        .collect();
    ENGINE.remember(
        numbers.len() as SiteId,
        keyed.iter().map(|(key, number)| {
            let pair = &loaded.pairs[*number];
            let (state, probability) = match pair.state {
                // Caught again as long as it is there.
                StoredState::Violated | StoredState::Armed => (State::Armed, pair.probability),
                StoredState::Ordered => (State::Ordered, 0.0),
                StoredState::Decayed => (State::Decayed, 0.0),
            };
            Remembered {
                key: *key,
                state,
                probability,
                agreed: pair.agreed,
                // Never delayed in vain, nor caught: its sites were not reached again. Then there is one chance in a run, so a
                // longer one.
                delay_ns: match (pair.delays, pair.state) {
                    (0, StoredState::Armed) => pair.delay_ns.saturating_mul(growth),
                    _ => pair.delay_ns,
                },
                owed: match pair.state {
                    // Until it is repaired.
                    StoredState::Violated => u32::MAX,
                    _ => OWED.saturating_sub(pair.delays),
                },
                disturbed: pair.disturbed,
                first_polls: [(&pair.first, 0), (&pair.second, 1)].map(|(site, side)| {
                    let polls = match pair.first_polls[side] {
                        StoredPolls::Unknown => FirstPolls::Unknown,
                        StoredPolls::Waited => FirstPolls::Waited,
                        StoredPolls::Ready => FirstPolls::Ready,
                    };
                    (numbers[site], polls)
                }),
            }
        }),
    );
    let mut sites: Vec<_> = numbers.into_iter().collect();
    sites.sort_by_key(|(_, number)| *number);
    let ledger = ledger(&file);
    if let Some(ledger) = &ledger {
        let Slept { slept_ns, lived_ns } = Slept::all(ledger);
        ENGINE.share_budget(slept_ns, lived_ns);
    }
    *MEMORY.lock() = Some(Memory {
        file,
        ledger,
        index: Index::new(loaded.pairs),
        sites: sites.into_iter().map(|(site, _)| site).collect(),
        stored: keyed.into_iter().collect(),
    });
    warning
}

/// Where the processes of this nextest run write what they slept, if this is one of them.
fn ledger(traps: &Path) -> Option<PathBuf> {
    attribution::process_test()?;
    let run = std::env::var("NEXTEST_RUN_ID").ok()?;
    // A name of ours, whatever it says.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = (1..=64).contains(&run.len()) && run.bytes().all(is_plain);
    is_name.then(|| traps.with_file_name("budget").join(run + ".txt"))
}

/// Once, at the end of the process: what it slept is slept of the run's budget.
pub(super) fn spend() {
    let memory = MEMORY.lock();
    let file = memory.as_ref().and_then(|memory| memory.ledger.clone());
    drop(memory);
    if let Some(file) = file {
        let slept_ns = ENGINE.statistics().delay_ns.load(Ordering::Relaxed);
        let lived_ns = ENGINE.env().now();
        // That it cannot be written is no reason to complain: then others sleep as if they were alone.
        let _ = Slept { slept_ns, lived_ns }.add_to(&file);
    }
}

/// The number reserved for a call site that is first met.
pub(super) fn recall(site: Site) -> Option<SiteId> {
    let mut memory = MEMORY.lock();
    let memory = memory.as_mut()?;
    if memory.index.is_empty() {
        return None;
    }
    let StoredSite {
        file,
        line,
        column,
        contract,
        operation,
    } = describe(site);
    let matched = memory
        .index
        .claim(&contract, &operation, &file, line, column);
    let matched = matched.first()?;
    let pair = memory.index.pair(matched.pair);
    let stored = match matched.end {
        End::First | End::Both => &pair.first,
        End::Second => &pair.second,
    };
    let index = memory.sites.iter().position(|known| known == stored)?;
    SiteId::try_from(index + 1).ok()
}

/// Adds what this run has learnt so far. Holds no lock while it waits for other processes.
pub(super) fn save() {
    let (file, learnt) = {
        let memory = MEMORY.lock();
        let Some(memory) = memory.as_ref() else {
            return;
        };
        let pairs = ENGINE.trap_set().pairs();
        let learnt = pairs.iter().filter(|(_, pair)| pair.touched);
        let learnt = learnt.filter_map(|(key, pair)| memory.account(*key, pair));
        (memory.file.clone(), learnt.collect::<Vec<_>>())
    };
    static COMPLAINED: AtomicBool = AtomicBool::new(false);
    match persist::merge_into(&file, &learnt, persist::today()) {
        Ok(None) => {}
        Ok(Some(warning)) => recorder::say(&format!("tsvd: {warning}")),
        Err(_) if COMPLAINED.swap(true, Ordering::Relaxed) => {}
        Err(error) => recorder::say(&format!("tsvd: {error}")),
    }
}

impl Memory {
    fn account(&self, key: (SiteId, SiteId), pair: &Pair) -> Option<StoredPair> {
        let [first, second] = [key.0, key.1].map(|number| {
            ENGINE
                .sites()
                .get(number)
                .map(describe)
                .or_else(|| self.sites.get(usize::from(number).checked_sub(1)?).cloned())
        });
        let before = self.stored.get(&key).map(|number| self.index.pair(*number));
        let mut account = StoredPair {
            first: first?,
            second: second?,
            state: match pair.state {
                State::Armed | State::Violated => StoredState::Armed,
                State::Ordered => StoredState::Ordered,
                State::Decayed => StoredState::Decayed,
            },
            probability: pair.probability,
            agreed: pair.agreements(),
            delay_ns: ENGINE.trap_set().delay_ns(pair),
            delays: before
                .map_or(0, |before| before.delays)
                .saturating_add(pair.delays),
            caught: before.map_or(0, |before| before.caught),
            last_day: persist::today(),
            disturbed: pair.disturbed || before.is_some_and(|before| before.disturbed),
            first_polls: [key.0, key.1].map(|site| match ENGINE.first_polls(site) {
                FirstPolls::Unknown => StoredPolls::Unknown,
                FirstPolls::Waited => StoredPolls::Waited,
                FirstPolls::Ready => StoredPolls::Ready,
            }),
        };
        if pair.state == State::Violated {
            account.catch();
        }
        Some(account)
    }
}

fn describe(site: Site) -> StoredSite {
    let report::Site {
        file, line, column, ..
    } = report::call_site(site.location, &[]);
    StoredSite {
        file,
        line,
        column,
        contract: site.operation.contract().to_owned(),
        operation: site.operation.name().to_owned(),
    }
}
