struct NoHash;

struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::read(key = key)]
    fn key_without_hash(&self, key: &NoHash) {}

    #[tsvd::read(id = self.0)]
    fn no_id(&self) {}

    #[tsvd::read(key = missing)]
    fn missing(&self) {}

    #[tsvd::read]
    fn body(&self) -> u8 {
        "text"
    }

    #[tsvd::read]
    fn no_body_value(&self) -> u8 {
        self.0;
    }

    #[tsvd::read]
    fn too_much(&self) {
        self.0
    }
}

fn main() {}
