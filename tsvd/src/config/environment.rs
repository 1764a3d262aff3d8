//! Settings: the environment variables `TSVD…`, each with its default.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::{Parameters, StrategyName};

/// Whether operations are watched, where nothing else decides.
pub(crate) const TSVD: &str = "TSVD";
/// The folder for reports instead of `target/tsvd`.
pub(crate) const TSVD_DIR: &str = "TSVD_DIR";
/// What a violation does to the process.
pub(crate) const TSVD_ON_VIOLATION: &str = "TSVD_ON_VIOLATION";
/// The seed of every random choice.
pub(crate) const TSVD_SEED: &str = "TSVD_SEED";
/// What decides where to sleep.
pub(crate) const TSVD_STRATEGY: &str = "TSVD_STRATEGY";

/// `TSVD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
    /// On in tests and where the program enabled it.
    Auto,
}

/// `TSVD_ON_VIOLATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnViolation {
    /// A process that would have ended with status 0 ends with 66.
    Fail,
    /// The second party panics, unless it is unwinding or an annotated `Drop::drop`.
    Panic,
    /// The process aborts once the report is written.
    Abort,
    /// Nothing but the report.
    Record,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) switch: Switch,
    /// Where `reports/` goes; `None` for the target folder.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) on_violation: OnViolation,
    /// `None` for one that is drawn anew in each run.
    pub(crate) seed: Option<u64>,
    pub(crate) parameters: Parameters,
}

/// A variable with a value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongValue {
    variable: &'static str,
    value: OsString,
    allowed: &'static str,
}

impl fmt::Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            value,
            allowed,
        } = self;
        write!(
            f,
            "{variable}={value:?} is not allowed; {variable} is {allowed}"
        )
    }
}

impl Config {
    /// The settings in the process's environment. An empty variable is an unset one.
    pub(crate) fn from_environment() -> Result<Self, WrongValue> {
        Self::from(|name| std::env::var_os(name))
    }

    fn from(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, WrongValue> {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        Ok(Self {
            switch: choose(TSVD, value(TSVD), SWITCHES, Switch::Auto)?,
            dir: value(TSVD_DIR).map(PathBuf::from),
            on_violation: choose(
                TSVD_ON_VIOLATION,
                value(TSVD_ON_VIOLATION),
                REACTIONS,
                OnViolation::Fail,
            )?,
            seed: match value(TSVD_SEED) {
                None => None,
                Some(text) => Some(text.to_str().and_then(|text| text.parse().ok()).ok_or(
                    WrongValue {
                        variable: TSVD_SEED,
                        value: text,
                        allowed: "a whole number from 0 to 18446744073709551615",
                    },
                )?),
            },
            parameters: Parameters {
                strategy: choose(
                    TSVD_STRATEGY,
                    value(TSVD_STRATEGY),
                    STRATEGIES,
                    StrategyName::Tsvd,
                )?,
                ..Parameters::default()
            },
        })
    }
}

/// The words of a setting and what they mean, and how they are listed to a person.
struct Words<T: 'static>(&'static [(&'static str, T)], &'static str);

const SWITCHES: Words<Switch> = Words(
    &[
        ("on", Switch::On),
        ("1", Switch::On),
        ("off", Switch::Off),
        ("0", Switch::Off),
        ("auto", Switch::Auto),
    ],
    "`on` (or `1`), `off` (or `0`) or `auto`",
);

const STRATEGIES: Words<StrategyName> = Words(
    &[
        ("tsvd", StrategyName::Tsvd),
        ("tsvd-fixed", StrategyName::TsvdFixed),
        ("random", StrategyName::Random),
        ("static-random", StrategyName::StaticRandom),
        ("observe", StrategyName::Observe),
    ],
    "`tsvd`, `tsvd-fixed`, `random`, `static-random` or `observe`",
);

const REACTIONS: Words<OnViolation> = Words(
    &[
        ("fail", OnViolation::Fail),
        ("panic", OnViolation::Panic),
        ("abort", OnViolation::Abort),
        ("record", OnViolation::Record),
    ],
    "`fail`, `panic`, `abort` or `record`",
);

fn choose<T: Copy>(
    variable: &'static str,
    value: Option<OsString>,
    Words(words, allowed): Words<T>,
    default: T,
) -> Result<T, WrongValue> {
    let Some(value) = value else {
        return Ok(default);
    };
    let known = words.iter().find(|(word, _)| value == *word);
    known.map(|(_, meaning)| *meaning).ok_or(WrongValue {
        variable,
        value,
        allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::from(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_the_defaults() {
        let defaults = Config {
            switch: Switch::Auto,
            dir: None,
            on_violation: OnViolation::Fail,
            seed: None,
            parameters: Parameters::default(),
        };
        assert_eq!(config(&[]), Ok(defaults.clone()));
        assert_eq!(config(&[("TSVD", ""), ("TSVD_SEED", "")]), Ok(defaults));
    }

    #[test]
    fn every_word_is_understood() {
        assert_eq!(config(&[("TSVD", "on")]).unwrap().switch, Switch::On);
        assert_eq!(config(&[("TSVD", "0")]).unwrap().switch, Switch::Off);
        assert_eq!(
            config(&[("TSVD_ON_VIOLATION", "abort")])
                .unwrap()
                .on_violation,
            OnViolation::Abort
        );
        assert_eq!(
            config(&[("TSVD_SEED", "18446744073709551615")])
                .unwrap()
                .seed,
            Some(u64::MAX)
        );
        assert_eq!(
            config(&[("TSVD_DIR", "a b")]).unwrap().dir,
            Some(PathBuf::from("a b"))
        );
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        assert_eq!(
            config(&[("TSVD", "yes")]).unwrap_err(),
            "TSVD=\"yes\" is not allowed; TSVD is `on` (or `1`), `off` (or `0`) or `auto`"
        );
        assert_eq!(
            config(&[("TSVD_ON_VIOLATION", "Panic")]).unwrap_err(),
            "TSVD_ON_VIOLATION=\"Panic\" is not allowed; TSVD_ON_VIOLATION is `fail`, `panic`, `abort` or `record`"
        );
        assert_eq!(
            config(&[("TSVD_SEED", "-1")]).unwrap_err(),
            "TSVD_SEED=\"-1\" is not allowed; TSVD_SEED is a whole number from 0 to 18446744073709551615"
        );
    }
}
