//! Planted: points are added to a row by a `SELECT` and an `UPDATE`.
//!
//! Two threads that add to the same player lose points; those of different players never meet. tsvd reports the region `add`
//! with the player as its key (atomicity) and the process ends with status 66.

use tsvd_examples::points::Points;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

#[tsvd::expect_atomic]
fn add(points: &Points, player: u32) {
    let before = points.select(player);
    points.update(player, before + 1);
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
