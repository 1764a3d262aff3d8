//! The item is there although its attribute is wrong, so this is the only message.
struct Slab(u8);

#[tsvd::contract(rôle = "owner")]
impl Slab {
    #[tsvd::read]
    fn get(&self) -> u8 {
        self.0
    }
}

#[tsvd::write(resorce = "environment")]
fn set() {}

fn main() {
    set();
    Slab(1).get();
}
