//! With the prelude, in scope by name, and with the real runtime.
use tsvd::prelude::*;

struct Slab<T>(Vec<T>);

#[contract]
impl<T: Clone> Slab<T> {
    #[read]
    fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    #[write(key = index)]
    fn set(&mut self, index: usize, value: T) -> Option<T> {
        let slot = self.0.get_mut(index)?;
        Some(std::mem::replace(slot, value))
    }
}

#[update(resource = "environment")]
fn free() -> u8 {
    1
}

fn main() {
    let mut slab = Slab(vec![1, 2]);
    assert_eq!(slab.set(1, 3), Some(2));
    assert_eq!(slab.set(2, 3), None);
    assert_eq!(slab.get(1), Some(&3));
    assert_eq!(free(), 1);
}
