//! A checkpoint goes on where an exploration was, in the same model only.

use std::path::{Path, PathBuf};

use super::*;

fn bigger() {
    let shared = Arc::new(Atomic::new(0));
    let others = [(); 2].map(|()| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.fetch_add(1, Relaxed))
    });
    shared.fetch_add(1, Relaxed);
    shared.load(Relaxed);
    for other in others {
        other.join().unwrap();
    }
}

fn model(folder: &Path) -> Model {
    let model = Model::new().name("harness: checkpoint");
    model.checkpoint(folder).checkpoint_interval(4)
}

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// Stops `model(folder)` on its way.
fn interrupted(folder: &Path) {
    let model = model(folder).max_permutations(10);
    let exploration = model.accept_max_permutations().check(bigger);
    assert_eq!(exploration.executions(), 10);
}

#[test]
fn it_goes_on_and_runs_each_execution_once() {
    let whole = holds("harness: without checkpoint", bigger).executions();
    assert!(whole > 12, "{whole}");
    let folder = folder("goes_on");
    interrupted(&folder);
    let [file] = &files(&folder)[..] else {
        panic!("{:?}", files(&folder))
    };
    let saved = std::fs::read_to_string(file).unwrap();
    assert!(saved.contains("\"executions\": 7"), "{saved}");
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let exploration = shows(model(&folder), || {
        RUN.fetch_add(1, CountOnly);
        bigger();
    });
    assert_eq!(exploration.executions(), whole);
    assert_eq!(RUN.load(CountOnly), whole - 7);
    assert!(
        files(&folder).is_empty(),
        "an exhausted model has no checkpoint"
    );
}

/// As it would be after another build: the hash in the file is changed.
#[test]
fn another_program_is_refused() {
    refused("another_program_is_refused", "its code is ", |saved| {
        let (before, rest) = saved.split_once("\"code\": \"").unwrap();
        format!("{before}\"code\": \"x{}", &rest[1..])
    });
}

#[test]
fn another_model_is_refused() {
    let message = "is of another model: its model is \"another\", not \"harness: checkpoint\". Delete it, or unset";
    refused("another_model_is_refused", message, |saved| {
        saved.replace("harness: checkpoint", "another")
    });
}

#[test]
fn another_bound_is_refused() {
    refused(
        "another_bound_is_refused",
        "its max_branches is 1000, not 999",
        |saved| saved.replace("999", "1000"),
    );
}

fn refused(name: &str, message: &str, change: impl FnOnce(&str) -> String) {
    fails(&format!("checkpoints::{name}"), &[], message, || {
        let folder = folder(name);
        let model = |folder: &Path| model(folder).max_branches(999);
        let bounded = model(&folder)
            .max_permutations(10)
            .accept_max_permutations();
        bounded.check(bigger);
        let file = files(&folder).remove(0);
        let saved = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(&saved)).unwrap();
        model(&folder).check(bigger)
    });
}

#[test]
fn half_a_file_is_refused() {
    let test = "checkpoints::half_a_file_is_refused";
    fails(test, &[], "cannot read checkpoint", || {
        let folder = folder("half_a_file");
        interrupted(&folder);
        let file = files(&folder).remove(0);
        let saved = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &saved[..saved.len() / 2]).unwrap();
        model(&folder).check(bigger)
    });
}

#[test]
fn the_environment_asks_for_one() {
    let folder = folder("environment");
    let test = "checkpoints::the_environment_asks_for_one";
    let environment = [
        ("TSVD_LOOM_CHECKPOINT", folder.to_str().unwrap()),
        ("LOOM_CHECKPOINT_INTERVAL", "2"),
        ("LOOM_MAX_PERMUTATIONS", "5"),
    ];
    fails(test, &environment, "bounded by 5 executions", || {
        tsvd::model(bigger)
    });
    assert_eq!(files(&folder).len(), 1);
}
