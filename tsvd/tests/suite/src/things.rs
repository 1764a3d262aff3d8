//! Things with a contract. Nothing in them orders calls.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;

/// Numbers under keys.
#[derive(Default)]
pub struct Ledger {
    entries: UnsafeCell<BTreeMap<u64, u64>>,
}

// SAFETY: callers order their calls as the contract says. (The planted tests do not, and use what is safe all the same.)
unsafe impl Sync for Ledger {}

#[tsvd::contract]
impl Ledger {
    #[tsvd::write]
    pub fn post(&self, key: u64, amount: u64) {
        // SAFETY: see above.
        *unsafe { &mut *self.entries.get() }.entry(key).or_default() += amount;
    }

    #[tsvd::read]
    pub fn balance(&self, key: u64) -> u64 {
        // SAFETY: see above.
        unsafe { &*self.entries.get() }
            .get(&key)
            .copied()
            .unwrap_or_default()
    }
}

/// A counter that is safe whoever calls it; the contract says that calls do not overlap.
#[derive(Default)]
pub struct Gauge(std::sync::atomic::AtomicU64);

#[tsvd::contract]
impl Gauge {
    #[tsvd::write]
    pub fn set(&self, value: u64) {
        self.0.store(value, std::sync::atomic::Ordering::Relaxed);
    }

    #[tsvd::update]
    pub fn add(&self, value: u64) -> u64 {
        self.0
            .fetch_add(value, std::sync::atomic::Ordering::Relaxed)
    }

    #[tsvd::read]
    pub fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Rows of a table outside of the program.
pub struct Table;

#[tsvd::contract(resource = "table")]
impl Table {
    #[tsvd::write(key = row)]
    pub fn store(&self, row: u64) -> u64 {
        row
    }

    #[tsvd::read(key = row)]
    pub fn load(&self, row: u64) -> u64 {
        row
    }
}

/// A terminal: one for the whole process.
#[tsvd::write(resource = "terminal")]
pub fn set_title(title: &str) -> usize {
    title.len()
}
