//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const STATUS: &str = "\
Exit status:
   0  no violation
   1  at least one violation that fails a run; of `baseline check`, a suspicion that is not accepted
   2  wrong arguments or configuration
   3  the build failed
   4  tests failed for another reason
   5  nothing to judge: no report, or no operation ran
  70  cargo tsvd itself failed";

/// Finds thread-safety violations while ordinary tests run
#[derive(Debug, Parser)]
#[command(name = "cargo-tsvd", bin_name = "cargo tsvd", version, after_help = STATUS)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what the last runs found, all processes in one
    #[command(after_help = STATUS)]
    Report(ReportArguments),
    /// Which suspicions are accepted, and fail no run with TSVD_SUSPICIONS=deny
    ///
    /// They stand in `tsvd-baseline.json` at the workspace root, or in the file of the setting `baseline`
    /// (TSVD_BASELINE, or a line of `tsvd.toml`). Commit it.
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Removes the reports and heartbeats of earlier runs
    Clean(CleanArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CleanArguments {
    /// The trap file as well: the next run knows nothing
    #[arg(long)]
    pub(crate) all: bool,
    /// The folder with the folder `reports` [default: that of the setting `dir` (TSVD_DIR), or `tsvd` in cargo's target folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// How to show it, on stdout
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) reports: ReportsArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Accepts the suspicions of the reports
    ///
    /// What is new is added, and what was accepted before is kept as it stands, seen or not. Violations are left out: they are proved.
    Write {
        /// Drop what is accepted and not in the reports
        #[arg(long)]
        prune: bool,
        #[command(flatten)]
        arguments: BaselineArguments,
    },
    /// Lists the suspicions of the reports that are not accepted
    #[command(after_help = STATUS)]
    Check {
        #[command(flatten)]
        arguments: BaselineArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArguments {
    /// The file with what is accepted [default: that of the setting, or `tsvd-baseline.json` at the workspace root]
    #[arg(long, value_name = "BASELINE")]
    pub(crate) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: ReportsArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ReportsArguments {
    /// The folder with the folder `reports` [default: that of the setting `dir` (TSVD_DIR), or `tsvd` in cargo's target folder]
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub(crate) dir: Option<PathBuf>,
    /// Reports to read instead of a folder
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    Human,
    /// One report in the format tsvd-report/1
    Json,
}
