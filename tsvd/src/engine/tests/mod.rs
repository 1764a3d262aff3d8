//! The engine in virtual time: planted overlaps are found, ordered programs are left alone, and an oracle checks every
//! verdict against what really overlapped.

mod clocks;
mod contexts;
mod lab;
mod races;
mod regions;
mod rules;
mod strategies;
mod tasks;
mod verdicts;
