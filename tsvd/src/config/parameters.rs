//! What the engine's heuristics go by. None of it touches a verdict.

/// Which of the engine's strategies decides where to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrategyName {
    Tsvd,
    TsvdFixed,
    TsvdHb,
    Random,
    StaticRandom,
    Observe,
}

impl StrategyName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tsvd => "tsvd",
            Self::TsvdFixed => "tsvd-fixed",
            Self::TsvdHb => "tsvd-hb",
            Self::Random => "random",
            Self::StaticRandom => "static-random",
            Self::Observe => "observe",
        }
    }
}

/// How async operations are delayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asynchronous {
    /// By a timer.
    Suspend,
    /// With their threads.
    Block,
    Off,
}

/// One for each key of the engine; the table in [`settings`](mod@crate::settings) has meanings, ranges and sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) strategy: StrategyName,
    pub(crate) asynchronous: Asynchronous,
    /// Whether interleavings are suspected where no region is declared.
    pub(crate) suspicions: bool,
    pub(crate) window_ns: u64,
    pub(crate) object_history: usize,
    pub(crate) phase_points: u32,
    pub(crate) order_share: f64,
    pub(crate) order_points: u32,
    /// 0: no order is inferred.
    pub(crate) order_agree: u32,
    pub(crate) decay: f64,
    pub(crate) delay_max_ns: u64,
    pub(crate) delay_gap: u64,
    pub(crate) delay_growth: u64,
    pub(crate) budget_process_ns: u64,
    pub(crate) budget_thread_ns: u64,
    pub(crate) budget_share: f64,
    pub(crate) random_probability: f64,
    pub(crate) sample_share: f64,
    /// Of 64 bytes each; a power of two, at least 4.
    pub(crate) history_lines: usize,
}

const MS: u64 = 1_000_000;

impl Default for Parameters {
    fn default() -> Self {
        Self {
            strategy: StrategyName::Tsvd,
            asynchronous: Asynchronous::Suspend,
            suspicions: true,
            window_ns: 100 * MS,
            object_history: 5,
            phase_points: 16,
            order_share: 0.5,
            order_points: 5,
            order_agree: 2,
            decay: 0.1,
            delay_max_ns: 100 * MS,
            delay_gap: 2,
            delay_growth: 4,
            budget_process_ns: 200 * MS,
            budget_thread_ns: 100 * MS,
            budget_share: 0.1,
            random_probability: 0.05,
            sample_share: 0.1,
            history_lines: 1 << 16,
        }
    }
}
