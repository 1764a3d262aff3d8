//! Concurrent phases: whether several contexts are active, or one alone.
//!
//! The paper asks whether the last 16 points came from more than one thread (SOSP 2019, section 3.3), of a global ring that
//! every point is pushed into. Such a ring is a contended line, so here a *point* is a context's first recorded access in
//! a tick, and only the context of the last point is kept: a context that finds itself there goes on counting its own
//! points, one that finds another was not alone.

use super::primitive::CachePadded;
use super::primitive::lossy::{AtomicU32, AtomicU64, Ordering};

/// The run of a context that has not seen another one.
const ALONE: u32 = u32::MAX;

pub(super) struct Phase {
    /// Points of one context in a row after which it counts as alone (the paper's 16).
    points: u32,
    /// Who made the last point; 0 before the first.
    last: CachePadded<AtomicU64>,
}

/// One context's own points, written by it alone.
pub(super) struct Points {
    /// The tick of the last point, plus one.
    tick: AtomicU32,
    /// Points of this context since another one's.
    run: AtomicU32,
}

impl Points {
    /// Forgets what another thread left in a recycled block.
    pub(super) fn reset(&self) {
        self.tick.store(0, Ordering::Relaxed);
        self.run.store(ALONE, Ordering::Relaxed);
    }

    pub(super) fn new() -> Self {
        Self {
            tick: AtomicU32::new(0),
            run: AtomicU32::new(ALONE),
        }
    }
}

impl Phase {
    pub(super) fn new(points: u32) -> Self {
        Self {
            points,
            last: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// Counts an access of `context` at `tick`; whether the phase is concurrent.
    #[inline]
    pub(super) fn point(&self, points: &Points, context: u64, tick: u32) -> bool {
        let run = points.run.load(Ordering::Relaxed);
        if points.tick.load(Ordering::Relaxed) == tick.wrapping_add(1) {
            return run < self.points;
        }
        points.tick.store(tick.wrapping_add(1), Ordering::Relaxed);
        let run = if self.last.load(Ordering::Relaxed) == context {
            run.saturating_add(1)
        } else {
            // Of two that come at the same time one has to see the other: it may be their only point.
            match self.last.swap(context, Ordering::Relaxed) {
                0 => ALONE,
                _ => 0,
            }
        };
        points.run.store(run, Ordering::Relaxed);
        run < self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: u32 = 16;

    #[test]
    fn one_context_alone_is_no_concurrent_phase() {
        let (phase, points) = (Phase::new(POINTS), Points::new());
        assert!((0..100).all(|tick| !phase.point(&points, 1, tick)));
    }

    #[test]
    fn the_phase_lasts_for_so_many_points_after_the_other_was_last_seen() {
        let phase = Phase::new(POINTS);
        let (one, two) = (Points::new(), Points::new());
        assert!(!phase.point(&one, 1, 0));
        assert!(phase.point(&two, 2, 0), "the other was just here");
        assert!(phase.point(&one, 1, 1));
        let concurrent = (2..100).filter(|tick| phase.point(&one, 1, *tick)).count();
        assert_eq!(concurrent, POINTS as usize - 1);
        assert!(phase.point(&two, 2, 100));
    }

    #[test]
    fn many_accesses_in_one_tick_are_one_point() {
        let phase = Phase::new(POINTS);
        let (one, two) = (Points::new(), Points::new());
        phase.point(&one, 1, 0);
        phase.point(&two, 2, 0);
        assert!((0..1_000).all(|_| phase.point(&two, 2, 0)));
    }
}
