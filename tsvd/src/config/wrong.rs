//! What is not allowed, and how it is said.

use std::fmt;
use std::path::PathBuf;

use super::source::Place;
use super::table::{Setting, TABLE};
use crate::report::BaselineError;

/// Something that is not allowed in a place for settings.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A key with a value that it cannot have.
    Value {
        place: Place,
        setting: &'static str,
        /// As it was typed, on one line.
        value: String,
        allowed: String,
    },
    /// No key.
    Key { place: Place, typed: String },
    /// No TOML, with the line where it ends to be.
    Syntax {
        file: PathBuf,
        line: usize,
        message: String,
    },
    /// A file that is there, and cannot be read.
    File {
        file: PathBuf,
        error: std::io::Error,
    },
    /// A baseline that is none.
    Baseline(BaselineError),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value {
                place,
                setting,
                value,
                allowed,
            } => match place {
                Place::Program(site) => write!(
                    f,
                    "{site}: `set({setting:?}, …)` with {value} is not allowed; {setting} is {allowed}"
                ),
                Place::Environment(variable) => write!(
                    f,
                    "{variable}={value} is not allowed; {variable} is {allowed}"
                ),
                Place::File { file, line } => write!(
                    f,
                    "{}:{line}: {setting} = {value} is not allowed; {setting} is {allowed}",
                    file.display()
                ),
            },
            Self::Key { place, typed } => {
                let nearest = nearest(typed, place);
                match place {
                    Place::Program(site) => write!(
                        f,
                        "{site}: there is no setting {typed:?}; did you mean `{nearest}`?"
                    ),
                    Place::Environment(variable) => write!(
                        f,
                        "there is no setting {variable}; did you mean `{nearest}`?"
                    ),
                    Place::File { file, line } => write!(
                        f,
                        "{}:{line}: there is no setting {typed:?}; did you mean `{nearest}`?",
                        file.display()
                    ),
                }
            }
            Self::Syntax {
                file,
                line,
                message,
            } => write!(f, "{}:{line}: not TOML: {message}", file.display()),
            Self::File { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            Self::Baseline(error) => error.fmt(f),
        }
    }
}

/// The name most like `typed`, as it is written in that place.
fn nearest(typed: &str, place: &Place) -> String {
    let key = typed.to_lowercase();
    let distance = |setting: &&Setting| strsim::damerau_levenshtein(&key, setting.key);
    let nearest = TABLE
        .iter()
        .min_by_key(distance)
        .expect("there are settings");
    match place {
        Place::Environment(_) => nearest.variable(),
        Place::Program(_) | Place::File { .. } => nearest.key.to_owned(),
    }
}
