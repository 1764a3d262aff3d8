//! The suspicions a workspace accepts: a file that is committed, and that reviewers read.
//!
//! Each entry stands in a line of its own, in the order of ids, so that what is accepted anew is one line of a diff and two branches
//! seldom meet. An entry is never rewritten: its text is that of the day it was accepted, and its id holds whatever line the calls move to.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::escape::printable;
use super::model::{Party, Violation};
use super::replace::replace;

/// The format of a [`Baseline`]'s file.
const SCHEMA: &str = "tsvd-baseline/1";

/// The suspicions that are accepted: they stay in the report, and fail no run.
///
/// Violations cannot be: they are proved, and a suspicion is a hint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    accepted: BTreeMap<String, Accepted>,
}

/// A suspicion that is accepted. All but its id is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Accepted {
    /// The [fingerprint](super::fingerprint_of_region()).
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its kind and pattern.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The function that made both accesses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// The three calls, and where they stood when it was accepted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub calls: String,
    /// Why it is accepted, if somebody wrote that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Baseline {
    /// The name of its file at the root of a workspace, where no other is set.
    pub const FILE: &'static str = "tsvd-baseline.json";

    /// Reads the baseline at `path`.
    ///
    /// # Errors
    ///
    /// A [`BaselineError`] if the file cannot be read, or is no baseline of this version. [`BaselineError::is_missing`] if it is not
    /// there.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let problem = |problem| BaselineError {
            path: path.to_owned(),
            problem,
        };
        let text = std::fs::read_to_string(path).map_err(|error| problem(Problem::Io(error)))?;
        Self::parse(&text).map_err(problem)
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        /// What every version has; others may differ in all else.
        #[derive(Deserialize)]
        struct Version {
            schema: String,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            schema: String,
            accepted: Vec<Accepted>,
        }
        // The whole at once, for each test process under nextest reads it.
        let file = serde_json::from_str(text).map_err(|error| match serde_json::from_str(text) {
            Ok(Version { schema }) if schema != SCHEMA => Problem::Schema(schema),
            _ => Problem::Json(error),
        });
        let File { schema, accepted } = file?;
        if schema != SCHEMA {
            return Err(Problem::Schema(schema));
        }
        // Twice the same is what remains of two branches that accepted it.
        let accepted = accepted.into_iter().map(|entry| (entry.id.clone(), entry));
        Ok(Self {
            accepted: accepted.collect(),
        })
    }

    /// Writes it to `path` in one step, and creates its folder if that is missing.
    ///
    /// # Errors
    ///
    /// Whatever the file system refuses, with the path in the message. `path` is then as it was.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        replace(path, self.text()?.as_bytes()).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot write baseline {}: {error}", path.display()),
            )
        })
    }

    /// The text of its file but for the last line break.
    fn text(&self) -> io::Result<String> {
        let mut lines = Vec::new();
        for entry in self.accepted.values() {
            lines.push(format!("\n{}", serde_json::to_string(entry)?));
        }
        let lines = lines.join(",");
        Ok(format!(
            "{{\"schema\": \"{SCHEMA}\", \"accepted\": [{lines}\n]}}"
        ))
    }

    /// Whether the suspicion with this id is accepted.
    pub fn accepts(&self, id: &str) -> bool {
        self.accepted.contains_key(id)
    }

    /// Accepts `suspicion`; whether that is new. What is known of an accepted one stays as it is.
    pub fn accept(&mut self, suspicion: &Violation) -> bool {
        let is_new = !self.accepts(&suspicion.id);
        if is_new {
            self.accepted
                .insert(suspicion.id.clone(), Accepted::of(suspicion));
        }
        is_new
    }

    /// Accepts no longer those of which `keep` says no.
    pub fn retain(&mut self, keep: impl Fn(&Accepted) -> bool) {
        self.accepted.retain(|_, entry| keep(entry));
    }

    /// What is accepted, by id.
    pub fn accepted(&self) -> impl ExactSizeIterator<Item = &Accepted> {
        self.accepted.values()
    }
}

