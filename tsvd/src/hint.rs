//! [`std::hint`], or loom's under `--cfg loom`.

/// Tells the processor that a loop waits for another thread.
///
/// Under loom the thread yields: the loop goes on only after another thread had its turn, and will not see again what it saw
/// before. Without it loom follows the loop for ever and ends with "Model exceeded maximum number of branches".
#[inline(always)]
#[cfg_attr(loom, track_caller)]
pub fn spin_loop() {
    #[cfg(loom)]
    crate::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}
