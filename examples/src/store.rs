//! A small key-value store on disk: each call is safe by itself, two calls in a row are two calls.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that holds one number.
#[derive(Debug)]
pub struct Counter {
    path: PathBuf,
}

#[tsvd::contract(thread_safe, resource = "file", key = self.path)]
impl Counter {
    /// The counter in the file at `path`, which need not exist.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The number in the file; 0 where there is none.
    #[tsvd::read]
    pub fn load(&self) -> u32 {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Writes the number, whole: to a file beside, then in place of the old one.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    #[tsvd::write]
    pub fn save(&self, value: u32) -> io::Result<()> {
        let thread = format!("{:?}", std::thread::current().id());
        let beside = self.path.with_extension(thread);
        fs::write(&beside, value.to_string())?;
        fs::rename(beside, &self.path)
    }
}
