#[tsvd::contract]
struct Slab(u8);

#[tsvd::contract]
fn free() {}

#[tsvd::read]
struct Other;

impl Slab {
    #[tsvd::read]
    fn get(&self) -> u8 {
        self.0
    }
}

use tsvd::write as modifies;

#[tsvd::contract]
impl Slab {
    #[modifies]
    fn set(&mut self, value: u8) {
        self.0 = value;
    }

    #[tsvd::read]
    fn peek(&self) -> u8 {
        self.0
    }
}

#[tsvd::read(resource = "one")]
#[tsvd::write(resource = "two")]
fn twice() {}

unsafe extern "C" {
    #[tsvd::read(resource = "c")]
    fn foreign();
}

fn main() {
    let mut slab = Slab(1);
    slab.set(slab.get() + slab.peek());
    free();
    twice();
}
