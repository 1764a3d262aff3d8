//! What the suite tests: small services over things that one call at a time may change, each with its own way to keep calls apart.

pub mod services;
pub mod things;

use std::hint::black_box;

/// What a program does between two calls: some tens of microseconds.
pub fn work(seed: u64) -> u64 {
    (0..20_000).fold(seed, |sum, i| black_box(sum.rotate_left(5) ^ i))
}
