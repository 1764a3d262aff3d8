//! Planted: two threads count in one file, each through a handle of its own: load, add one, save.
//!
//! No handle is shared, no byte is torn, and counts are lost. tsvd reports the region `count` on the resource `file`
//! (atomicity) and the process ends with status 66.

use tsvd_examples::store::Counter;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 200;

#[tsvd::expect_atomic]
fn count(counter: &Counter) -> std::io::Result<()> {
    let before = counter.load();
    counter.save(before + 1)
}

fn main() -> std::io::Result<()> {
    tsvd::enable();
    let path = std::env::temp_dir().join(format!("tsvd-two-writers-{}", std::process::id()));
    let writer = || {
        let counter = Counter::at(&path);
        for round in 0..ROUNDS {
            work(round);
            count(&counter).expect("a folder that can be written");
        }
    };
    both(writer, writer);
    println!("{} of {} counted", Counter::at(&path).load(), 2 * ROUNDS);
    std::fs::remove_file(path)
}
