//! The loops of `map_loops.rs` alone, to be built twice by `cargo xtask bench`, once with `-Zsanitizer=thread`. Answers the
//! requests of `peer.rs`: a line `get N` or `insert N` gets one with the nanoseconds a call.

#[path = "map_loops.rs"]
mod map_loops;

use std::io::BufRead;
use std::time::Instant;

use map_loops::PlainMap;

fn main() {
    let map = PlainMap::default();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a request in UTF-8");
        let (row, calls) = line.rsplit_once(' ').expect("a row and a number");
        let calls: u64 = calls.parse().expect("a number of calls");
        let run = match row {
            "get" => map_loops::gets,
            "insert" => map_loops::inserts,
            _ => panic!("there is no row `{row}`"),
        };
        let (started, processor) = (Instant::now(), processor_ns());
        run(&map, calls);
        let wall = started.elapsed().as_nanos() as u64;
        let processor = match (processor, processor_ns()) {
            (Some(before), Some(after)) => after - before,
            _ => wall,
        };
        let per_call = |ns: u64| ns as f64 / calls as f64;
        println!("{} {}", per_call(wall), per_call(processor));
    }
}

/// The calling thread's time on a processor: the first number of `schedstat` (proc(5)), for there are no crates here.
fn processor_ns() -> Option<u64> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok()
}
