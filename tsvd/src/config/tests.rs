//! What each place says, what comes of several, and what is refused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::source::{Given, resolve};
use super::table::{Config, Kind, OnViolation, Setting, Suspicions, Switch, TABLE};
use super::{Parameters, StrategyName};

/// Settles variables and the text of a `tsvd.toml`; with all that is wrong, one a line.
fn settle(variables: &[(&str, &str)], toml: &str) -> Result<Config, Vec<String>> {
    settle_with(&[], variables, toml)
}

fn settle_with(
    program: &[Given],
    variables: &[(&str, &str)],
    toml: &str,
) -> Result<Config, Vec<String>> {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("tsvd.toml"), toml).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let root_text = format!("{}{}", root.path().display(), std::path::MAIN_SEPARATOR);
    resolve(program, variables, Some(root.path())).map_err(|wrong| {
        let texts = wrong.iter().map(ToString::to_string);
        texts.map(|text| text.replace(&root_text, "")).collect()
    })
}

#[track_caller]
fn program(key: &str, value: impl std::fmt::Display) -> Given {
    Given::by_program(key, &value, std::panic::Location::caller())
}

#[test]
fn nothing_set_is_the_defaults() {
    assert_eq!(settle(&[], ""), Ok(Config::default()));
    assert_eq!(
        settle(&[("TSVD", ""), ("TSVD_SEED", ""), ("TSVD_NOTHING", "")], ""),
        Ok(Config::default()),
        "empty variables are unset"
    );
    assert_eq!(resolve(&[], [], None).unwrap(), Config::default());
}

#[test]
fn the_defaults_are_the_papers_where_it_has_them() {
    let Parameters {
        window_ns,
        object_history,
        phase_points,
        order_share,
        order_points,
        decay,
        delay_max_ns,
        random_probability,
        ..
    } = Parameters::default();
    assert_eq!((window_ns, delay_max_ns), (100_000_000, 100_000_000));
    assert_eq!((object_history, phase_points, order_points), (5, 16, 5));
    assert_eq!((order_share, decay, random_probability), (0.5, 0.1, 0.05));
}

#[test]
fn every_setting_is_understood_in_every_place_and_shown_as_it_was_set() {
    for setting in TABLE {
        let (value, in_toml) = match setting.kind {
            Kind::Words(words) => {
                let (word, _) = words[words.len() / 2];
                (word.to_owned(), format!("{word:?}"))
            }
            Kind::Whole(_, max, _) => {
                let value = max.min(3).to_string();
                (value.clone(), value)
            }
            Kind::Decimal(..) => ("0.25".to_owned(), "0.25".to_owned()),
            Kind::Folder(_) => ("/some/where".to_owned(), "\"/some/where\"".to_owned()),
            Kind::File(_) => {
                let file = std::env::current_exe().unwrap();
                let file = file.to_str().unwrap().to_owned();
                (file.clone(), format!("{file:?}"))
            }
        };
        let key = setting.key;
        let places = [
            settle_with(&[program(key, &value)], &[], ""),
            settle(&[(&setting.variable(), &value)], ""),
            settle(&[], &format!("{key} = {in_toml}\n")),
        ];
        for config in places {
            let config = config.unwrap();
            assert_ne!(config, Config::default(), "{key} = {value} changes nothing");
            let shown = (setting.show)(&config);
            let shown_as_set = settle(&[(&setting.variable(), &shown)], "").unwrap();
            assert_eq!(shown_as_set, config, "{key}: {shown}");
        }
    }
}

