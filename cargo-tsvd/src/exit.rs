use std::process::ExitCode;

/// What the status of `cargo tsvd` says.
///
/// | status | name | meaning |
/// |---|---|---|
/// | 0 | `Clean` | no violation |
/// | 1 | `Violations` | at least one violation that fails a run; of `baseline check`, a suspicion that is not accepted |
/// | 2 | `Usage` | wrong arguments or configuration |
/// | 3 | `BuildFailed` | the build failed |
/// | 4 | `TestsFailed` | tests failed for another reason |
/// | 5 | `NothingInstrumented` | there is nothing to judge: no report, or no operation ran |
/// | 70 | `Internal` | `cargo tsvd` itself failed (`EX_SOFTWARE` of sysexits.h) |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// No violation.
    Clean = 0,
    /// At least one violation that fails a run, or, where that is asked, a suspicion that is not accepted.
    Violations = 1,
    /// Wrong arguments or configuration.
    Usage = 2,
    /// The build failed.
    BuildFailed = 3,
    /// Tests failed for another reason.
    TestsFailed = 4,
    /// There is nothing to judge: no report, or no operation ran.
    NothingInstrumented = 5,
    /// `cargo tsvd` itself failed.
    Internal = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
