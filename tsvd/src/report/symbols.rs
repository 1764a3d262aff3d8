//! Names of functions from the program's table of symbols: in milliseconds, where debug information takes up to seconds. What is
//! inlined is not in it, nor are files and lines.
//!
//! For programs in ELF, of 64 bits and little endian, on Linux.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// Of a header of a section, and of a symbol.
const SECTION: usize = 64;
const SYMBOL: usize = 24;

/// More than any name has.
const LONGEST_NAME: usize = 1 << 14;

/// The function at each address of the running program; `None` for what is not in its file.
pub(super) fn names(addresses: &[usize]) -> io::Result<Vec<Option<String>>> {
    let program = File::open("/proc/self/exe")?;
    let header = read(&program, 0, 64)?;
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Err(ErrorKind::Unsupported.into());
    }
    let is_moved = number(&header, 16, 2) == 3;
    let start = if is_moved { start()? } else { 0 };

    let sections = number(&header, 60, 2) as usize * SECTION;
    let sections = read(&program, number(&header, 40, 8), sections)?;
    let is_symbols = |section: &&[u8]| number(section, 4, 4) == 2;
    let symbols = sections.chunks_exact(SECTION).find(is_symbols);
    let symbols = symbols.ok_or(ErrorKind::NotFound)?;
    let names = number(symbols, 40, 4) as usize;
    let names = sections.chunks_exact(SECTION).nth(names);
    let names = number(names.ok_or(ErrorKind::InvalidData)?, 24, 8);
    let symbols = read(
        &program,
        number(symbols, 24, 8),
        number(symbols, 32, 8) as usize,
    )?;

    // These are return addresses: the call is before.
    let calls = addresses.iter().enumerate();
    let mut calls: Vec<(u64, usize)> = calls
        .map(|(index, address)| ((*address as u64).wrapping_sub(start + 1), index))
        .collect();
    calls.sort_unstable();
    let mut found = vec![None; addresses.len()];
    for symbol in symbols.chunks_exact(SYMBOL) {
        let begin = number(symbol, 8, 8);
        let first = calls.partition_point(|(call, _)| *call < begin);
        for (call, index) in &calls[first..] {
            if call - begin >= number(symbol, 16, 8) {
                break;
            }
            let is_function = symbol[4] & 15 == 2;
            if is_function {
                found[*index] = Some(names + number(symbol, 0, 4));
            }
        }
    }
    let name = |at: Option<u64>| at.map(|at| name(&program, at)).transpose();
    found.into_iter().map(name).collect()
}

/// Where the program's file begins in memory.
fn start() -> io::Result<u64> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let program = program.to_str().ok_or(ErrorKind::InvalidData)?;
    let first = maps.lines().find(|line| line.ends_with(program));
    let start = first.and_then(|line| line.split('-').next());
    let start = start.and_then(|start| u64::from_str_radix(start, 16).ok());
    start.ok_or_else(|| ErrorKind::NotFound.into())
}

fn name(program: &File, at: u64) -> io::Result<String> {
    let mut bytes = vec![0; LONGEST_NAME];
    let read = program.read_at(&mut bytes, at)?;
    let name = bytes[..read].split(|byte| *byte == 0).next();
    let name = backtrace::SymbolName::new(name.unwrap_or_default());
    Ok(format!("{name:#}"))
}

fn read(program: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    program.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let mut number = [0; 8];
    number[..length].copy_from_slice(&bytes[at..at + length]);
    u64::from_le_bytes(number)
}
