//! The twin of `codec`: one lock for the library, whatever the codec. No report, status 0.

use std::sync::{Mutex, PoisonError};

use tsvd_examples::codec::Codec;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 2_000;

/// The lock the manual asks for.
static LIBRARY: Mutex<()> = Mutex::new(());

fn main() {
    tsvd::enable();
    both(|| encode_all(&Codec::new(1)), || encode_all(&Codec::new(2)));
}

fn encode_all(codec: &Codec) {
    let mut sum = 0;
    for round in 0..ROUNDS {
        let text = work(round).to_string();
        let _alone = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        sum ^= codec.encode(&text);
    }
    println!("{codec:?}: checksum {sum:08x}");
}
