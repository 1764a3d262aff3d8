#[tsvd::test(round = 5, rounds = 0)]
fn arguments() {}

#[tsvd::test(rounds = "5", expect = Slab)]
fn values() {}

#[tsvd::test(rounds = 1, rounds = 2, expect = " ", "text")]
fn more_values() {}

#[tsvd::test(rounds = 4294967296, expect)]
fn too_many() {}

#[tsvd::test]
async fn no_runtime() {}

#[tsvd::test]
#[tsvd::test]
fn twice() {}

#[tsvd::test]
#[tsvd::write(resource = "process")]
fn operation() {}

struct Slab;

impl Slab {
    #[tsvd::test]
    fn method(&self) {}
}

trait Tests {
    #[tsvd::test]
    fn required();
}

#[tsvd::test]
mod tests {}

fn main() {
    Slab.method();
    values();
}
