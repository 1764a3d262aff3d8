//! Planted: a buffer is changed in place if nobody else has it, and whether somebody has is asked first.
//!
//! After the question, and before the change, another thread takes a handle: it sees the buffer change under it. tsvd reports
//! the region `claim` (atomicity) and the process ends with status 66.

use tsvd::sync::atomic::AtomicUsize;
use tsvd::sync::atomic::Ordering::SeqCst;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

/// Takes the last handle away, so that nobody else has one.
#[tsvd::expect_atomic]
fn claim(handles: &AtomicUsize, round: u32) -> bool {
    if handles.load(SeqCst) != 1 {
        return false;
    }
    work(round);
    handles.store(0, SeqCst);
    true
}

fn main() {
    tsvd::enable();
    let handles = AtomicUsize::new(1);
    let mut changed = 0;
    both(
        || {
            for round in 0..ROUNDS {
                if claim(&handles, round) {
                    changed += 1;
                    handles.fetch_add(1, SeqCst);
                }
            }
        },
        || {
            for round in 0..ROUNDS {
                work(round);
                handles.fetch_add(1, SeqCst);
                work(round);
                handles.fetch_sub(1, SeqCst);
            }
        },
    );
    println!("changed in place {changed} times");
}
