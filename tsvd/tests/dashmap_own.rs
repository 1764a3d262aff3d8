//! dashmap's own documentation examples and unit tests, with `tsvd::dashmap` in the place of `dashmap`: taken from the
//! source of the locked version, where cargo keeps it, and run in a crate of their own in the mode that this test is built in.
#![cfg(not(loom))]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// What is not run, each with what the compiler has to say of it: all of these need dashmap's feature `raw-api`, which
/// hands out its shards and is not offered here. The first is a unit test, which sees what is private.
const LEFT_OUT: [(&str, &str); 9] = [
    ("iter_iter_mut_manual_count", "no method named `shards`"),
    ("lib_determine_map", "no method named `determine_map`"),
    ("lib_determine_shard", "no method named `determine_shard`"),
    ("lib_shards", "no method named `shards`"),
    (
        "lib_shards_mut",
        "unresolved import `tsvd::dashmap::SharedValue`",
    ),
    ("read_only_shards", "no method named `shards`"),
    ("set_determine_map", "no method named `determine_map`"),
    ("set_determine_shard", "no method named `determine_shard`"),
    ("set_shards", "no method named `shards`"),
];

/// The modules of dashmap's other features, which `tsvd::dashmap` does not have.
const OF_FEATURES: [&str; 3] = ["arbitrary", "rayon", "serde"];

