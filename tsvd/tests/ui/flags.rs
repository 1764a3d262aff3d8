//! Words that are said of one thing only, said of another.
struct Slab(u8);

#[tsvd::contract(strict, when = true, future, call, expect_atomic)]
impl Slab {
    #[tsvd::write(thread_safe)]
    fn thread_safe(&mut self) {}

    #[tsvd::write(strict, expect_atomic)]
    fn region(&mut self) {}

    #[tsvd::read(when = |result| *result == 0)]
    fn get(&self) -> u8 {
        self.0
    }

    #[tsvd::write(when)]
    fn no_value(&mut self) {}

    #[tsvd::expect_atomic(thread_safe, when = true, key = 1)]
    fn region_with_operations_arguments(&self) {}
}

#[tsvd::read(resource = "free", thread_safe)]
fn free() {}

fn main() {}