#[test]
fn each_setting_goes_where_it_belongs() {
    let config = settle(
        &[("TSVD", "on"), ("TSVD_ON_VIOLATION", "abort")],
        "dir = \"/a b\"\nbaseline = \"tsvd.toml\"\nseed = 0xff\nrounds = 3\nsuspicions = \"deny\"\nstrategy = \"tsvd-fixed\"\nwindow_ms = 1_000\nbudget_share = 1\nhistory_kib = 100",
    );
    let parameters = Parameters {
        strategy: StrategyName::TsvdFixed,
        window_ns: 1_000_000_000,
        budget_share: 1.0,
        // 64 KiB, of 64 bytes each.
        history_lines: 1 << 10,
        ..Parameters::default()
    };
    let baseline = config.as_ref().unwrap().baseline.clone();
    assert!(baseline.as_ref().unwrap().is_absolute(), "{baseline:?}");
    assert_eq!(
        config,
        Ok(Config {
            switch: Switch::On,
            dir: Some(PathBuf::from("/a b")),
            on_violation: OnViolation::Abort,
            suspicions: Suspicions::Deny,
            baseline,
            seed: Some(255),
            rounds: 3,
            parameters,
        })
    );
    let biggest = settle(&[("TSVD_SEED", "18446744073709551615")], "").unwrap();
    assert_eq!(biggest.seed, Some(u64::MAX));
    let off = settle(&[("TSVD_SUSPICIONS", "off")], "").unwrap();
    assert!(!off.parameters.suspicions && config.unwrap().parameters.suspicions);
    let switched = |toml| settle(&[], toml).unwrap().switch;
    assert_eq!(switched("enabled = true"), Switch::On);
    assert_eq!(switched("enabled = false"), Switch::Off);
    assert_eq!(switched("enabled = \"auto\""), Switch::Auto);
}

#[test]
fn the_program_comes_before_the_environment_and_that_before_the_file() {
    let toml = "window_ms = 3";
    let window = |config: Result<Config, _>| config.unwrap().parameters.window_ns / 1_000_000;
    let variable = [("TSVD_WINDOW_MS", "2")];
    let given = [program("window_ms", 1)];
    assert_eq!(window(settle_with(&given, &variable, toml)), 1);
    assert_eq!(window(settle_with(&[], &variable, toml)), 2);
    assert_eq!(window(settle_with(&given, &[], toml)), 1);
    assert_eq!(window(settle_with(&[], &[], toml)), 3);
    let twice = [program("window_ms", 1), program("window_ms", 7)];
    assert_eq!(window(settle_with(&twice, &variable, toml)), 7);
}

#[test]
fn a_folder_in_the_file_is_relative_to_it_and_one_in_a_variable_is_not() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("tsvd.toml"), "dir = \"out\"").unwrap();
    let config = resolve(&[], [], Some(root.path())).unwrap();
    assert_eq!(config.dir, Some(root.path().join("out")));
    let config = settle(&[("TSVD_DIR", "out")], "").unwrap();
    assert_eq!(config.dir.as_deref(), Some(Path::new("out")));
}

#[test]
fn a_file_is_relative_to_the_root_wherever_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("ci")).unwrap();
    std::fs::write(root.path().join("ci/b.json"), "").unwrap();
    let file = root.path().join("ci/b.json");
    let variable = (OsString::from("TSVD_BASELINE"), OsString::from("ci/b.json"));
    let config = resolve(&[], [variable], Some(root.path())).unwrap();
    assert_eq!(config.baseline, Some(file.clone()));
    let given = program("baseline", "ci/b.json");
    let config = resolve(&[given], [], Some(root.path())).unwrap();
    assert_eq!(config.baseline, Some(file.clone()));
    std::fs::write(root.path().join("tsvd.toml"), "baseline = 'ci/b.json'").unwrap();
    let config = resolve(&[], [], Some(root.path())).unwrap();
    assert_eq!(config.baseline, Some(file));
}

