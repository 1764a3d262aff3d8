//! The two halves of the fence between marks and traps.
//!
//! Operations mark, then look for traps; whoever sets a trap publishes it, then looks for marks. One of the two has to see
//! the other, which needs a full fence on both sides, or `membarrier(2)` (`PRIVATE_EXPEDITED`, Linux 4.14) on the rare side
//! and nothing but a compiler fence on the frequent one. Where the call does not exist or is refused (seccomp), both sides
//! fence. Chosen before `main` in tests, and with the engine, before anything is watched: the guest may be refused by then.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

#[derive(Debug)]
pub(super) struct Fences {
    /// Whether the light half has to be a real fence.
    both_sides: AtomicBool,
}

impl Fences {
    pub(super) const fn new() -> Self {
        Self {
            both_sides: AtomicBool::new(true),
        }
    }

    /// Relaxed: whoever does not see it yet fences once too often.
    pub(super) fn choose(&self) {
        self.both_sides
            .store(!system::register(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn light(&self) {
        if self.both_sides.load(Ordering::Relaxed) {
            fence(Ordering::SeqCst);
        } else {
            compiler_fence(Ordering::SeqCst);
        }
    }

    pub(super) fn heavy(&self) {
        fence(Ordering::SeqCst);
        if !self.both_sides.load(Ordering::Relaxed) {
            system::run();
        }
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use libc::{SYS_membarrier, c_int, c_long, syscall};

    // From linux/membarrier.h.
    const PRIVATE_EXPEDITED: c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: c_int = 1 << 4;

    fn membarrier(command: c_int) -> c_long {
        let (flags, cpu): (c_int, c_int) = (0, 0);
        // SAFETY: the call takes three integers and touches no memory of this process.
        unsafe { syscall(SYS_membarrier, command, flags, cpu) }
    }

    pub(super) fn register() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED) == 0 && membarrier(PRIVATE_EXPEDITED) == 0
    }

    pub(super) fn run() {
        // Cannot fail once registered.
        membarrier(PRIVATE_EXPEDITED);
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn run() {}
}
