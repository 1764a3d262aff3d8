//! A test that violates, and then never ends.

use std::thread;

use suite::things::Gauge;
use suite::work;

#[test]
fn violates_and_hangs() {
    let gauge = Gauge::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..60 {
                work(round);
                gauge.set(round);
            }
        });
        for round in 0..60 {
            work(round);
            gauge.add(1);
        }
    });
    loop {
        thread::park();
    }
}
