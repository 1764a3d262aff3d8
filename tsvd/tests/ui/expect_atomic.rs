struct Slab(u8);

#[tsvd::contract(read(in_a_set))]
impl Slab {
    #[tsvd::expect_atomic]
    #[tsvd::read]
    fn both(&self) -> u8 {
        self.0
    }

    #[tsvd::expect_atomic]
    fn in_a_set(&self) {}
}

impl Slab {
    #[tsvd::expect_atomic(atomic)]
    fn unknown(&self) {}

    #[tsvd::expect_atomic]
    const fn constant(&self) {}

    #[tsvd::expect_atomic]
    fn conditional(&self, #[cfg(all())] _value: u8) {}

    #[tsvd::expect_atomic(future)]
    fn no_future(&self) {}
}

trait Store {
    #[tsvd::expect_atomic]
    fn required(&self);
}

#[tsvd::expect_atomic]
#[tsvd::write(resource = "free")]
fn region_first() {}

#[tsvd::write(resource = "free")]
#[tsvd::expect_atomic]
fn operation_first() {}

#[tsvd::expect_atomic]
struct Other;

fn main() {}
