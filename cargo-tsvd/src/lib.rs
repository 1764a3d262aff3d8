//! The cargo subcommand of `tsvd`.
//!
//! A command goes through the same steps: parse (`cli`), find what it works on (`folder`, `reports`), do it, print. Machine output
//! goes to stdout, progress and warnings to stderr. What the process says with its status stands in [`Exit`].

mod baseline;
mod clean;
mod cli;
mod exit;
mod folder;
mod report;
mod reports;
mod resolver;
mod workspace;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};

use clap::Parser;

pub use exit::Exit;

/// Runs the command line `args`, the program's name first, on this process's stdout and stderr.
///
/// As a subcommand, cargo passes the word `tsvd` before the arguments; both forms are understood.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|word| word == "tsvd") {
        args.remove(1);
    }
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap too. If this cannot be printed, nothing else can.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Clean
            };
        }
    };
    let result = match cli.command {
        cli::Command::Report(arguments) => report::run(&arguments),
        cli::Command::Baseline(command) => baseline::run(&command),
        cli::Command::Clean(arguments) => clean::run(&arguments),
    };
    result.unwrap_or_else(|stop| {
        say(&format!("error: {}", stop.message));
        stop.exit
    })
}

/// Why a command could not give a verdict.
#[derive(Debug)]
struct Stop {
    exit: Exit,
    /// What happened and what to do, safe to show.
    message: String,
}

/// A line for people. Where stderr is gone there is nobody to tell.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The product, to stdout. A reader that has had enough (`| head`) is no error.
fn print(text: &str) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Stop {
            exit: Exit::Internal,
            message: format!("cannot write to stdout: {error}"),
        }),
        _ => Ok(()),
    }
}
