//! Ratios, and the figures they are to reach.

use crate::callgrind::Instructions;
use crate::measure::{Sample, Spread};
use crate::rows::{self, Measured};

/// What is to be reached.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing: it is there to compare with.
    Reference,
}

pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) target: Target,
    /// `Err` says why it is missing.
    pub(crate) value: Result<Spread, String>,
}

impl Figure {
    /// `None` where there is nothing to reach, or nothing was measured.
    pub(crate) fn reached(&self) -> Option<bool> {
        let value = self.value.as_ref().ok()?.median;
        match self.target {
            Target::AtMost(most) => Some(value <= most),
            Target::AtLeast(least) => Some(value >= least),
            Target::Reference => None,
        }
    }
}

struct Rounds<'a>(&'a [Measured]);

impl Rounds<'_> {
    fn samples(&self, name: &str) -> &[Sample] {
        let row = self.0.iter().find(|row| row.name == name);
        row.map_or(&[], |row| &row.samples)
    }

    /// The spread of `of` over the rounds, which gets each round's samples of `rows`.
    fn figure<const N: usize>(
        &self,
        what: impl Into<String>,
        target: Target,
        rows: [&str; N],
        of: impl Fn([Sample; N]) -> f64,
    ) -> Figure {
        let missing = rows.iter().find(|row| self.samples(row).is_empty());
        let value = match missing {
            Some(row) => Err(format!("`{row}` was not measured")),
            None => {
                let samples = rows.map(|row| self.samples(row));
                let rounds = 0..samples[0].len();
                Ok(Spread::of(
                    rounds.map(|round| of(samples.map(|row| row[round]))),
                ))
            }
        };
        Figure {
            what: what.into(),
            target,
            value,
        }
    }

    fn scaling(&self, what: &str, target: Target, one: &str, two: &str) -> [Figure; 2] {
        [
            self.figure(what, target, [one, two], |[one, two]| {
                2.0 * one.wall / two.wall
            }),
            self.figure(
                format!("{what}, by processor time"),
                Target::Reference,
                [one, two],
                |[one, two]| 2.0 * one.processor / two.processor,
            ),
        ]
    }
}

