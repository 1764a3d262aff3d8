struct Slab(u8);

#[tsvd::contract(read(get, missing), write(insert, get), update, read(get), update(), write)]
impl Slab {
    const LIMIT: u8 = 8;

    fn get(&self) -> u8 {
        self.0
    }

    #[tsvd::write]
    fn insert(&mut self, value: u8) {
        self.0 = value;
    }
}

#[tsvd::contract(read("get"))]
impl Slab {
    #[tsvd::read]
    #[tsvd::write]
    fn both(&self) {}

    #[tsvd::read]
    #[cfg_attr(all(), tsvd::write)]
    fn both_conditionally(&self) {}
}

fn main() {}
