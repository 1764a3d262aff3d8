struct Slab(u8);

#[tsvd::contract(object = self.0, resource = "slab")]
impl Slab {
    #[tsvd::read(id = self.0, object = self.0)]
    fn two_objects(&self) {}

    #[tsvd::write]
    fn moved(self) {}

    #[tsvd::write]
    fn moved_by_type(self: Self) {}
}

#[tsvd::contract]
impl Slab {
    #[tsvd::write]
    fn into_inner(self) -> u8 {
        self.0
    }

    #[tsvd::write]
    fn into_inner_by_type(mut self: Self) -> u8 {
        self.0 += 1;
        self.0
    }

    #[tsvd::write]
    fn new() -> Self {
        Self(0)
    }

    #[tsvd::write(object = self.0)]
    fn with(value: u8) -> Self {
        Self(value)
    }
}

#[tsvd::write]
fn free() {}

#[tsvd::write(key = name)]
fn keyed(name: &str) -> usize {
    name.len()
}

fn main() {}
