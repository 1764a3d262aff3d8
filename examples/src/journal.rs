//! An append-only journal whose entries are written in two steps, with a wait between them.

use std::cell::UnsafeCell;

/// Entries in the order they were begun. Its contract: one writer.
#[derive(Debug, Default)]
pub struct Journal {
    entries: UnsafeCell<Vec<(u32, bool)>>,
}

// SAFETY: not kept by this type: whoever shares a journal has to order its calls as the contract below says.
unsafe impl Sync for Journal {}

#[tsvd::contract]
impl Journal {
    /// An empty journal with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: UnsafeCell::new(Vec::with_capacity(capacity)),
        }
    }

    /// Begins an entry, waits for `sync`, and commits it. Cancelled in between, it takes its entry back.
    #[tsvd::write]
    pub async fn append(&self, entry: u32, sync: impl Future<Output = ()>) {
        struct Begun<'a>(&'a Journal);
        impl Drop for Begun<'_> {
            fn drop(&mut self) {
                // SAFETY: by the contract no other call is in flight.
                unsafe { &mut *self.0.entries.get() }.pop_if(|(_, committed)| !*committed);
            }
        }
        // SAFETY: by the contract no other call is in flight.
        unsafe { &mut *self.entries.get() }.push((entry, false));
        let _begun = Begun(self);
        sync.await;
        // SAFETY: by the contract no other call is in flight, nor was one while this waited.
        if let Some(last) = unsafe { &mut *self.entries.get() }.last_mut() {
            last.1 = true;
        }
    }

    /// The committed entries.
    #[tsvd::read]
    pub fn committed(&self) -> usize {
        // SAFETY: by the contract no write is in flight.
        let entries = unsafe { &*self.entries.get() };
        entries.iter().filter(|(_, committed)| *committed).count()
    }
}
