//! `contract` below `#[async_trait]` sees methods that return boxed futures.

use crate::recorder::record;
use crate::tasks::finish;

#[async_trait::async_trait]
trait Store: Send + Sync {
    async fn get(&self, key: &str) -> Option<u8>;
    async fn set(&mut self, key: String, value: u8) -> Result<u8, std::num::TryFromIntError>;
}

struct Map(std::collections::BTreeMap<String, u8>);

#[async_trait::async_trait]
#[tsvd::contract(crate = crate::recorder)]
impl Store for Map {
    #[tsvd::read(key = key)]
    async fn get(&self, key: &str) -> Option<u8> {
        std::future::ready(()).await;
        Some(*self.0.get(key)?)
    }

    #[tsvd::write(when = Result::is_ok)]
    async fn set(&mut self, key: String, value: u8) -> Result<u8, std::num::TryFromIntError> {
        let value = u8::try_from(u32::from(value) * 2)?;
        self.0.insert(key, value);
        Ok(value)
    }
}

#[test]
fn methods_are_operations_from_the_first_poll_on() {
    let mut map: Box<dyn Store> = Box::new(Map(Default::default()));
    let (_, log, entered) = record(|| {
        assert_eq!(finish(map.set("a".to_owned(), 4)), Ok(8));
        assert!(finish(map.set("a".to_owned(), 200)).is_err());
        assert_eq!(finish(map.get("a")), Some(8));
    });
    assert_eq!(
        log,
        [
            "+set",
            "-set",
            "wrote: true",
            "+set",
            "-set",
            "wrote: false",
            "+get",
            "-get"
        ]
    );
    assert_eq!(entered[2].operation.name, "get");
    assert!(entered[2].key.is_some());
}
