//! A connection's outgoing frames, written by parts. Nothing in it is `Sync`, nor has to be: tasks of one thread suffice to
//! break it.

use std::cell::RefCell;

/// Frames in the order they were sent. Its contract: one frame after the other.
#[derive(Debug, Default)]
pub struct Session {
    wire: RefCell<Vec<u32>>,
}

#[tsvd::contract]
impl Session {
    /// Sends a frame of two parts; `flush` waits until the first is out.
    #[tsvd::write]
    pub async fn send(&self, frame: u32, flush: impl Future<Output = ()>) {
        self.wire.borrow_mut().push(frame);
        flush.await;
        self.wire.borrow_mut().push(frame);
    }

    /// How many frames are torn: their parts do not follow each other.
    pub fn torn(&self) -> usize {
        let wire = self.wire.borrow();
        wire.chunks(2)
            .filter(|frame| frame[0] != *frame.last().unwrap_or(&frame[0]))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_follow_each_other_are_torn() {
        let session = Session::default();
        assert_eq!(session.torn(), 0);
        session.wire.borrow_mut().extend([1, 1, 2, 3, 2, 3]);
        assert_eq!(session.torn(), 2);
    }
}
