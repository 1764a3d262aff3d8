//! The twin of `unique_then_use`: a compare-and-swap asks and claims in one step. No report, status 0.

use tsvd::sync::atomic::AtomicUsize;
use tsvd::sync::atomic::Ordering::SeqCst;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

/// Takes the last handle away, so that nobody else has one.
#[tsvd::expect_atomic]
fn claim(handles: &AtomicUsize, round: u32) -> bool {
    work(round);
    handles.compare_exchange(1, 0, SeqCst, SeqCst).is_ok()
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
