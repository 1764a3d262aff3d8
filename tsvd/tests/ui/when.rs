struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::write(when = |result| *result)]
    fn consumed(self: Box<Self>) -> bool {
        true
    }

    #[tsvd::write(when = |result| *result)]
    #[track_caller]
    fn tracked(&mut self) -> bool {
        true
    }

    #[tsvd::update(when = |_| true)]
    fn hidden_function(&self) -> impl Fn(u8) -> u8 {
        |n| n + 1
    }
}

fn main() {}