/// All figures of the hot path. One thread without locks is compared by processor time, which a busy machine does not
/// stretch; whatever may wait by wall time.
pub(crate) fn of(
    measured: &[Measured],
    instructions: &Result<Instructions, String>,
) -> Vec<Figure> {
    use Target::{AtLeast, AtMost, Reference};
    let rounds = Rounds(measured);
    let counted = |what: &str, target, of: fn(&Instructions) -> f64| Figure {
        what: what.to_owned(),
        target,
        value: instructions
            .as_ref()
            .map(|counted| Spread::of([of(counted)]))
            .map_err(Clone::clone),
    };
    // What the first of two costs over what the second does, each over the plain call.
    let costs = |what: &str, target, one: &str, other: &str, plain: &str| {
        rounds.figure(what, target, [one, other, plain], |[one, other, plain]| {
            (one.processor - plain.processor) / (other.processor - plain.processor)
        })
    };
    let slowdown = |what: &str, target, slow: &str, fast: &str| {
        rounds.figure(what, target, [slow, fast], |[slow, fast]| {
            slow.processor / fast.processor
        })
    };
    let excess = |what: &str, [on, plain, sanitized, unsanitized]: [&str; 4]| {
        rounds.figure(
            what,
            AtMost(1.0 / 15.0),
            [on, plain, sanitized, unsanitized],
            |[on, plain, sanitized, unsanitized]| {
                (on.processor / plain.processor - 1.0)
                    / (sanitized.processor / unsanitized.processor - 1.0)
            },
        )
    };
    let mut figures = vec![
        counted("instructions, off", AtMost(16.0), |counted| {
            counted.off - counted.plain
        }),
        counted("instructions, on, nothing armed", AtMost(80.0), |counted| {
            counted.on - counted.plain
        }),
        rounds.figure(
            "ns, off",
            Reference,
            [rows::OFF, rows::PLAIN],
            |[off, plain]| off.processor - plain.processor,
        ),
        rounds.figure(
            "ns, on, nothing armed",
            Reference,
            [rows::ON, rows::PLAIN],
            |[on, plain]| on.processor - plain.processor,
        ),
        costs(
            "on / uncontended std mutex",
            AtMost(0.25),
            rows::ON,
            rows::MUTEX,
            rows::PLAIN,
        ),
        costs(
            "naive / on",
            AtLeast(30.0),
            rows::NAIVE,
            rows::ON,
            rows::PLAIN,
        ),
        costs(
            "10,000 objects 16 bytes apart, on / naive",
            AtMost(0.15),
            rows::ON_NEAR,
            rows::NAIVE_NEAR,
            rows::PLAIN_NEAR,
        ),
        costs(
            "10,000 objects 4096 bytes apart, on / naive",
            AtMost(0.15),
            rows::ON_FAR,
            rows::NAIVE_FAR,
            rows::PLAIN_FAR,
        ),
        costs(
            "trap elsewhere / nothing armed",
            Reference,
            rows::ON_TRAP,
            rows::ON,
            rows::PLAIN,
        ),
    ];
    let scalings = [
        (
            "two-thread scaling, an object each",
            AtLeast(1.8),
            rows::ON,
            rows::ON_OTHERS_2,
        ),
        (
            "two-thread scaling, one object, reads",
            AtLeast(1.8),
            rows::ON,
            rows::ON_READS_2,
        ),
        (
            "two-thread scaling, one object, reads and writes",
            AtLeast(1.8),
            rows::ON_BOTH,
            rows::ON_BOTH_2,
        ),
        (
            "naive scaling, an object each",
            Reference,
            rows::NAIVE,
            rows::NAIVE_OTHERS_2,
        ),
        (
            "naive scaling, one object, reads",
            Reference,
            rows::NAIVE,
            rows::NAIVE_READS_2,
        ),
    ];
    for (what, target, one, two) in scalings {
        figures.extend(rounds.scaling(what, target, one, two));
    }
    figures.extend([
        slowdown(
            "HashMap get, on / plain",
            AtMost(1.25),
            rows::ON_GET,
            rows::MAP_GET,
        ),
        slowdown(
            "HashMap insert, on / plain",
            AtMost(1.30),
            rows::ON_INSERT,
            rows::MAP_INSERT,
        ),
        slowdown(
            "HashMap get, ThreadSanitizer / plain",
            Reference,
            rows::SANITIZED_GET,
            rows::UNSANITIZED_GET,
        ),
        slowdown(
            "HashMap insert, ThreadSanitizer / plain",
            Reference,
            rows::SANITIZED_INSERT,
            rows::UNSANITIZED_INSERT,
        ),
        excess(
            "HashMap get, excess / ThreadSanitizer's",
            [
                rows::ON_GET,
                rows::MAP_GET,
                rows::SANITIZED_GET,
                rows::UNSANITIZED_GET,
            ],
        ),
        excess(
            "HashMap insert, excess / ThreadSanitizer's",
            [
                rows::ON_INSERT,
                rows::MAP_INSERT,
                rows::SANITIZED_INSERT,
                rows::UNSANITIZED_INSERT,
            ],
        ),
    ]);
    for (what, drop_in, plain) in [
        ("DashMap get", rows::DROP_IN_GET, rows::DASHMAP_GET),
        ("DashMap insert", rows::DROP_IN_INSERT, rows::DASHMAP_INSERT),
        ("DashMap entry", rows::DROP_IN_ENTRY, rows::DASHMAP_ENTRY),
        (
            "DashMap get, insert in a region",
            rows::DROP_IN_REGION,
            rows::DASHMAP_BOTH,
        ),
        ("Mutex, a look", rows::DROP_IN_LOCK, rows::LOCK),
        ("Mutex, a write", rows::DROP_IN_LOCK_SET, rows::LOCK_SET),
        ("RwLock, a look", rows::DROP_IN_READ, rows::READ),
        ("RwLock, a write", rows::DROP_IN_WRITE, rows::WRITE),
        ("AtomicU64 load", rows::DROP_IN_LOAD, rows::LOAD),
        ("AtomicU64 fetch_add", rows::DROP_IN_ADD, rows::ADD),
    ] {
        let what = format!("{what}, drop-in / plain");
        figures.push(slowdown(&what, Reference, drop_in, plain));
    }
    figures
}
