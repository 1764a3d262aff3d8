//! The twin of `ring`: the same calls, the producers under one lock. No report, status 0.

use std::sync::{Mutex, PoisonError};

use tsvd_examples::ring::Ring;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    let ring = Ring::<u32>::with_capacity(2 * ROUNDS as usize);
    let producer = Mutex::new(&ring);
    both(|| produce(&producer, 0), || produce(&producer, ROUNDS));
    let items = std::iter::from_fn(|| ring.pop()).count();
    println!("{items} items of {} pushed", 2 * ROUNDS);
}

fn produce(producer: &Mutex<&Ring<u32>>, first: u32) {
    for item in first..first + ROUNDS {
        let _value = work(item);
        let ring = producer.lock().unwrap_or_else(PoisonError::into_inner);
        ring.push(item).expect("there is room for all");
    }
}
