//! What is watched, where calls are delayed, for how long, and what a violation does.
//!
//! Every setting has one key, and can be given in three places. Of two that give the same, the earlier in this list is
//! followed:
//! 1. the program: `tsvd::settings().set("window_ms", 50).enable()`,
//! 2. the environment: `TSVD_WINDOW_MS=50`, `TSVD_` and the key in upper case, but for the key `enabled`, whose variable
//!    is `TSVD`; an empty variable is an unset one,
//! 3. `tsvd.toml` beside the workspace's `Cargo.lock`: `window_ms = 50`.
//!
//! A key that does not exist or a value that is not allowed ends a test process before its first test, and other programs
//! before the first watched operation, with status 2 and a message that names the place, the value and what is allowed.
//!
//! | key | meaning | allowed | default | source |
//! |---|---|---|---|---|
//! | `enabled` | whether operations are watched; `auto`: in tests and after `enable` | `on`, `1`, `true`, `off`, `0`, `false` or `auto` | auto | ours |
//! | `on_violation` | `fail`: a status of 0 becomes 66; `panic`: the second party panics, but not while unwinding or in an annotated `Drop::drop`; `abort`; `record`: nothing but the report | `fail`, `panic`, `abort` or `record` | fail | 66 as the sanitizers' |
//! | `suspicions` | interleavings that would interrupt a region if one were declared: `list` shows them at the end, `deny` fails the run, too, unless the baseline accepts them, `off` looks for none | `list`, `deny` or `off` | list | ours |
//! | `baseline` | the suspicions that are accepted, relative to the workspace root; `cargo tsvd baseline write` makes it | a file that is there | tsvd-baseline.json, if it is there | ours |
//! | `dir` | gets `reports/`, `heartbeat/` and `traps.json`, what a run learns for the next; in `tsvd.toml` relative to that file | a folder | target/tsvd | ours |
//! | `seed` | of every random choice; named in the report | a whole number below 2^64 | a new one | ours |
//! | `rounds` | how often `check` and `#[tsvd::test]` run a body at most, unless the test says it | 1 to 10000 rounds | 10 | ours |
//! | `strategy` | what decides where to sleep, see below | `tsvd`, `tsvd-fixed`, `tsvd-hb`, `random`, `static-random` or `observe` | tsvd | SOSP 2019, table 2 |
//! | `async` | how async operations are delayed: `suspend`: by an awaited timer where that disturbs nothing we know of, else with the thread if a runtime of tokio's has several, else not; `block`: with their threads; `off`: not at all | `suspend`, `block` or `off` | suspend | SOSP 2019, 4 |
//! | `window_ms` | how far apart two accesses may lie to be a near miss | 1 to 3600000 ms | 100 | SOSP 2019, 3.2 |
//! | `object_history` | how many accesses of an object are remembered | 1 to 7 accesses | 5 | SOSP 2019, 3.2 |
//! | `phase_points` | how many points of one context in a row make it count as alone; a point is its first access in 2 ms | 1 to 1000000 points | 16 | SOSP 2019, 3.3 |
//! | `order_share` | how much of a delay another context must have been silent for to be ordered after it | 0.01 to 1 of the delay | 0.5 | SOSP 2019, 3.4 |
//! | `order_points` | how many of that context's next points are ordered, too | 0 to 1000000 points | 5 | SOSP 2019, 3.4 |
//! | `order_agree` | how many delays must show an order before its pair is left alone; 0: no order is inferred. `tsvd-fixed` needs one | 0 to 1000000 delays | 2 | ours |
//! | `decay` | what a delay in vain takes from the probability of its pairs | 0 to 1 | 0.1 | SOSP 2019, 3.4 |
//! | `delay_max_ms` | the longest delay of `tsvd`, and each one of the other strategies | 1 to 3600000 ms | 100 | SOSP 2019, 3.2 |
//! | `delay_gap` | how long the first delay for a pair is, by the gap of its near miss | 1 to 1000 times the gap | 2 | ours |
//! | `delay_growth` | how much longer a delay is than the one before that was in vain | 1 to 1000 times | 4 | ours |
//! | `budget_process_ms` | how much a process may be delayed, all threads together, beside its share of the time | 0 to 3600000 ms | 200 | ours |
//! | `budget_thread_ms` | how much one thread may be delayed, beside its share of the time | 0 to 3600000 ms | 100 | ours |
//! | `budget_share` | the share of the time since the start that may be slept away, too | 0 to 1000 of the time | 0.1 | ours |
//! | `random_probability` | `random`: how likely a call is delayed | 0 to 1 | 0.05 | SOSP 2019, table 2 |
//! | `sample_share` | `static-random`: how likely a call site is in the sample that is drawn every 100 ms | 0 to 1 | 0.1 | ours |
//! | `history_kib` | memory of the last accesses, 64 bytes an object; rounded down to a power of two | 1 to 1048576 KiB | 4096 | ours |
//!
//! Sources: Li, Lu, Musuvathi, Nath, Padhye: "Efficient Scalable Thread-Safety-Violation Detection", SOSP 2019, by section or
//! table; Erickson, Musuvathi, Burckhardt, Olynyk: "Effective Data-Race Detection for the Kernel" (DataCollider), OSDI 2010.
//!
//! # Async operations
//!
//! A delay is awaited: the future returns `Pending` before its body is polled, and a timer wakes its task. Where the body
//! would have been ready at once that might change the outcome of a `select!`, a timeout or `now_or_never`. So a call site is
//! left alone where a future was dropped during a delay (also in later runs: the trap file has it), where the waker can wake nobody,
//! and, unless operations at this call site (at others, if it is new) have always waited by themselves at their first poll, where something on the stack polls
//! it beside others, or no known executor does, or anything stands between the two but `async` bodies and what is known to hand on
//! a poll. (In optimised builds, and on other systems than Linux, it takes a thread of ours up to a second to know that of a stack;
//! until then it counts as raced.) Where a clock of tokio's is paused no task is held by a timer, if the feature `tokio` is there to
//! see it.
//!
//! A lock of std's that is held across an await which was always ready may deadlock. A test that counts polls, or takes a spawned task
//! for done after one `yield_now`, sees the delay. `TSVD_ASYNC=block` or `off` helps there.
//!
//! # Strategies
//!
//! - `tsvd` delays at the call sites of near misses, for about twice the gap it saw, and longer where that was in vain.
//! - `tsvd-fixed` is the paper: every delay is `delay_max_ms` long, and one in vain is enough to infer an order.
//! - `tsvd-hb` delays as `tsvd-fixed` does, and infers nothing: a near miss is none if the two accesses are ordered by what
//!   the program does with [`sync`](crate::sync) and [`thread`](crate::thread) (vector clocks; the paper's TSVD_HB). It does not see
//!   what other types order, and every call is recorded, so it is slower.
//! - `random` delays every call with `random_probability`, whatever was seen.
//! - `static-random` delays a sample of the call sites, each evenly, however often it is reached (DataCollider).
//! - `observe` delays nobody. Near misses are armed for later runs; no violation is proved without a
//!   delay, but those of regions that were interrupted without one.
//!
//! All of them have the same budget, write the same trap file, end a delay once it has caught somebody, and report by the same
//! proofs: a strategy decides what is found, never what is true.

use std::fmt::Display;
use std::panic::Location;

use crate::backend;

/// Settings of the program's own, followed once operations are [enabled](Self::enable).
#[derive(Clone, Debug, Default)]
#[must_use = "settings are followed once they are enabled"]
pub struct Settings {
    chosen: backend::Chosen,
}

/// Begins with the settings of environment, `tsvd.toml` and defaults.
///
/// ```
/// tsvd::settings()
///     .set("strategy", "static-random")
///     .set("sample_share", 0.5)
///     .enable();
/// ```
pub fn settings() -> Settings {
    Settings::default()
}

impl Settings {
    /// Sets `key`, one of the [table](mod@crate::settings), to `value`, as it would be written in the environment.
    #[track_caller]
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.chosen.set(key, &value, Location::caller());
        self
    }

    /// Watches operations from now on by these settings, as [`enable()`](crate::enable) does by those of the other places.
    ///
    /// To be called before the first operation: settings that come later change nothing, which is said once on stderr. Without
    /// the feature `detect`, and under loom, it does nothing.
    ///
    /// # Panics
    ///
    /// Never; settings that are not allowed end the process with status 2 and a message.
    pub fn enable(self) {
        backend::enable(self.chosen);
    }
}
