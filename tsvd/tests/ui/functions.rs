struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::read]
    const fn constant(&self) -> u8 {
        self.0
    }

    #[tsvd::read]
    fn conditional_parameter(&self, #[cfg(all())] value: u8) -> u8 {
        value
    }

    #[tsvd::read(key = id)]
    fn pattern(&self, (id, _): (u8, u8)) -> u8 {
        id
    }

    #[tsvd::read(key = format!("{}", id))]
    fn pattern_in_a_macro(&self, ref id: u8) -> u8 {
        *id
    }
}

fn main() {}
