//! The process as the engine's environment.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, MutexGuard};

use super::attribution::Seen;
use super::{SHARED, atomicity, executor, gate, inherit, memory, recorder, ticker};
use crate::contract::Region;
use crate::engine::Lineage;
use crate::engine::alarm::Alarm;
use crate::engine::env::Environment;
use crate::engine::sites::{Site, SiteId};
use crate::engine::tasks::HowHeld;
use crate::engine::traps::{Bucket, Evidence};

#[derive(Debug)]
pub(crate) struct World {
    started: Instant,
    started_at: SystemTime,
    seed: u64,
    /// Random numbers drawn so far.
    drawn: AtomicU64,
}

/// Texts of keys are cut to this many characters.
const KEY_TEXT: usize = 256;

impl World {
    pub(super) fn new() -> Self {
        SHARED.fences.choose();
        let started_at = SystemTime::now();
        let since_epoch = started_at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let fresh = since_epoch.as_nanos() as u64 ^ u64::from(std::process::id()) << 32;
        let seed = gate::config().seed.unwrap_or(fresh);
        Self {
            started: Instant::now(),
            started_at,
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    pub(super) fn started_at(&self) -> SystemTime {
        self.started_at
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }
}

impl Environment for World {
    type Stack = Seen;

    fn recall(&self, site: Site) -> Option<SiteId> {
        memory::recall(site)
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn wait(&self, signal: &Condvar, bucket: &mut MutexGuard<'_, Bucket<Self>>, deadline: u64) {
        signal.wait_until(bucket, self.started + Duration::from_nanos(deadline));
    }

    fn wake(&self, signal: &Condvar) {
        signal.notify_one();
    }

    fn random(&self) -> f64 {
        // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014), indexed.
        let index = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let z = self
            .seed
            .wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn set_alarm(&self, alarm: &Arc<Alarm>, deadline: u64) -> bool {
        executor::set_alarm(alarm, self.started + Duration::from_nanos(deadline))
    }

    fn has_clock_of_its_own(&self) -> bool {
        executor::has_clock_of_its_own()
    }

    fn how_to_hold_what_is_ready(&self) -> (HowHeld, bool) {
        executor::how_to_hold_what_is_ready()
    }

    fn is_alone(&self) -> bool {
        executor::is_all_of_a_runtime()
            || threads_of_process().is_some_and(|threads| threads <= 1 + ticker::threads())
    }

    fn task_name(&self) -> Option<String> {
        executor::task_name()
    }

    fn swap_lineage(&self, lineage: Option<Arc<Lineage>>) -> Option<Arc<Lineage>> {
        inherit::swap(lineage)
    }

    fn stack(&self) -> Seen {
        Seen::capture()
    }

    fn ends_by_itself(&self, stack: &Seen) -> bool {
        executor::ends_by_itself(stack)
    }

    fn deep_stack(&self) -> Seen {
        Seen::capture_deep()
    }

    fn is_one_call(&self, first: &Seen, next: &Seen) -> bool {
        first.parting(next).is_some()
    }

    fn goes_on(&self, first: &Seen, foreign: Option<&Seen>, next: &Seen) -> bool {
        let function = atomicity::function_of_both(first, next);
        function.is_some_and(|function| {
            let gave_away =
                |foreign: &Seen| atomicity::gave_away(&function, foreign.functions_read_on());
            !foreign.is_some_and(gave_away)
        })
    }

    fn is_own_work(&self, (first, next): (Option<&Seen>, Option<&Seen>), region: &Region) -> bool {
        atomicity::is_own_work(first, next, region)
    }

    fn thread_name(&self) -> Option<String> {
        // It panics in the destructors of a thread's locals.
        catch_unwind(|| std::thread::current().name().map(str::to_owned)).ok()?
    }

    #[inline]
    fn lineage<R>(&self, see: impl FnOnce(Option<&Arc<Lineage>>) -> R) -> R {
        inherit::lineage(see)
    }

    fn text(&self, key: &dyn Debug) -> Option<String> {
        catch_unwind(AssertUnwindSafe(|| format!("{key:?}")))
            .ok()
            .map(|text| match text.char_indices().nth(KEY_TEXT) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            })
    }

    #[inline]
    fn light_fence(&self) {
        SHARED.fences.light();
    }

    fn heavy_fence(&self) {
        SHARED.fences.heavy();
    }

    fn violation(&self, evidence: Evidence<Seen>) {
        recorder::record(&evidence);
    }
}

#[cfg(target_os = "linux")]
fn threads_of_process() -> Option<usize> {
    // proc(5): one folder a thread.
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[cfg(not(target_os = "linux"))]
fn threads_of_process() -> Option<usize> {
    None
}
