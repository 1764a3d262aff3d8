//! How many executions a second `tsvd::model` runs, beside loom alone on the same model.
//!
//! The models are written once, and built over loom's types for loom and over `tsvd`'s for `tsvd`. Both run in turn in one process, so
//! that what else the machine does slows both; the figure is the median of the ratios of neighbouring runs. Run by
//! `cargo xtask loom --bench`; arguments: `--rounds N` (15), `--out FILE` (JSON).

#[cfg(not(loom))]
fn main() {
    println!("nothing to compare without --cfg loom");
}

#[cfg(loom)]
fn main() -> std::process::ExitCode {
    compared::main()
}

#[cfg(loom)]
mod compared {
    use std::process::ExitCode;
    use std::sync::Arc as Plain;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    /// Of loom's own rate.
    const WANTED: f64 = 0.9;

    /// The models over the types of one crate.
    macro_rules! models {
        ($of:ident) => {
            mod $of {
                use $of::cell::UnsafeCell;
                use $of::hint::spin_loop;
                use $of::sync::atomic::AtomicBool;
                use $of::sync::atomic::Ordering::{Acquire, Relaxed, Release};
                use $of::sync::{Arc, Mutex};
                use $of::thread;

                struct Spinlock {
                    taken: AtomicBool,
                    value: UnsafeCell<u32>,
                }

                // SAFETY: the flag excludes.
                unsafe impl Sync for Spinlock {}
                // SAFETY: a number and a flag.
                unsafe impl Send for Spinlock {}

                impl Spinlock {
                    fn increment(&self) {
                        while self
                            .taken
                            .compare_exchange(false, true, Acquire, Relaxed)
                            .is_err()
                        {
                            spin_loop();
                        }
                        // SAFETY: the flag is ours.
                        self.value.with_mut(|value| unsafe { *value += 1 });
                        self.taken.store(false, Release);
                    }
                }

                pub(super) fn spinlock() {
                    const ROUNDS: usize = 3;
                    let lock = Arc::new(Spinlock {
                        taken: AtomicBool::new(false),
                        value: UnsafeCell::new(0),
                    });
                    let other = {
                        let lock = Arc::clone(&lock);
                        thread::spawn(move || (0..ROUNDS).for_each(|_| lock.increment()))
                    };
                    (0..ROUNDS).for_each(|_| lock.increment());
                    other.join().unwrap();
                    // SAFETY: the other has ended.
                    lock.value.with(|value| assert_eq!(unsafe { *value }, 6));
                }

                pub(super) fn bank() {
                    let accounts = Arc::new([Mutex::new(50), Mutex::new(50)]);
                    let transfers = [30, -20].map(|amount| {
                        let accounts = Arc::clone(&accounts);
                        thread::spawn(move || {
                            let mut first = accounts[0].lock().unwrap();
                            let mut second = accounts[1].lock().unwrap();
                            *first -= amount;
                            *second += amount;
                        })
                    });
                    let audit = || {
                        let first = accounts[0].lock().unwrap();
                        let second = accounts[1].lock().unwrap();
                        assert_eq!(*first + *second, 100);
                    };
                    audit();
                    audit();
                    for transfer in transfers {
                        transfer.join().unwrap();
                    }
                    audit();
                }
            }
        };
    }

    models!(loom);
    models!(tsvd);

    /// A name, and the model over loom's types and over `tsvd`'s.
    type Compared = (&'static str, fn(), fn());

    /// Executions and time.
    type Run = (usize, Duration);

    fn by_loom(body: fn()) -> Run {
        let executions = Plain::new(AtomicUsize::new(0));
        let start = Instant::now();
        let count = Plain::clone(&executions);
        ::loom::model::Builder::new().check(move || {
            count.fetch_add(1, Relaxed);
            body();
        });
        (executions.load(Relaxed), start.elapsed())
    }

    fn by_tsvd(body: fn()) -> Run {
        let start = Instant::now();
        let exploration = ::tsvd::model(body);
        (exploration.executions(), start.elapsed())
    }

    fn rate((executions, time): Run) -> f64 {
        executions as f64 / time.as_secs_f64()
    }

    fn median(mut figures: Vec<f64>) -> f64 {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }

    pub(super) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().collect();
        let after = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1)
        };
        let rounds: usize =
            after("--rounds").map_or(15, |rounds| rounds.parse().expect("--rounds is a number"));
        let models: [Compared; 2] = [
            ("spinlock, two threads", loom::spinlock, tsvd::spinlock),
            ("bank, two transfers and an auditor", loom::bank, tsvd::bank),
        ];
        println!(
            "{:36} {:>10} {:>12} {:>12} {:>6} {:>14}",
            "model", "executions", "loom /s", "tsvd /s", "ratio", "spread"
        );
        let mut rows = Vec::new();
        let mut is_enough = true;
        for (name, alone, ours) in models {
            let (mut loom, mut tsvd, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            let mut executions = 0;
            for round in 0..rounds.max(1) {
                // Whoever is first in a pair is second in the next.
                let (by, with) = if round % 2 == 0 {
                    let by = by_loom(alone);
                    (by, by_tsvd(ours))
                } else {
                    let with = by_tsvd(ours);
                    (by_loom(alone), with)
                };
                assert_eq!(by.0, with.0, "the same model has the same executions");
                executions = by.0;
                loom.push(rate(by));
                tsvd.push(rate(with));
                ratios.push(rate(with) / rate(by));
            }
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(0.0, f64::max);
            let (loom, tsvd, ratio) = (median(loom), median(tsvd), median(ratios));
            is_enough &= ratio >= WANTED;
            println!(
                "{name:36} {executions:>10} {loom:>12.0} {tsvd:>12.0} {ratio:>6.2} {:>14}",
                format!("{least:.2} to {most:.2}")
            );
            rows.push(format!(
                "{{\"model\": \"{name}\", \"executions\": {executions}, \"loom_per_second\": {loom:.0}, \"tsvd_per_second\": {tsvd:.0}, \
                 \"ratio\": {ratio:.3}, \"least\": {least:.3}, \"most\": {most:.3}}}"
            ));
        }
        if let Some(file) = after("--out") {
            let json = format!(
                "{{\"rounds\": {rounds}, \"wanted\": {WANTED}, \"models\": [{}]}}\n",
                rows.join(", ")
            );
            std::fs::write(file, json).expect("the figures can be written");
        }
        if is_enough {
            return ExitCode::SUCCESS;
        }
        println!("less than {WANTED} of loom's own rate");
        ExitCode::FAILURE
    }
}
