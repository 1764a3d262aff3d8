use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The identity of a value that moves: a field that `id = self.id` names in a contract.
///
/// A clone is another object and gets an id of its own. The id is neutral in comparisons, hashes and `Debug`, so deriving
/// these on the owner means what it meant without the field. Without detection it is of size zero.
///
/// A private field that only `id = …` names is unused to the compiler when detection is off; a name that begins with an
/// underscore keeps it quiet:
///
/// ```
/// pub struct Session {
///     _id: tsvd::ObjectId,
/// }
///
/// #[tsvd::contract(id = self._id)]
/// impl Session {
///     #[tsvd::write]
///     pub fn close(&self) {}
/// }
/// ```
pub struct ObjectId {
    #[cfg(any(loom, feature = "detect"))]
    number: std::sync::atomic::AtomicU64,
}

impl ObjectId {
    /// A new id. Its number is drawn at the first operation, so that statics can have one.
    pub const fn new() -> Self {
        Self {
            #[cfg(any(loom, feature = "detect"))]
            number: std::sync::atomic::AtomicU64::new(0),
        }
    }

    #[cfg(any(loom, feature = "detect"))]
    pub(crate) fn number(&self) -> u64 {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = self.number.load(Relaxed);
        if number != 0 {
            return number;
        }
        // Relaxed: whoever loses the race takes the winner's number, and nothing else is published by it.
        let drawn = NEXT.fetch_add(1, Relaxed);
        match self.number.compare_exchange(0, drawn, Relaxed, Relaxed) {
            Ok(_) => drawn,
            Err(winner) => winner,
        }
    }
}

#[cfg(any(loom, feature = "detect"))]
impl Drop for ObjectId {
    /// The id's life ends: this thread's open operations on it are over.
    fn drop(&mut self) {
        if *self.number.get_mut() != 0 {
            crate::backend::retire(crate::contract::Object::id(self));
        }
    }
}

impl Default for ObjectId {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for ObjectId {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectId")
    }
}

impl PartialEq for ObjectId {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ObjectId {}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectId {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for ObjectId {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
