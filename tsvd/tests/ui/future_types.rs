//! The compiler's own messages about a body that waits are about the body, or about what its function says.
use std::future::{Ready, ready};

struct Slab(u8);

#[tsvd::contract(write(wrong_output, question), read(sent))]
impl Slab {
    async fn wrong_output(&self) -> u16 {
        self.0
    }

    async fn question(&self) -> u8 {
        "1".parse()?
    }

    #[tsvd::read(future)]
    fn no_box(&self) -> Ready<u8> {
        ready(self.0)
    }

    #[tsvd::write(when = |result| result.is_some())]
    async fn wrong_when(&self) -> u8 {
        self.0
    }

    async fn sent(&self) -> u8 {
        let rc = std::rc::Rc::new(self.0);
        ready(()).await;
        *rc
    }
}

fn send<T: Send>(_: T) {}

fn main() {
    send(Slab(1).sent());
}