impl Accepted {
    /// `suspicion` as it would be accepted.
    pub fn of(suspicion: &Violation) -> Self {
        let call = |party: &Party| {
            let site = &party.site;
            format!("`{}` at {}:{}", party.operation, site.file, site.line)
        };
        let foreign = call(&suspicion.second);
        let first = call(&suspicion.first);
        let region = suspicion.region.as_ref();
        let next = region.and_then(|region| region.accesses.get(1)).map(call);
        let calls = match next {
            Some(next) => format!("{first}, then {next}; in between {foreign}"),
            None => format!("{first}, and {foreign}"),
        };
        let kind = suspicion.kind.as_str();
        Self {
            id: suspicion.id.clone(),
            kind: match region {
                Some(region) => format!("{kind} {}", region.pattern.as_str()),
                None => kind.to_owned(),
            },
            function: region.map_or_else(String::new, |region| printable(&region.name)),
            calls: printable(&calls),
            note: None,
        }
    }
}

/// In one line, safe to show.
impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.id.clone();
        for part in [&self.kind, &self.function, &self.calls] {
            if !part.is_empty() {
                text.push_str("  ");
                text.push_str(part);
            }
        }
        f.write_str(&printable(&text))
    }
}

/// A fingerprint. One that was mistyped would never accept anything.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() == 16 && id.bytes().all(is_digit) {
        return Ok(id);
    }
    Err(serde::de::Error::invalid_value(
        serde::de::Unexpected::Str(&id),
        &"an id as reports have it, of 16 digits `0` to `9` and `a` to `f`",
    ))
}

/// Why a file could not be read as a baseline.
#[derive(Debug)]
pub struct BaselineError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    Json(serde_json::Error),
    Schema(String),
}

impl BaselineError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(&self.problem, Problem::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong quotes what stands in the file.
        let path = printable(&self.path.to_string_lossy());
        match &self.problem {
            Problem::Io(error) => write!(f, "cannot read {path}: {error}"),
            Problem::Json(error) => {
                let message = error.to_string();
                // The line is told before it, as of every file.
                let at = format!(" at line {} column {}", error.line(), error.column());
                let message = message.strip_suffix(&at).unwrap_or(&message);
                write!(
                    f,
                    "{path}:{}: no baseline: {}",
                    error.line(),
                    printable(message)
                )
            }
            Problem::Schema(schema) => write!(
                f,
                "{path}: its schema is {schema:?}, this version of tsvd reads {SCHEMA:?}"
            ),
        }
    }
}

