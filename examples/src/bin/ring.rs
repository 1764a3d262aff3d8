//! Planted: a queue for one producer and one consumer, and a second producer.
//!
//! No type says "one producer"; the ring's contract does. tsvd reports `Ring::push` against itself (write-write) and the
//! process ends with status 66.

use tsvd_examples::ring::Ring;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let ring = Ring::<u32>::with_capacity(2 * ROUNDS as usize);
    both(|| produce(&ring, 0), || produce(&ring, ROUNDS));
    let items = std::iter::from_fn(|| ring.pop()).count();
    println!("{items} items of {} pushed", 2 * ROUNDS);
}

fn produce(ring: &Ring<u32>, first: u32) {
    for item in first..first + ROUNDS {
        let _value = work(item);
        ring.push(item).expect("there is room for all");
    }
}
