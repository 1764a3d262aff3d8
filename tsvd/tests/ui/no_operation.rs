struct Slab(u8);

#[tsvd::contract]
impl Slab {
    fn get(&self) -> u8 {
        self.0
    }
}

#[tsvd::contract(key = 1)]
trait Empty {
    #[tsvd::read]
    const LIMIT: u8;
}

fn main() {}
