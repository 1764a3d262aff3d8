//! What is given in each place, and what all of it comes to.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::table::{Config, Kind, Setting};
use super::wrong::Wrong;

/// The file at the workspace root.
const FILE: &str = "tsvd.toml";

/// What the names of all our variables begin with.
const PREFIX: &str = "TSVD_";

/// Where a setting is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Program(&'static Location<'static>),
    /// With the name of the variable.
    Environment(String),
    File {
        file: PathBuf,
        line: usize,
    },
}

/// A setting as it is given in one place.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    place: Place,
    key: String,
    value: Typed,
}

/// A value, as far as its place tells what it is.
#[derive(Clone, Debug)]
enum Typed {
    /// In a place that has text only.
    Text(OsString),
    String(String),
    Number(String),
    Bool(bool),
    /// No setting has such a value.
    Other,
}

impl Given {
    /// By the program itself.
    pub(crate) fn by_program(
        key: &str,
        value: &dyn fmt::Display,
        site: &'static Location<'static>,
    ) -> Self {
        Self {
            place: Place::Program(site),
            key: key.to_owned(),
            value: Typed::Text(value.to_string().into()),
        }
    }
}

/// Settles what is given by the `program`, in the environment's `variables`, and in the file at the workspace's `root`.
pub(crate) fn resolve(
    program: &[Given],
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    root: Option<&Path>,
) -> Result<Config, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut given = root.map_or_else(Vec::new, |root| from_file(&root.join(FILE), &mut wrong));
    given.extend(from_environment(variables));
    given.extend_from_slice(program);
    let mut config = Config::default();
    // In rising order: the last word is followed.
    for given in given {
        wrong.extend(apply(&mut config, given, root).err());
    }
    if wrong.is_empty() {
        Ok(config)
    } else {
        Err(wrong)
    }
}

fn from_environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<Given> {
    let mut given: Vec<_> = variables
        .into_iter()
        .filter(|(name, value)| {
            // Those of the models have their own reader.
            !value.is_empty() && !name.to_string_lossy().starts_with("TSVD_LOOM_")
        })
        .filter_map(|(name, value)| {
            let name = name.to_string_lossy().into_owned();
            let key = match name.as_str() {
                "TSVD" => "enabled".to_owned(),
                name => name.strip_prefix(PREFIX)?.to_lowercase(),
            };
            // `TSVD_ENABLED` and `TSVD_Seed` are nobody's.
            let known = Setting::of(&key).is_some_and(|setting| setting.variable() == name);
            Some(Given {
                key: if known {
                    key
                } else {
                    name[PREFIX.len()..].to_owned()
                },
                place: Place::Environment(name),
                value: Typed::Text(value),
            })
        })
        .collect();
    given.sort_by(|a, b| a.key.cmp(&b.key));
    given
}

fn from_file(file: &Path, wrong: &mut Vec<Wrong>) -> Vec<Given> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let file = file.to_owned();
            wrong.push(Wrong::File { file, error });
            return Vec::new();
        }
    };
    from_toml(&text, file, wrong)
}

fn from_toml(text: &str, file: &Path, wrong: &mut Vec<Wrong>) -> Vec<Given> {
    let line = |at: usize| {
        text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What stands in a file that is no TOML cannot be told.
        let mut lines: Vec<_> = errors
            .iter()
            .map(|error| (error.span().map_or(1, |span| line(span.start)), error))
            .collect();
        // What follows from the first mistake of a line is none of the user's.
        lines.sort_by_key(|(line, _)| *line);
        lines.dedup_by_key(|(line, _)| *line);
        wrong.extend(lines.into_iter().map(|(line, error)| Wrong::Syntax {
            file: file.to_owned(),
            line,
            message: error.message().trim().replace('\n', ", "),
        }));
        return Vec::new();
    }
    let mut given: Vec<_> = table.into_inner().into_iter().collect();
    given.sort_by_key(|(key, _)| key.span().start);
    let given = given.into_iter().map(|(key, value)| Given {
        place: Place::File {
            file: file.to_owned(),
            line: line(key.span().start),
        },
        key: key.into_inner().into_owned(),
        value: match value.into_inner() {
            DeValue::String(text) => Typed::String(text.into_owned()),
            DeValue::Integer(number) => {
                match u64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Typed::Number(number.to_string()),
                    Err(_) => Typed::Number(number.as_str().to_owned()),
                }
            }
            DeValue::Float(number) => Typed::Number(number.as_str().to_owned()),
            DeValue::Boolean(value) => Typed::Bool(value),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Typed::Other,
        },
    });
    given.collect()
}

/// Writes one setting into `config`.
fn apply(config: &mut Config, given: Given, root: Option<&Path>) -> Result<(), Wrong> {
    let Given { place, key, value } = given;
    let Some(setting) = Setting::of(&key) else {
        return Err(Wrong::Key { place, typed: key });
    };
    put(config, setting, &place, &value, root).ok_or_else(|| Wrong::Value {
        value: value.to_string(),
        setting: setting.key,
        allowed: setting.allowed(),
        place,
    })
}

fn put(
    config: &mut Config,
    setting: &Setting,
    place: &Place,
    value: &Typed,
    root: Option<&Path>,
) -> Option<()> {
    match setting.kind {
        Kind::Words(words) => {
            let value = value.as_word()?;
            let (_, put) = words.iter().find(|(word, _)| *word == value)?;
            put(config);
        }
        Kind::Whole(min, max, put) => {
            let value = value.as_number()?.parse().ok()?;
            put(config, (min..=max).contains(&value).then_some(value)?);
        }
        Kind::Decimal(min, max, put) => {
            let value = value.as_number()?.parse().ok()?;
            put(config, (min..=max).contains(&value).then_some(value)?);
        }
        Kind::Folder(put) => {
            let folder = Path::new(value.as_path()?);
            let base = match place {
                Place::File { file, .. } => file.parent(),
                Place::Program(_) | Place::Environment(_) => None,
            };
            put(
                config,
                base.map_or(folder.to_owned(), |base| base.join(folder)),
            );
        }
        Kind::File(put) => {
            // Tests run in the folders of their packages, programs anywhere.
            let file = root.unwrap_or(Path::new("")).join(value.as_path()?);
            put(config, file.is_file().then_some(file)?);
        }
    }
    Some(())
}

impl Typed {
    fn as_word(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.to_str(),
            Self::String(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Number(_) | Self::Other => None,
        }
    }

    fn as_number(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.to_str(),
            Self::Number(text) => Some(text),
            Self::String(_) | Self::Bool(_) | Self::Other => None,
        }
    }

    fn as_path(&self) -> Option<&OsStr> {
        let path = match self {
            Self::Text(text) => text.as_os_str(),
            Self::String(text) => OsStr::new(text),
            Self::Number(_) | Self::Bool(_) | Self::Other => return None,
        };
        (!path.is_empty()).then_some(path)
    }
}

/// As it was typed, more or less, and on one line.
impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::Number(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Other => f.write_str("something else"),
        }
    }
}
