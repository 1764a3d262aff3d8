use std::future::Future;
use std::pin::Pin;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

struct Slab(u8);

#[tsvd::contract]
impl Slab {
    #[tsvd::read]
    const fn constant(&self) -> u8 {
        self.0
    }

    #[tsvd::read]
    async fn asynchronous(&self) -> u8 {
        self.0
    }

    #[tsvd::read]
    fn hidden_future(&self) -> impl Future<Output = u8> + '_ {
        async { self.0 }
    }

    #[tsvd::read]
    fn boxed_future(&self) -> BoxFuture<'_, u8> {
        Box::pin(async { self.0 })
    }

    #[tsvd::read]
    fn pinned_future(&self) -> Pin<Box<dyn Future<Output = u8> + Send + '_>> {
        Box::pin(async { self.0 })
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

#[tsvd::contract]
trait Store {
    #[tsvd::read]
    async fn get(&self) -> u8;
}

fn main() {}
