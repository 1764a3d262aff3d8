//! Keeps what a model frees until its execution ends, so that within one execution an address is one object.
//!
//! Otherwise a block freed by one loom thread and handed to another would look like one object used by both, which no
//! happens-before edge of loom orders. Every free on the OS thread of the model is put on a list threaded through the
//! blocks themselves: nothing is looked up and nothing is allocated, so the allocator cannot call itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// A global allocator that keeps freed blocks back while a model's execution is under way on the calling thread.
///
/// `tsvd` installs one over [`System`] under `--cfg loom`. A program with an allocator of its own turns on the feature
/// `own-allocator` and wraps it, also under that cfg only: `static ALLOCATOR: Quarantine<Mine> = Quarantine::new(Mine)`.
///
/// Memory that a model's own arena hands out again is not kept back.
#[derive(Debug)]
pub struct Quarantine<A = System>(A);

#[cfg(not(feature = "own-allocator"))]
#[global_allocator]
static ALLOCATOR: Quarantine = Quarantine::new(System);

/// What a kept block holds.
struct Kept {
    next: *mut Kept,
    layout: Layout,
}

std::thread_local! {
    // Neither has a destructor, so both are there for allocations of dying threads.
    static OPEN: Cell<bool> = const { Cell::new(false) };
    static KEPT: Cell<*mut Kept> = const { Cell::new(ptr::null_mut()) };
    /// Whether the list is to be released.
    static DUE: Cell<bool> = const { Cell::new(false) };
}

/// Frees are kept on this thread until it is dropped.
pub(super) struct Keeping(());

impl Keeping {
    pub(super) fn start() -> Self {
        OPEN.set(true);
        Self(())
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        OPEN.set(false);
        DUE.set(true);
    }
}

/// What the executions before this one left is released at the next allocation.
pub(super) fn begin_execution() {
    DUE.set(true);
}

impl<A> Quarantine<A> {
    /// Wraps an allocator.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }

    /// Every block has room for its place in the list.
    fn layout(wanted: Layout) -> Layout {
        let size = wanted.size().max(size_of::<Kept>());
        let align = wanted.align().max(align_of::<Kept>());
        Layout::from_size_align(size, align).unwrap_or(wanted)
    }
}

impl<A: GlobalAlloc> Quarantine<A> {
    #[inline]
    fn release_what_is_due(&self) {
        if DUE.get() {
            self.release();
        }
    }

    #[cold]
    fn release(&self) {
        DUE.set(false);
        let mut kept = KEPT.replace(ptr::null_mut());
        while !kept.is_null() {
            // SAFETY: `dealloc` wrote it there, and nobody else has the block since.
            let Kept { next, layout } = unsafe { kept.read() };
            // SAFETY: the block came from this allocator with this layout, and is freed only here.
            unsafe { self.0.dealloc(kept.cast(), layout) };
            kept = next;
        }
    }
}

// SAFETY: blocks come from `A`, with a layout at least as large and strict as asked for, the same for one block at its
// allocation and its release; a freed block is either released at once or kept, and then nobody's until it is released.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Quarantine<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.release_what_is_due();
        // SAFETY: the caller's promise, and the size is not zero.
        unsafe { self.0.alloc(Self::layout(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.release_what_is_due();
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(Self::layout(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let layout = Self::layout(layout);
        if !OPEN.get() {
            // SAFETY: the caller's promise; the layout is the one it was allocated with.
            unsafe { self.0.dealloc(block, layout) };
            return;
        }
        let kept = block.cast::<Kept>();
        // SAFETY: the block is the caller's to give, large and aligned enough by `layout`.
        unsafe {
            kept.write(Kept {
                next: KEPT.get(),
                layout,
            })
        };
        KEPT.set(kept);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(new_size, layout.align()) else {
            return ptr::null_mut();
        };
        if !OPEN.get() {
            // SAFETY: the caller's promise; the layout is the one it was allocated with, the new size not zero.
            return unsafe {
                self.0
                    .realloc(block, Self::layout(layout), Self::layout(wanted).size())
            };
        }
        // The allocator's own `realloc` would free the old block at once.
        // SAFETY: the caller's promise.
        let moved = unsafe { self.alloc(wanted) };
        if !moved.is_null() {
            // SAFETY: both blocks are this long, are distinct, and the caller gives up the old one.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}
