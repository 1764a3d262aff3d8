//! The table's memory: zeroes that the system hands out page by page, as they are used. Filled by hand, 4 MiB take 8 ms of
//! each process in a build without optimisation, which is more than many a test takes.

use std::ops::Deref;
use std::ptr::NonNull;

use super::Line;

const WORDS: usize = size_of::<Line>() / size_of::<u64>();

/// A fixed number of empty lines.
pub(super) struct Lines {
    lines: NonNull<[Line]>,
    /// What they lie in, which is aligned as words are: more would have the allocator write the zeroes.
    words: NonNull<[u64]>,
}

// SAFETY: owns its memory, and hands out no more than a slice of atomics.
unsafe impl Send for Lines {}
// SAFETY: the same.
unsafe impl Sync for Lines {}

impl Lines {
    pub(super) fn new(count: usize) -> Self {
        let words = vec![0_u64; (count + 1) * WORDS].into_boxed_slice();
        let mut words = NonNull::from(Box::leak(words));
        // SAFETY: nobody else has them yet, and a line is nothing but atomic words, for which all bits are valid.
        let (_, lines, _) = unsafe { words.as_mut().align_to_mut::<Line>() };
        Self {
            lines: NonNull::from(&mut lines[..count]),
            words,
        }
    }
}

impl Deref for Lines {
    type Target = [Line];

    #[inline]
    fn deref(&self) -> &[Line] {
        // SAFETY: it lies in the words, which live as long as this.
        unsafe { self.lines.as_ref() }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // SAFETY: it was a box, and no reference into it is left.
        drop(unsafe { Box::from_raw(self.words.as_ptr()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::primitive::lossy::Ordering;

    #[test]
    fn each_line_is_empty_and_its_own() {
        let lines = Lines::new(64);
        assert_eq!(lines.len(), 64);
        assert_eq!(lines.as_ptr() as usize % size_of::<Line>(), 0);
        let words = || lines.iter().flat_map(|line| &line.accesses);
        for (number, word) in words().enumerate() {
            assert_eq!(word.swap(number as u64 + 1, Ordering::Relaxed), 0);
        }
        let sum = words()
            .map(|word| word.load(Ordering::Relaxed))
            .sum::<u64>();
        assert_eq!(sum, (1..=64 * 7_u64).sum::<u64>());
        assert!(
            lines
                .iter()
                .all(|line| line.tag.load(Ordering::Relaxed) == 0)
        );
    }
}
