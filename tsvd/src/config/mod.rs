//! Settings: the environment variables `TSVD…`, each with its default.

#[cfg(not(loom))]
mod environment;
mod parameters;

#[cfg(not(loom))]
pub(crate) use environment::{Config, OnViolation, Switch};
pub(crate) use parameters::{Parameters, StrategyName};
