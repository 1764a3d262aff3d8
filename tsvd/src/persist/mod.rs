//! What one run learnt about dangerous pairs, kept for the next: the trap file `traps.json`.
//!
//! Code that runs once per process can be caught in the next process only, at its first execution, and code that was found
//! ordered is not to be delayed in every run again. So each process reads the file when it starts ([`load`]), asks [`Index`]
//! what is known of a call site when it first meets it, and adds what it learnt itself ([`merge_into`]). This room knows
//! files and rules, nothing of the engine.
//!
//! Many processes share a file (nextest runs one for each test). It is replaced in one step, so a reader needs no lock; a
//! writer holds the lock of `traps.json.lock` while it reads, joins and replaces. The rules of joining make a
//! semilattice (`merge`), so neither the order of the processes nor a second saving of the same account matters.
//!
//! A file that is no trap file of this version is renamed aside, never deleted, and one warning says so. Nothing here panics
//! or fails a test.

mod file;
mod index;
mod ledger;
mod lock;
mod merge;
mod model;
#[cfg(test)]
mod tests;

pub(crate) use file::{load, merge_into};
pub(crate) use index::{End, Index};
pub(crate) use ledger::Slept;
pub(crate) use model::{StoredPair, StoredPolls, StoredSite, StoredState, today};
