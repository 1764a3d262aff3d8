//! Channels that tell of each message: who receives it comes after who sent it, and after nothing that was sent later.

use std::fmt;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError};
use std::time::Duration;

use crate::backend::synchronised::HandOver;

#[derive(Debug)]
struct Message<T> {
    value: T,
    sent: HandOver,
}

impl<T> Message<T> {
    #[inline]
    fn receive(self) -> T {
        self.sent.got();
        self.value
    }
}

/// [`std::sync::mpsc::channel`].
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    (Sender(sender), Receiver(receiver))
}

/// [`std::sync::mpsc::Sender`] that tells of its messages.
pub struct Sender<T>(mpsc::Sender<Message<T>>);

impl<T> Sender<T> {
    /// [`std::sync::mpsc::Sender::send`].
    ///
    /// # Errors
    ///
    /// With `value`, if the receiver is gone.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let sent = HandOver::made();
        self.0
            .send(Message { value, sent })
            .map_err(|SendError(message)| SendError(message.value))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`std::sync::mpsc::Receiver`] that tells of its messages.
pub struct Receiver<T>(mpsc::Receiver<Message<T>>);

impl<T> Receiver<T> {
    /// [`std::sync::mpsc::Receiver::recv`].
    ///
    /// # Errors
    ///
    /// When all senders are gone and nothing is left.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.0.recv().map(Message::receive)
    }

    /// [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// # Errors
    ///
    /// When nothing is there.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv().map(Message::receive)
    }

    /// [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// When nothing came in time.
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.0.recv_timeout(timeout).map(Message::receive)
    }

    /// [`std::sync::mpsc::Receiver::iter`].
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// [`std::sync::mpsc::Receiver::try_iter`].
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`std::sync::mpsc::Iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>);

/// [`std::sync::mpsc::TryIter`].
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// [`std::sync::mpsc::IntoIter`].
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
