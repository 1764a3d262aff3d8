struct Slab(u8);

#[tsvd::contract(thread_safe)]
impl Slab {
    #[tsvd::write(when = |result| *result)]
    fn set(&mut self) -> bool {
        true
    }

    #[tsvd::write(future)]
    fn future(&mut self) {}

    #[tsvd::write(call)]
    fn call(&mut self) {}

    #[tsvd::read(strict, expect_atomic)]
    fn get(&self) -> u8 {
        self.0
    }
}

fn main() {}
