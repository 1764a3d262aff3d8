//! The compiler's own messages about a body are about the body.
struct Slab(Vec<u8>);

#[tsvd::contract(read(dangling, moved), write(changes))]
impl Slab {
    fn dangling(&self) -> &u8 {
        let local = 1;
        &local
    }

    fn moved(&self, value: String) -> String {
        drop(value);
        value
    }

    fn changes(&self) {
        self.0.push(1);
    }
}

fn main() {}
