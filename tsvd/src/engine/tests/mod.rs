//! The engine in virtual time: planted overlaps are found, ordered programs are left alone, and an oracle checks every
//! verdict against what really overlapped.

mod delays;
mod lab;
mod strategies;
mod verdicts;
