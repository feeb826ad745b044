//! Waking a thread that waits in `poll`.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

/// The end that wakes.
#[derive(Debug)]
pub(crate) struct Waker(UnixStream);

/// The end that is waited for.
#[derive(Debug)]
pub(crate) struct Waiter(UnixStream);

pub(crate) fn pair() -> io::Result<(Waker, Waiter)> {
    let (waker, waiter) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    waiter.set_nonblocking(true)?;
    Ok((Waker(waker), Waiter(waiter)))
}

impl Waker {
    /// Wakes the thread, or keeps it from falling asleep.
    pub(crate) fn wake(&self) {
        // Where nothing can be written, enough has been written.
        (&self.0).write_all(&[1]).ok();
    }
}

impl Waiter {
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Forgets that it was woken.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.0).read(&mut bytes), Ok(length) if length == bytes.len()) {}
    }
}
