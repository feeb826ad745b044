//! The socket of one test, which leads to its proxy.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::DirBuilderExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, test_kill_process};

/// How the names of our directories begin; the process id follows.
const PREFIX: &str = "db-test-";

/// How long a client that is refused may take to introduce itself.
const INTRODUCTION_LIMIT: Duration = Duration::from_secs(5);

/// A listening socket in a directory that only this user can enter. It is named as a server's that
/// listens on a port; each test of a process has a port of its own, so that what outlives a test finds
/// nobody.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    directory: PathBuf,
    port: u16,
}

impl Listener {
    /// Listens on the next port.
    pub(crate) fn open() -> io::Result<Self> {
        static PORT: AtomicU16 = AtomicU16::new(0);
        let directory = directory()?;
        loop {
            let port = PORT.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            match UnixListener::bind(directory.join(name(port))) {
                Ok(socket) => {
                    socket.set_nonblocking(true)?;
                    return Ok(Self {
                        socket,
                        directory,
                        port,
                    });
                }
                // After 65 535 tests, one of the first may still be there. None has the port zero.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next client, however long it takes to come.
    pub(crate) fn wait(&self) -> io::Result<UnixStream> {
        self.socket.set_nonblocking(false)?;
        let (stream, _) = self.socket.accept()?;
        stream.set_read_timeout(Some(INTRODUCTION_LIMIT))?;
        Ok(stream)
    }

    /// The next client that is waiting.
    pub(crate) fn accept(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.socket.accept()?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        fs::remove_file(self.directory.join(name(self.port))).ok();
    }
}

fn name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// The directory of this process, made when it is first asked for.
fn directory() -> io::Result<PathBuf> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _making: MutexGuard<'_, ()> = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(directory) = DIRECTORY.get() {
        return Ok(directory.clone());
    }
    let parent = env::temp_dir();
    sweep(&parent);
    let directory = parent.join(format!("{PREFIX}{}", process::id()));
    // It fails if the name exists, so nobody can have prepared it.
    DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(DIRECTORY.get_or_init(|| directory).clone())
}

/// Removes the directory, at the end of the process.
pub(crate) fn remove_directory() {
    if let Some(directory) = DIRECTORY.get() {
        fs::remove_dir_all(directory).ok();
    }
}

/// Removes what killed processes have left, and an earlier one with our own process id. What
/// belongs to others cannot be removed, and stays.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && (owner == rustix::process::getpid() || test_kill_process(owner).is_err())
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// `ErrorResponse` with the code that says that the server rejected the connection.
pub(crate) fn refusal(message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C08004\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_refusal_has_the_length_it_claims() {
        let message = refusal("no");
        let claimed = u32::from_be_bytes(message[1..5].try_into().expect("four bytes"));
        assert_eq!(
            message.len(),
            1 + usize::try_from(claimed).expect("it is small")
        );
    }
}