impl std::error::Error for BaselineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::Json(error) => Some(error),
            Problem::Schema(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: &str) -> Accepted {
        Accepted {
            id: id.to_owned(),
            kind: "atomicity R-W-W".to_owned(),
            function: "app::register".to_owned(),
            calls: "`get` at src/a.rs:1, then `insert` at src/a.rs:3; in between `insert` at src/a.rs:3"
                .to_owned(),
            note: None,
        }
    }

    fn baseline(entries: impl IntoIterator<Item = Accepted>) -> Baseline {
        let entries = entries.into_iter().map(|entry| (entry.id.clone(), entry));
        Baseline {
            accepted: entries.collect(),
        }
    }

    #[test]
    fn an_entry_is_a_line_in_the_order_of_ids() {
        let noted = Accepted {
            note: Some("only at the start".to_owned()),
            ..entry("00000000000000ff")
        };
        let text = baseline([entry("0000000000000a00"), noted]).text().unwrap();
        let of = r#""kind":"atomicity R-W-W","function":"app::register","calls":"`get` at src/a.rs:1, then `insert` at src/a.rs:3; in between `insert` at src/a.rs:3""#;
        let expected = [
            r#"{"schema": "tsvd-baseline/1", "accepted": ["#.to_owned(),
            format!(r#"{{"id":"00000000000000ff",{of},"note":"only at the start"}},"#),
            format!(r#"{{"id":"0000000000000a00",{of}}}"#),
            "]}".to_owned(),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_id_alone_is_enough_and_twice_the_same_is_one() {
        let text = r#"{"accepted": [{"id": "0000000000000001"}, {"id": "0000000000000001"}], "schema": "tsvd-baseline/1"}"#;
        let baseline = Baseline::parse(text).unwrap();
        assert_eq!(baseline.accepted().len(), 1);
        assert!(baseline.accepts("0000000000000001") && !baseline.accepts("0000000000000002"));
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_line() {
        let refused = |text: &str| {
            let error = BaselineError {
                path: "b.json".into(),
                problem: Baseline::parse(text).unwrap_err(),
            };
            error.to_string()
        };
        let with = |entry: &str| {
            format!("{{\"schema\": \"tsvd-baseline/1\", \"accepted\": [\n\n{entry}\n]}}")
        };
        for (text, expected) in [
            (
                String::new(),
                "b.json:1: no baseline: EOF while parsing a value",
            ),
            (
                "{\n<<<<<<< HEAD\n".to_owned(),
                "b.json:2: no baseline: key must be a string",
            ),
            ("[]".to_owned(), "b.json:1: no baseline: "),
            (
                "{}".to_owned(),
                "b.json:1: no baseline: missing field `schema`",
            ),
            (
                r#"{"schema": 1}"#.to_owned(),
                "b.json:1: no baseline: invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"schema": "tsvd-baseline/2"}"#.to_owned(),
                "b.json: its schema is \"tsvd-baseline/2\", this version of tsvd reads \"tsvd-baseline/1\"",
            ),
            (
                r#"{"schema": "tsvd-baseline/1"}"#.to_owned(),
                "b.json:1: no baseline: missing field `accepted`",
            ),
            (
                with(r#"{"id": "00000000000000AA"}"#),
                "b.json:3: no baseline: invalid value: string \"00000000000000AA\", expected an id as reports have it, of 16 digits `0` to `9` and `a` to `f`",
            ),
            (with(r#"{"id": 7}"#), "b.json:3: no baseline: invalid type"),
            (
                with(r#"{"kind": ""}"#),
                "b.json:3: no baseline: missing field `id`",
            ),
            (
                with(r#"{"id": "0000000000000001", "nots": ""}"#),
                "b.json:3: no baseline: unknown field `nots`, expected one of `id`, `kind`, `function`, `calls`, `note`",
            ),
        ] {
            let message = refused(&text);
            assert!(message.starts_with(expected), "{text}: {message}");
            assert!(!message.contains(" column "), "{message}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_told_from_missing_ones() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Baseline::read(&folder.path().join("none.json")).unwrap_err();
        assert!(missing.is_missing(), "{missing}");
        let unreadable = Baseline::read(folder.path()).unwrap_err();
        assert!(!unreadable.is_missing(), "{unreadable}");
        let path = folder.path().join("bytes.json");
        std::fs::write(&path, b"\xff").unwrap();
        let bytes = Baseline::read(&path).unwrap_err().to_string();
        assert!(
            bytes.starts_with("cannot read ") && bytes.contains("UTF-8"),
            "{bytes}"
        );
    }

    fn entries() -> impl Strategy<Value = Vec<Accepted>> {
        let entry = (
            "[0-9a-f]{16}",
            "\\PC{0,9}",
            "\\PC{0,9}",
            "(?s).{0,20}",
            proptest::option::of("(?s).{0,9}"),
        )
            .prop_map(|(id, kind, function, calls, note)| Accepted {
                id,
                kind,
                function,
                calls,
                note,
            });
        proptest::collection::vec(entry, 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_written_is_read(entries in entries()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("deeper/b.json");
            let written = baseline(entries);
            written.write(&path).unwrap();
            prop_assert_eq!(&Baseline::read(&path).unwrap(), &written);
            let text = std::fs::read_to_string(&path).unwrap();
            prop_assert_eq!(text.lines().count(), written.accepted().len() + 2, "one a line");
            written.write(&path).unwrap();
            prop_assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}|[a-z{}\":\\[\\]\\n,0-9 ]{0,60}") {
            prop_assert!(Baseline::parse(&text).is_err());
        }
    }
}
