struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::expect_atomic]
    fn get_or_create(&self) {}

    #[tsvd::read]
    fn get(&self) -> u8 {
        self.0
    }
}

fn main() {}
