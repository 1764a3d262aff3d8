use std::future::{Future, Ready, ready};

struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::read(future)]
    async fn already(&self) -> u8 {
        self.0
    }

    #[tsvd::read(call)]
    async fn never(&self) -> u8 {
        self.0
    }

    #[tsvd::read(future)]
    fn nothing(&self) {}

    #[tsvd::read(future, call)]
    fn both(&self) -> Ready<u8> {
        ready(self.0)
    }

    #[tsvd::read]
    fn promises_more(&self) -> impl Future<Output = u8> + Send + Clone + use<> {
        ready(self.0)
    }

    #[tsvd::read]
    async fn conditional(&self, #[cfg(all())] value: u8) -> u8 {
        value
    }

    #[tsvd::write(key = id)]
    async fn pattern(&self, (id, _): (u8, u8)) -> u8 {
        id
    }

    #[tsvd::write]
    async fn moved(self) -> u8 {
        self.0
    }
}

fn main() {}