#[test]
fn a_wrong_value_is_named_with_its_place_and_what_is_allowed() {
    let refused = |variables: &[(&str, &str)], toml| settle(variables, toml).unwrap_err();
    let cases = [
        (
            refused(&[("TSVD_ON_VIOLATION", "Panic")], ""),
            "TSVD_ON_VIOLATION=\"Panic\" is not allowed; TSVD_ON_VIOLATION is `fail`, `panic`, `abort` or `record`",
        ),
        (
            refused(&[("TSVD_SEED", "-1")], ""),
            "TSVD_SEED=\"-1\" is not allowed; TSVD_SEED is a whole number from 0 to 18446744073709551615",
        ),
        (
            refused(&[("TSVD", "yes")], ""),
            "TSVD=\"yes\" is not allowed; TSVD is `on`, `1`, `true`, `off`, `0`, `false` or `auto`",
        ),
        (
            refused(&[], "# ours\n\nobject_history = 8"),
            "tsvd.toml:3: object_history = 8 is not allowed; object_history is a whole number from 1 to 7",
        ),
        (
            refused(&[], "decay = \"0.1\""),
            "tsvd.toml:1: decay = \"0.1\" is not allowed; decay is a number from 0 to 1",
        ),
        (
            refused(&[], "decay = nan"),
            "tsvd.toml:1: decay = nan is not allowed; decay is a number from 0 to 1",
        ),
        (
            refused(&[("TSVD_BASELINE", "none.json")], ""),
            "TSVD_BASELINE=\"none.json\" is not allowed; TSVD_BASELINE is a file that is there",
        ),
        (
            refused(&[], "baseline = \".\""),
            "tsvd.toml:1: baseline = \".\" is not allowed; baseline is a file that is there",
        ),
        (
            refused(&[], "dir = 7"),
            "tsvd.toml:1: dir = 7 is not allowed; dir is a folder",
        ),
        (
            refused(&[], "window_ms = -5"),
            "tsvd.toml:1: window_ms = -5 is not allowed; window_ms is a whole number from 1 to 3600000",
        ),
        (
            refused(&[], "window_ms = [5]"),
            "tsvd.toml:1: window_ms = something else is not allowed; window_ms is a whole number from 1 to 3600000",
        ),
        (
            refused(&[], "enabled = 1"),
            "tsvd.toml:1: enabled = 1 is not allowed; enabled is `on`, `1`, `true`, `off`, `0`, `false` or `auto`",
        ),
    ];
    for (texts, expected) in cases {
        assert_eq!(texts, [expected]);
    }
    let given = program("strategy", "fast");
    let line = line!() - 1;
    assert_eq!(
        settle_with(&[given], &[], "").unwrap_err(),
        [format!(
            "{}:{line}:17: `set(\"strategy\", …)` with \"fast\" is not allowed; strategy is `tsvd`, `tsvd-fixed`, `tsvd-hb`, `random`, `static-random` or `observe`",
            file!()
        )]
    );
}

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    let unknown = |variables: &[(&str, &str)], toml| settle(variables, toml).unwrap_err();
    assert_eq!(
        unknown(&[("TSVD_WINDW_MS", "5")], ""),
        ["there is no setting TSVD_WINDW_MS; did you mean `TSVD_WINDOW_MS`?"]
    );
    // No variable of ours is called so.
    assert_eq!(
        unknown(&[("TSVD_ENABLED", "on")], ""),
        ["there is no setting TSVD_ENABLED; did you mean `TSVD`?"]
    );
    assert_eq!(
        unknown(&[("TSVD_Seed", "1")], ""),
        ["there is no setting TSVD_Seed; did you mean `TSVD_SEED`?"]
    );
    assert_eq!(
        unknown(&[], "decay = 0.2\nstartegy = \"random\""),
        ["tsvd.toml:2: there is no setting \"startegy\"; did you mean `strategy`?"]
    );
    assert_eq!(
        unknown(&[], "[delay]\nmax_ms = 5"),
        ["tsvd.toml:1: there is no setting \"delay\"; did you mean `decay`?"]
    );
    assert_eq!(
        settle(&[("TSVDX", "1"), ("RUST_TSVD_X", "1")], ""),
        Ok(Config::default())
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let texts = settle(
        &[("TSVD", "maybe"), ("TSVD_SEED", "x")],
        "window = 5\ndecay = 7",
    )
    .unwrap_err();
    let begin: Vec<_> = texts.iter().map(|text| &text[..12]).collect();
    assert_eq!(
        begin,
        [
            "tsvd.toml:1:",
            "tsvd.toml:2:",
            "TSVD=\"maybe\"",
            "TSVD_SEED=\"x"
        ]
    );
    // Also where another place has the last word.
    let overruled = settle(&[("TSVD_DECAY", "0.5")], "decay = 7");
    assert_eq!(overruled.unwrap_err().len(), 1);
}

