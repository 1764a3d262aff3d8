//! 135 of the 200 tests, in one program; the others are in `src/services.rs`.

mod kept_apart;
mod planted;
