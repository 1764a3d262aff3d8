//! Quoted by the renderings in the tests of reports; never compiled.

pub fn fill(slab: &Slab<u32>) {
    for value in 0..100 {
        slab.insert(value);
    }
}

pub fn look(slab: &Slab<u32>) -> bool {
	slab.get(7).is_some()
}