#[test]
fn what_is_no_toml_is_refused_with_the_line() {
    let texts = settle(&[], "decay = 0.2\nwindow_ms = = 5\n").unwrap_err();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("tsvd.toml:2: not TOML: "), "{texts:?}");
    let twice = settle(&[], "decay = 0.2\ndecay = 0.3\n").unwrap_err();
    assert!(twice[0].starts_with("tsvd.toml:2: not TOML: "), "{twice:?}");

    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("tsvd.toml"), b"decay = \"\xff\"").unwrap();
    let wrong = resolve(&[], [], Some(root.path())).unwrap_err();
    let text = wrong[0].to_string();
    assert!(
        text.starts_with("cannot read ") && text.contains("UTF-8"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused_and_shown_except_in_folders() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = OsString::from_vec(b"a\xffb".to_vec());
    let set = |name: &str| resolve(&[], [(OsString::from(name), bytes.clone())], None);
    assert_eq!(set("TSVD_DIR").unwrap().dir, Some(PathBuf::from(&bytes)));
    for name in ["TSVD_SEED", "TSVD_STRATEGY", "TSVD_DECAY"] {
        let text = set(name).unwrap_err()[0].to_string();
        assert!(
            text.starts_with(&format!("{name}=\"a\\xFFb\" is not allowed; ")),
            "{text}"
        );
    }
    let name = OsString::from_vec(b"TSVD_\xff".to_vec());
    let wrong = resolve(&[], [(name, "1".into())], None).unwrap_err();
    assert!(
        wrong[0]
            .to_string()
            .starts_with("there is no setting TSVD_\u{fffd};")
    );
}

#[test]
fn the_documentation_has_every_row_of_the_table_and_no_other() {
    let rows: Vec<_> = TABLE
        .iter()
        .map(|setting| format!("//! {}", setting.row()))
        .collect();
    let documented = include_str!("../settings.rs").lines();
    let documented: Vec<_> = documented
        .filter(|line| line.starts_with("//! | `"))
        .collect();
    assert_eq!(documented, rows, "\n{}", rows.join("\n"));
}

#[test]
fn keys_are_told_apart() {
    for setting in TABLE {
        assert!(std::ptr::eq(Setting::of(setting.key).unwrap(), setting));
    }
}

/// A key, or something like one.
fn keys() -> impl Strategy<Value = String> {
    let known = (0..TABLE.len()).prop_map(|index| TABLE[index].key.to_owned());
    prop_oneof![known, "[a-z_]{1,12}", "\\PC{1,8}"]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,12}",
        "-?[0-9]{1,25}(\\.[0-9]{1,5})?",
        "on|off|tsvd|random|fail"
    ]
}

proptest! {
    /// Either all is followed, or each message names what it is about.
    #[test]
    fn variables_are_followed_or_named(key in keys(), value in values()) {
        let name = match key.as_str() {
            "enabled" => "TSVD".to_owned(),
            key => format!("TSVD_{}", key.to_uppercase()),
        };
        match resolve(&[], [(OsString::from(&name), OsString::from(&value))], None) {
            Ok(_) => prop_assert!(Setting::of(&key.to_lowercase()).is_some()),
            Err(wrong) => {
                prop_assert_eq!(wrong.len(), 1);
                let text = wrong[0].to_string();
                prop_assert!(text.contains(&name), "{}", text);
            }
        }
    }

    #[test]
    fn lines_of_toml_are_followed_or_named(key in "[a-z_]{1,12}", value in values()) {
        if let Err(texts) = settle(&[], &format!("\n{key} = {value}\n")) {
            prop_assert!(texts.iter().all(|text| text.starts_with("tsvd.toml:2: ")), "{:?}", texts);
        } else {
            prop_assert!(Setting::of(&key).is_some());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}|[a-z=\"\\[\\]\\n.0-9 ]{0,60}") {
        if let Err(texts) = settle(&[], &text) {
            prop_assert!(!texts.is_empty());
            prop_assert!(texts.iter().all(|text| !text.contains('\n')), "{:?}", texts);
        }
    }
}
