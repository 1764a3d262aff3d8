//! The annotated types the contract models use.

use tsvd::ObjectId;
use tsvd::sync::Arc;

/// A collection for one writer or many readers at a time. Its methods run what they are given: that is their body.
#[derive(Debug)]
pub(crate) struct Dictionary(#[expect(dead_code, reason = "a place needs a size")] u8);

#[tsvd::contract]
impl Dictionary {
    pub(crate) fn new() -> Self {
        Self(0)
    }

    #[tsvd::read]
    pub(crate) fn get<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[tsvd::write]
    pub(crate) fn insert<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[tsvd::write(key = key)]
    pub(crate) fn insert_at<R>(&self, key: &str, body: impl FnOnce() -> R) -> R {
        let _ = key;
        body()
    }

    #[tsvd::write(role = "producer")]
    pub(crate) fn push<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[tsvd::write(role = "consumer")]
    pub(crate) fn pop<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }

    #[tsvd::update(resource = "the C library's state")]
    pub(crate) fn use_library<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }
}

/// A value known by its id.
#[derive(Debug)]
pub(crate) struct Handle(ObjectId);

#[tsvd::contract(id = self.0)]
impl Handle {
    pub(crate) fn new() -> Self {
        Self(ObjectId::new())
    }

    #[tsvd::update]
    pub(crate) fn refresh<R>(&self, body: impl FnOnce() -> R) -> R {
        body()
    }
}

/// One of many ends of one channel: the object is what they share.
#[derive(Clone, Debug)]
pub(crate) struct End(Arc<Dictionary>);

#[tsvd::contract(object = self.0)]
impl End {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Dictionary::new()))
    }

    #[tsvd::write]
    pub(crate) fn send<R>(&mut self, body: impl FnOnce() -> R) -> R {
        body()
    }
}
