//! Many processes with one trap file, and the samples of this room's tests.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use proptest::prelude::*;

use super::{StoredPair, StoredPolls, StoredSite, StoredState, load, merge_into};

pub(super) const TODAY: u32 = 20_000;

fn site(line: u32) -> StoredSite {
    StoredSite {
        file: "src/fill.rs".to_owned(),
        line,
        column: 9,
        contract: "app::Slab".to_owned(),
        operation: "insert".to_owned(),
    }
}

/// A pair that came near today.
pub(super) fn pair(first: u32, second: u32) -> StoredPair {
    StoredPair {
        first: site(first),
        second: site(second),
        state: StoredState::Armed,
        probability: 1.0,
        delay_ns: 4_000_000,
        delays: 0,
        agreed: 0,
        caught: 0,
        last_day: TODAY,
        disturbed: false,
        first_polls: [StoredPolls::Unknown; 2],
    }
}

/// Accounts of few pairs, so that they meet. Both orders of sites.
pub(super) fn any_pair() -> impl Strategy<Value = StoredPair> {
    let state = prop_oneof![
        Just(StoredState::Armed),
        Just(StoredState::Violated),
        Just(StoredState::Ordered),
        Just(StoredState::Decayed),
    ];
    let numbers = (0.0..=1.0, any::<u64>(), any::<u32>(), 0_u32..3, 0_u32..3);
    let polls = || {
        prop_oneof![
            Just(StoredPolls::Unknown),
            Just(StoredPolls::Waited),
            Just(StoredPolls::Ready),
        ]
    };
    let rest = (TODAY - 40..TODAY + 2, any::<bool>(), [polls(), polls()]);
    (1_u32..4, 1_u32..4, state, numbers, rest).prop_map(|(a, b, state, numbers, rest)| StoredPair {
        state,
        probability: numbers.0,
        delay_ns: numbers.1,
        delays: numbers.2,
        caught: numbers.3,
        agreed: numbers.4,
        last_day: rest.0,
        disturbed: rest.1,
        first_polls: rest.2,
        ..pair(a, b)
    })
}

/// A child's number and its trap file.
const CHILD: &str = "CHILD_OF_TSVD_TEST";
const FILE: &str = "FILE_OF_TSVD_TEST";

fn as_child() -> Option<(u32, PathBuf)> {
    let number = std::env::var(CHILD).ok()?.parse().expect("a number");
    let file = std::env::var_os(FILE).expect("a file");
    Some((number, file.into()))
}

/// Runs the calling test in a process of its own, which waits at [`wait_for_start`].
fn spawn(number: u32, file: &Path) -> Child {
    let test = std::thread::current();
    let test = test.name().expect("libtest names its threads");
    let mut command = Command::new(std::env::current_exe().expect("this executable"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, number.to_string()).env(FILE, file);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("the child runs")
}

/// Returns when the parent closes its end.
fn wait_for_start() {
    io::stdin().read_to_end(&mut Vec::new()).expect("stdin");
}

const PROCESSES: u32 = 16;
const ROUNDS: u32 = 5;

/// Nothing lost: each process adds pairs of its own and an account of one that all know. Nothing torn: the parent reads all
/// the while.
#[test]
fn sixteen_processes_share_a_file() {
    if let Some((number, file)) = as_child() {
        wait_for_start();
        for round in 0..ROUNDS {
            let own = pair(100 * (number + 1), 100 * (number + 1) + round);
            let common = StoredPair {
                delays: number * ROUNDS + round,
                ..pair(1, 2)
            };
            // Who did not get the lock in time has added nothing, and may try again: on a busy machine, not for ever.
            let mut left = 10;
            let warning = loop {
                match merge_into(&file, &[own.clone(), common.clone()], TODAY) {
                    Err(error) if error.kind() == io::ErrorKind::TimedOut && left > 0 => left -= 1,
                    merged => break merged.expect("merged"),
                }
            };
            assert_eq!(warning, None);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("traps.json");
    let mut children: Vec<_> = (0..PROCESSES).map(|number| spawn(number, &file)).collect();
    // Held while the children start, so that all begin together.
    for child in &mut children {
        drop(child.stdin.take());
    }
    let mut seen = 0;
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        let loaded = load(&file, TODAY);
        assert_eq!(loaded.warning, None);
        assert!(loaded.pairs.len() >= seen, "lost what was there");
        seen = loaded.pairs.len();
    }
    for child in children {
        let ended = child.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stdout)
        );
    }
    let pairs = load(&file, TODAY).pairs;
    assert_eq!(pairs.len() as u32, PROCESSES * ROUNDS + 1);
    let common = pairs.iter().find(|known| known.first.line == 1);
    assert_eq!(common.unwrap().delays, PROCESSES * ROUNDS - 1);
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["traps.json", "traps.json.lock"]);
}

/// A writer that is killed leaves the file whole and the lock free, whatever it was doing.
#[test]
fn a_killed_writer_harms_nothing() {
    if let Some((_, file)) = as_child() {
        for line in 3.. {
            merge_into(&file, &[pair(1, line)], TODAY).expect("merged");
            // Once a merge, so that the parent can kill in the middle of one.
            writeln!(io::stdout(), "merged").expect("the parent reads");
        }
    }
    for kill_after in [1, 2, 5, 17, 40] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("traps.json");
        let mut child = spawn(0, &file);
        let mut output = io::BufReader::new(child.stdout.take().unwrap());
        let lines = io::BufRead::lines(&mut output).map(|line| line.unwrap());
        let merges = lines.filter(|line| line.contains("merged"));
        assert_eq!(merges.take(kill_after).count(), kill_after);
        child.kill().unwrap();
        child.wait().unwrap();
        let loaded = load(&file, TODAY);
        assert_eq!(loaded.warning, None);
        assert!(loaded.pairs.len() >= kill_after, "lost what was saved");
        merge_into(&file, &[pair(1, 2)], TODAY).expect("the lock is free");
        assert_eq!(load(&file, TODAY).pairs.len(), loaded.pairs.len() + 1);
    }
}
