struct Slab(u8);

trait Store {
    fn get(&self) -> u8;
}

mod async_trait {
    pub(crate) use tsvd::contract as async_trait;
}

#[tsvd::contract]
#[async_trait::async_trait(read(get))]
impl Store for Slab {
    #[tsvd::read]
    fn get(&self) -> u8 {
        self.0
    }
}

fn main() {}
