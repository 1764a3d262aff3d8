//! Planted: two threads, each with a codec of its own, and one static buffer behind both.
//!
//! No value is shared, so no type and no lock of the program knows; the contract names the resource. tsvd reports
//! `Codec::encode` against itself (write-write) on the resource "codec library" and the process ends with status 66.

use tsvd_examples::codec::Codec;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

fn main() {
    tsvd::enable();
    both(|| encode_all(&Codec::new(1)), || encode_all(&Codec::new(2)));
}

fn encode_all(codec: &Codec) {
    let mut sum = 0;
    for round in 0..ROUNDS {
        let text = work(round).to_string();
        sum ^= codec.encode(&text);
    }
    println!("{codec:?}: checksum {sum:08x}");
}
