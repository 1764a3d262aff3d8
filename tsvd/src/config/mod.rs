//! Settings: one table of keys ([`table`]), and four places to give them in.
//!
//! Of two that give one key, the earlier in this list is followed:
//! 1. the program itself: [`settings().set(key, value)`](crate::settings::Settings::set),
//! 2. the environment: `TSVD_` and the key in upper case (for the key `enabled` just `TSVD`); an empty variable is an unset one,
//! 3. `tsvd.toml` at the workspace root,
//! 4. the defaults.
//!
//! What is not allowed is refused wherever it stands, followed or not, and all of it at once.

mod parameters;
#[cfg(not(loom))]
mod source;
#[cfg(not(loom))]
mod table;
#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(not(loom))]
mod wrong;

pub(crate) use parameters::{Asynchronous, Parameters, StrategyName};
#[cfg(not(loom))]
pub(crate) use source::{Given, resolve};
#[cfg(not(loom))]
pub(crate) use table::{Config, OnViolation, Suspicions, Switch};
#[cfg(not(loom))]
pub(crate) use wrong::Wrong;
