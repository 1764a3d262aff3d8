//! Nothing planted: the systems of the loom models on real threads, each in a process of its own: `systems ticket`. Two threads
//! change what the lock protects, or what goes through the ring. No report, status 0.

use std::env;
use std::process::ExitCode;

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use tsvd_examples::bakery::{self, Right};
use tsvd_examples::blocking::BlockingMutex;
use tsvd_examples::ghost_bank::{GhostBank, Proof};
use tsvd_examples::guard::{Guard, Lock};
use tsvd_examples::invariant::{Hundred, InvariantMutex, Purse, Section, save};
use tsvd_examples::peterson::{self, Fenced, SequentiallyConsistent, Swapped, Variant};
use tsvd_examples::ring::Ring;
use tsvd_examples::spinlock::{SpinLock, TestAndSet, TestFirst};
use tsvd_examples::ticket::TicketLock;
use tsvd_examples::{both, work};

const ROUNDS: u32 = 500;

fn main() -> ExitCode {
    tsvd::enable();
    let name = env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "spinlock" => {
            let lock = SpinLock::<u32, TestAndSet>::new(0);
            count(|| add(lock.lock()), || add(lock.lock()));
        }
        "spinlock-looking-first" => {
            let lock = SpinLock::<u32, TestFirst>::new(0);
            count(|| add(lock.lock()), || add(lock.lock()));
        }
        "ticket" => {
            let lock = TicketLock::<u32>::new(0);
            count(|| add(lock.lock()), || add(lock.lock()));
        }
        "blocking" => {
            let lock = BlockingMutex::<u32>::new(0);
            count(|| add(lock.lock()), || add(lock.lock()));
        }
        "peterson-fenced" => peterson::<Fenced>(),
        "peterson-swapped" => peterson::<Swapped>(),
        "peterson-sequentially-consistent" => peterson::<SequentiallyConsistent>(),
        "bakery" => {
            let mut customers = bakery::customers::<u32, Right>(2, 0);
            let [left, right] = &mut customers[..] else {
                unreachable!("two customers")
            };
            count(|| add(left.lock()), || add(right.lock()));
        }
        "invariant" => invariant(),
        "ghost-bank" => ghost_bank(),
        "ring" => ring(),
        _ => {
            eprintln!("usage: systems NAME");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn peterson<V: Variant>() {
    let [mut left, mut right] = peterson::sides::<u32, V>(0);
    count(|| add(left.lock()), || add(right.lock()));
}

/// Increments from two threads; each increment returns the count before it, none of which may come twice.
fn count(mut left: impl FnMut() -> u32 + Send, mut right: impl FnMut() -> u32 + Send) {
    let sum = AtomicU32::new(0);
    let side = |add: &mut dyn FnMut() -> u32| {
        for round in 0..ROUNDS {
            let _value = work(round);
            sum.fetch_add(add(), Relaxed);
        }
    };
    both(|| side(&mut left), || side(&mut right));
    assert_eq!(
        sum.into_inner(),
        (0..2 * ROUNDS).sum::<u32>(),
        "an increment was lost"
    );
}

fn add<L: Lock<Value = u32>>(mut guard: Guard<'_, L>) -> u32 {
    let before = guard.read(|count| *count);
    guard.write(|count| *count += 1);
    before
}

fn invariant() {
    let (coins, savings) = (100, 0);
    let purse = InvariantMutex::<_, Hundred>::new(Purse { coins, savings });
    let saves = |amount: i64| {
        for round in 0..ROUNDS {
            let _value = work(round);
            assert_eq!(save(&purse, amount, Section::Whole), Ok(()));
        }
    };
    both(|| saves(1), || saves(-1));
    assert_eq!(purse.section(|purse| purse.coins), Ok(100));
}

fn ghost_bank() {
    let bank = GhostBank::new();
    let transfers = |amount: i64| {
        for round in 0..ROUNDS {
            let _value = work(round);
            assert_eq!(bank.transfer(amount, Proof::Right), Ok(()));
            assert_eq!(bank.check_consistency(), Ok([0, 0]));
        }
    };
    both(|| transfers(1), || transfers(-2));
}

fn ring() {
    let ring = Ring::<u32>::with_capacity(2);
    let produce = || {
        for item in 0..ROUNDS {
            let _value = work(item);
            while ring.push(item).is_err() {
                std::thread::yield_now();
            }
        }
    };
    let consume = || {
        for expected in 0..ROUNDS {
            let _value = work(expected);
            let item = loop {
                match ring.pop() {
                    Some(item) => break item,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(item, expected);
        }
    };
    both(produce, consume);
}
