//! The twin of `row_updated_twice`: the update names the value it replaces, and is tried again where that has changed. No
//! report, status 0.

use tsvd_examples::points::Points;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn add(points: &Points, player: u32) {
    loop {
        let before = points.select(player);
        if points.update_if(player, before, before + 1) {
            return;
        }
        // Begins again: what was read before counts no more.
        tsvd::revalidated(points);
    }
}

fn main() {
    tsvd::enable();
    let points = Points::default();
    let all = || {
        for round in 0..ROUNDS {
            work(round);
            add(&points, round % 2);
        }
    };
    both(all, all);
    println!(
        "{} of {} points",
        points.select(0) + points.select(1),
        2 * ROUNDS
    );
}
