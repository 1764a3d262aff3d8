//! The last status of each job, kept by whoever handles the job's messages.

use std::cell::UnsafeCell;
use std::collections::HashMap;

/// Statuses by job. Its contract: any number of readers, or one writer.
#[derive(Debug, Default)]
pub struct StatusMap {
    statuses: UnsafeCell<HashMap<u32, u32>>,
}

// SAFETY: not kept by this type: whoever shares a map has to order its calls as the contract below says.
unsafe impl Sync for StatusMap {}

#[tsvd::contract]
impl StatusMap {
    /// An empty map with room for `capacity` jobs.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            statuses: UnsafeCell::new(HashMap::with_capacity(capacity)),
        }
    }

    /// The job has come to `status`.
    #[tsvd::write]
    pub fn set(&self, job: u32, status: u32) {
        // SAFETY: by the contract no other call is in flight.
        unsafe { &mut *self.statuses.get() }.insert(job, status);
    }

    /// How many jobs are known.
    #[tsvd::read]
    pub fn len(&self) -> usize {
        // SAFETY: by the contract no write is in flight.
        unsafe { &*self.statuses.get() }.len()
    }

    /// Whether no job is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_one_status() {
        let map = StatusMap::with_capacity(2);
        assert!(map.is_empty());
        map.set(1, 10);
        map.set(1, 11);
        map.set(2, 10);
        assert_eq!(map.len(), 2);
    }
}
