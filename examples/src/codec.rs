//! A handle to a library in the manner of C: each [`Codec`] is an object of its own, but all of them work in one static
//! buffer of the library, as `strtok` or `localtime` do. The manual says "not thread safe"; no type does.

/// What a binding would declare as `extern "C"`.
mod library {
    use std::cell::UnsafeCell;

    const ROOM: usize = 64;

    struct Buffer(UnsafeCell<[u8; ROOM]>);

    // SAFETY: not kept by this type; the library's manual asks its callers for one call at a time.
    unsafe impl Sync for Buffer {}

    static BUFFER: Buffer = Buffer(UnsafeCell::new([0; ROOM]));

    /// Encodes `text` in the static buffer and returns a checksum of what stands there.
    ///
    /// # Safety
    ///
    /// No other call into this library may be under way in the process.
    pub(super) unsafe fn encode(text: &[u8], shift: u8) -> u32 {
        // SAFETY: the caller promises to be alone.
        let buffer = unsafe { &mut *BUFFER.0.get() };
        buffer.fill(0);
        for (place, byte) in buffer.iter_mut().zip(text) {
            *place = byte.wrapping_add(shift);
        }
        buffer.iter().fold(0, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
        })
    }
}

/// A codec with a setting of its own.
#[derive(Debug)]
pub struct Codec {
    shift: u8,
}

/// The object of the contract is not the codec: it is the library behind all of them.
#[tsvd::contract(resource = "codec library")]
impl Codec {
    /// A codec that shifts each byte.
    pub fn new(shift: u8) -> Self {
        Self { shift }
    }

    /// The checksum of the encoded text.
    #[tsvd::write]
    pub fn encode(&self, text: &str) -> u32 {
        // SAFETY: by the contract no other call into the library is in flight.
        unsafe { library::encode(text.as_bytes(), self.shift) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_depends_on_text_and_shift() {
        assert_eq!(Codec::new(1).encode("a"), Codec::new(0).encode("b"));
        assert_ne!(Codec::new(1).encode("a"), Codec::new(1).encode("b"));
    }
}