#[test]
fn its_own_examples_and_tests_pass() {
    let package = dashmap();
    let source = Path::new(&package.manifest).with_file_name("src");
    let mut pieces = Pieces::default();
    pieces.read(&source, &source);
    let named = LEFT_OUT.map(|(name, error)| {
        let text = pieces.0.remove(name);
        (name, error, text.expect("what is left out is there"))
    });
    assert!(!pieces.0.is_empty(), "nothing found in {source:?}");

    let folder = fresh_folder();
    let all: String = pieces.0.values().map(String::as_str).collect();
    write(&folder.join("tests/own.rs"), &all);
    for (name, _, text) in &named {
        write(&folder.join(format!("tests/left_out_{name}.rs")), text);
    }
    write_crate(&folder, &package.edition);

    // One build for all, in which each test program is a crate that may fail.
    let build = cargo(
        &folder,
        &["build", "--tests", "--keep-going", "--message-format=short"],
    );
    let errors = String::from_utf8_lossy(&build.stderr);
    for (name, error, _) in &named {
        let place = format!("tests/left_out_{name}.rs:");
        assert!(
            errors
                .lines()
                .any(|line| line.starts_with(&place) && line.contains(error)),
            "`{name}` is left out because of \"{error}\", but that is not what is wrong:\n{errors}"
        );
    }

    let output = cargo(&folder, &["test", "--test", "own"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let passed = said.lines().filter(|line| line.ends_with(" ... ok"));
    assert_eq!(passed.count(), pieces.0.len(), "{said}");
    watched(&folder);
    println!(
        "dashmap {}: {} of its examples and tests passed, {} left out",
        package.version,
        pieces.0.len(),
        named.len()
    );
}

/// With detection on its calls have been watched; else they say nothing.
fn watched(folder: &Path) {
    #[cfg(feature = "detect")]
    {
        let loaded = tsvd::report::load_dir(&folder.join("tsvd/reports")).expect("reports");
        let [(_, report)] = loaded.reports.as_slice() else {
            panic!("one process, but {} reports", loaded.reports.len());
        };
        assert!(report.summary.operations > 0, "nothing was watched");
    }
    #[cfg(not(feature = "detect"))]
    assert!(!folder.join("tsvd").exists(), "something was watched");
}

struct Package {
    manifest: String,
    version: String,
    edition: String,
}

/// The dashmap that this workspace is built with.
fn dashmap() -> Package {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .current_dir(HERE)
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("what cargo says is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut found = packages
        .iter()
        .filter(|package| package["name"] == "dashmap");
    let (Some(package), None) = (found.next(), found.next()) else {
        panic!("there has to be one dashmap");
    };
    let text = |key: &str| package[key].as_str().expect(key).to_owned();
    Package {
        manifest: text("manifest_path"),
        version: text("version"),
        edition: text("edition"),
    }
}

/// Modules with one test each, by name.
#[derive(Default)]
struct Pieces(BTreeMap<String, String>);

impl Pieces {
    /// All files below a folder.
    fn read(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder of the package") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(root)
                .expect("it is below")
                .with_extension("");
            let name = name.to_str().expect("UTF-8").replace(['/', '\\'], "_");
            if OF_FEATURES.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                self.read(root, &path);
            } else {
                let text = fs::read_to_string(&path).expect("a source file");
                self.examples(&name, &text);
                self.tests(&name, &text);
            }
        }
    }

    fn add(&mut self, file: &str, name: &str, text: &str) {
        let mut whole = format!("{file}_{name}");
        while self.0.contains_key(&whole) {
            whole.push_str("_more");
        }
        let text = ours(text, file);
        self.0
            .insert(whole.clone(), format!("mod {whole} {{\n{text}}}\n"));
    }

    /// Each block of code in documentation, named after the item below it.
    fn examples(&mut self, file: &str, text: &str) {
        let mut blocks: Vec<String> = Vec::new();
        let mut inside = false;
        for line in text.lines().map(str::trim_start) {
            let comment = line
                .strip_prefix("///")
                .or_else(|| line.strip_prefix("//!"));
            let Some(comment) = comment else {
                if let Some(name) = item(line) {
                    for block in blocks.drain(..) {
                        self.add(
                            file,
                            name,
                            &format!("#[test]\nfn example() {{\n{block}}}\n"),
                        );
                    }
                }
                continue;
            };
            let code = comment.strip_prefix(' ').unwrap_or(comment);
            match (code.strip_prefix("```"), inside) {
                (Some("" | "rust"), false) => {
                    blocks.push(String::new());
                    inside = true;
                }
                (Some(kind), false) => panic!("{file}: what is an example of kind `{kind}`?"),
                (Some(_), true) => inside = false,
                (None, true) => {
                    assert!(!code.contains("fn main"), "{file}: a `main` would not run");
                    let block = blocks.last_mut().expect("it has begun");
                    block.push_str(code.strip_prefix("# ").unwrap_or(code));
                    block.push('\n');
                }
                (None, false) => {}
            }
        }
        assert!(blocks.is_empty(), "{file}: an example of nothing");
    }

    /// Each test of the module `tests`, with what is not a test there.
    fn tests(&mut self, file: &str, text: &str) {
        let Some((_, module)) = text.split_once("\nmod tests {\n") else {
            assert!(!text.contains("#[test]"), "{file}: tests in another place");
            return;
        };
        let (module, _) = module.split_once("\n}").expect("the module ends");
        let module = format!("{module}\n");
        let mut parts = module.split("    #[test]\n");
        let mut shared = parts.next().unwrap_or_default().to_owned();
        let mut tests = Vec::new();
        for part in parts {
            let (test, rest) = part.split_once("\n    }\n").expect("the test ends");
            shared.push_str(rest);
            tests.push(format!("#[test]\n{test}\n    }}\n"));
        }
        for test in tests {
            let name = test.lines().find_map(item).expect("it has a name");
            self.add(file, name, &format!("{shared}{test}"));
        }
    }
}

/// The name of the item that begins in a line.
fn item(line: &str) -> Option<&str> {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| !["fn", "struct", "enum", "trait", "mod", "type"].contains(word));
    let name = words.nth(1)?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// dashmap's text with our names.
fn ours(text: &str, file: &str) -> String {
    let module = match file {
        "lib" => "tsvd::dashmap".to_owned(),
        file => format!(
            "tsvd::dashmap::{}",
            file.replacen('_', "::", usize::from(file.contains("ref_")))
        ),
    };
    text.replace("use dashmap::", "use tsvd::dashmap::")
        .replace("use crate::", "use tsvd::dashmap::")
        .replace("use super::", &format!("use {module}::"))
}

/// An empty folder, of one name for each mode, so that cargo knows it again.
fn fresh_folder() -> PathBuf {
    let mode = if cfg!(feature = "detect") {
        "on"
    } else {
        "off"
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dashmap-own-{mode}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("what an earlier run left");
    }
    folder
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

fn write_crate(folder: &Path, edition: &str) {
    let detect = if cfg!(feature = "detect") {
        ", \"detect\""
    } else {
        ""
    };
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"own\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\n\n\
         [dependencies]\ntsvd = {{ path = {HERE:?}, features = [\"dashmap\"{detect}] }}\n"
    );
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/lib.rs"), "");
    let lock = Path::new(HERE).join("../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).expect("the workspace has a lock file");
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("crates"))
        .current_dir(folder)
        .env_remove("TSVD")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "")
        .env("TSVD_DIR", folder.join("tsvd"))
        .output()
        .expect("cargo runs")
}
