//! What an annotated call costs: `cargo xtask bench`, or `cargo bench -p tsvd --features detect,dashmap --bench hot_path`.
//!
//! # How to read it
//!
//! - The first table has *rows*: nanoseconds for one call as it is written in a loop, median and quartiles over the rounds.
//!   All bodies are the same few instructions and touch no memory, so what a row has over `plain call` is the runtime's own;
//!   with two threads it is what each of them pays. `processor ns` is the time the threads were on a processor: where it is far
//!   below the other, they waited, for a lock or because the machine was busy with something else (its load is printed).
//! - Rows are sampled in turn, one sample each a round, in one process and its children (which are idle meanwhile), so
//!   that a change of clock rate or load meets all of them.
//! - The second table has *figures*: each the median over the rounds of a ratio within one round, and beside it the figure to
//!   reach. Costs in ratios are over the plain call. Nothing fails on them: wall time belongs to the machine.
//! - Instructions are callgrind's for this very program, run with 1 and 2 times as many calls: the difference is theirs, with
//!   start and end of the process gone. They do not depend on the load. Rows that need a tool that is not there are
//!   `missing`, with the reason.
//! - *naive* is the runtime of [`naive`], after the released .NET tool: one mutex over maps of histories and traps.
//! - *off* is a child with `TSVD=off`: compiled in, switched off. `reads and writes` of one object is a child too: the violation is
//!   real there, found and reported while it warms up, and what is measured is what comes after.
//! - *trap elsewhere*: a scope on another object is published meanwhile, which to every other call is what a trap is.
//! - *drop-in* rows are those of `tsvd::dashmap` and `tsvd::sync` with nothing armed, and no region open but in the row that says so,
//!   beside what they stand for. Looks and writes go through the guard, so that there is something to tell. The region is a
//!   function that is entered and left in each call, with two accesses.
//! - *worst case*: a trap elsewhere, and 100,000 objects round robin, so that no call finds its object in a cache of any kind.
//!
//! | argument | does |
//! |---|---|
//! | `--out FILE` | writes everything as JSON, too |
//! | `--sanitized PLAIN TSAN` | programs built from `sanitized.rs`, without and with ThreadSanitizer |
//! | `--rounds N` | default 41 |

mod callgrind;
mod figures;
mod map_loops;
mod measure;
mod naive;
mod output;
mod peer;
mod rows;
mod subjects;

use std::path::PathBuf;

use rows::Local;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    out: Option<PathBuf>,
    sanitized: Option<[PathBuf; 2]>,
    rounds: Option<usize>,
    /// Answers a parent's requests; see [`peer`].
    serve: bool,
    /// Makes so many calls of one row and ends; see [`callgrind`].
    count: Option<(String, u64)>,
}

fn main() {
    let arguments = parse(std::env::args().skip(1)).unwrap_or_else(|wrong| {
        eprintln!("hot_path: {wrong}. The arguments are described in benches/hot_path/main.rs.");
        std::process::exit(2);
    });
    tsvd::enable();
    if let Some((row, calls)) = &arguments.count {
        Local::new().sample(row, *calls);
        return;
    }
    if arguments.serve {
        return peer::serve(&mut Local::new());
    }
    if !tsvd::__private::enabled() {
        eprintln!("hot_path: TSVD=off leaves nothing to measure: unset it and run again.");
        std::process::exit(2);
    }
    let rounds = arguments.rounds.unwrap_or(41);
    let machine = output::Machine::here();
    let measured = rows::measure(rounds, arguments.sanitized.as_ref());
    let instructions = callgrind::count();
    let figures = figures::of(&measured, &instructions);
    output::print(&machine, rounds, &measured, &figures);
    if let Some(out) = &arguments.out {
        output::write(out, &machine, rounds, &measured, &figures);
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or(format!("`{word}` wants a value"));
        match word.as_str() {
            // Said by cargo to every benchmark.
            "--bench" => {}
            "--out" => arguments.out = Some(next()?.into()),
            "--sanitized" => arguments.sanitized = Some([next()?.into(), next()?.into()]),
            "--rounds" => arguments.rounds = Some(number(&next()?)?),
            "--serve" => arguments.serve = true,
            "--count" => arguments.count = Some((next()?, number(&next()?)?)),
            _ => return Err(format!("`{word}` is not an argument")),
        }
    }
    Ok(arguments)
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a number"))
}
