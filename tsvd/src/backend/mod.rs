//! The only place that knows the mode: the same few names whether annotated calls are ignored, watched or model-checked.
//!
//! Each room offers `enabled`, `enter` with its `Guard`, `token` with its `Token`, `begin` with what is `Operating` from a `Moment`
//! on, and `enable` with what is `Chosen`.

#[cfg(loom)]
mod loom;
#[cfg(loom)]
pub(crate) use self::loom::*;

#[cfg(all(feature = "detect", not(loom)))]
mod detect;
#[cfg(all(feature = "detect", not(loom)))]
pub(crate) use self::detect::*;

#[cfg(not(any(loom, feature = "detect")))]
mod off;
#[cfg(not(any(loom, feature = "detect")))]
pub(crate) use self::off::*;
