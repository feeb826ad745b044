//! The server process: started, or taken over from a supervisor that was killed; and stopped.

use std::{
    fs,
    fs::File,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    process::{Child, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};

use super::{
    account::Account,
    binaries::Binaries,
    bounded::{self, SIGNAL_LIMIT},
    cluster::{self, Data},
    error::{self, LocalServerError},
    instance::Instance,
    lock::{FileLock, Watched},
    readiness, settings,
    supervisor_lock::SupervisorLock,
    takeover::{self, Found},
};

/// Takes 30 ms here; longer when the server was killed and has to recover. With the limits below
/// and that of `initdb`, the supervisor always reports before a joining process gives up.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server.
#[derive(Debug)]
pub(super) struct Postmaster {
    process: Process,
    instance: Instance,
}

#[derive(Debug)]
enum Process {
    Started(Child),
    TakenOver(Pid, Watched),
}

/// How to end a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// Ends all sessions and writes a checkpoint: 8 ms.
    Fast,
    /// Writes nothing: for a server whose files are gone.
    Immediate,
}

impl Postmaster {
    /// Takes over the server that runs, or starts one, and makes its data directory anew if it does
    /// not start on the one it has. Returns a note for the user about such a repair.
    pub(super) fn run(
        supervisor_lock: &SupervisorLock,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<(Self, String), LocalServerError> {
        let instance = supervisor_lock.instance();
        let lock = match takeover::look(instance)? {
            Found::Running(pid, lock) => {
                let process = Process::TakenOver(pid, lock);
                return Ok((
                    Self {
                        process,
                        instance: instance.clone(),
                    },
                    String::new(),
                ));
            }
            Found::Free(lock) => lock,
        };
        let data = cluster::prepare(supervisor_lock, binaries, account, &lock)?;
        match Self::start(supervisor_lock, binaries, account, &lock) {
            Err(problem) if data == Data::Found => {
                supervisor_lock.check()?;
                cluster::remove(instance)?;
                cluster::prepare(supervisor_lock, binaries, account, &lock)?;
                let server = Self::start(supervisor_lock, binaries, account, &lock)?;
                Ok((
                    server,
                    format!(
                        "its data was made anew, because it did not start on the old: {problem}"
                    ),
                ))
            }
            started => started.map(|server| (server, String::new())),
        }
        // From here on only the server and its children hold the lock.
    }

    fn start(
        supervisor_lock: &SupervisorLock,
        binaries: &Binaries,
        account: &Account,
        lock: &FileLock,
    ) -> Result<Self, LocalServerError> {
        supervisor_lock.check()?;
        let instance = supervisor_lock.instance();
        settings::write(instance, binaries.major)?;
        account.make_dir(&instance.socket_dir())?;
        takeover::remove_traces(instance);
        let log_path = instance.log();
        let open_log = || {
            // Appending, so that the supervisor may cut the file under the server's hands.
            drop(
                File::options()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&log_path)?,
            );
            let log = File::options().append(true).open(&log_path)?;
            Ok((log.try_clone()?, log, lock.share()?))
        };
        let (stdout, stderr, stdin) =
            open_log().map_err(LocalServerError::io("write", &log_path))?;

        let mut command = account.program(&binaries.program("postgres"));
        command.arg("-D").arg(instance.data());
        command.arg(format!("--config_file={}", instance.settings().display()));
        command
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr));
        let child = command.spawn().map_err(|source| LocalServerError::Run {
            program: binaries.program("postgres"),
            user: account.description(),
            source,
        })?;
        let pid = child.id();
        let mut server = Self {
            process: Process::Started(child),
            instance: instance.clone(),
        };
        let recorded = fs::write(instance.server_lock(), pid.to_string());
        if let Err(error) = recorded {
            server.stop(Stop::Immediate);
            return Err(LocalServerError::io("write", instance.server_lock())(error));
        }
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), LocalServerError> {
        let socket = self.instance.socket();
        let mut end = None;
        let answered = bounded::until(START_LIMIT, || {
            end = self.end();
            end.is_some() || readiness::serves(&socket)
        });
        let what = match end {
            None if answered => return Ok(()),
            None => format!(
                "did not accept connections within {} s",
                START_LIMIT.as_secs()
            ),
            Some(end) => format!("ended with {end} instead of starting"),
        };
        self.stop(Stop::Immediate);
        let log_file = self.instance.log();
        let log = fs::read_to_string(&log_file).unwrap_or_default();
        Err(LocalServerError::Start {
            what,
            log_file,
            help: error::help_on(&log),
            tail: error::tail(&log),
        })
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.end().is_none()
    }

    /// How it ended, if it has. Leaves no zombie of a server that was started here.
    fn end(&mut self) -> Option<String> {
        match &mut self.process {
            Process::Started(child) => match child.try_wait() {
                Ok(status) => status.map(|status| status.to_string()),
                Err(error) => Some(error.to_string()),
            },
            Process::TakenOver(pid, lock) => {
                let gone = !lock.is_held_alone() || !takeover::is_alive(*pid);
                gone.then(|| "an unknown status".to_owned())
            }
        }
    }

    /// Ends it, by force if need be.
    pub(super) fn stop(&mut self, how: Stop) {
        // <https://www.postgresql.org/docs/current/server-shutdown.html>
        let signals = match how {
            Stop::Fast => &[Signal::INT, Signal::QUIT, Signal::KILL][..],
            Stop::Immediate => &[Signal::QUIT, Signal::KILL][..],
        };
        for signal in signals {
            if !self.is_running() {
                return;
            }
            let pid = match &self.process {
                Process::Started(child) => Pid::from_child(child),
                Process::TakenOver(pid, _) => *pid,
            };
            let _ = rustix::process::kill_process(pid, *signal);
            bounded::until(SIGNAL_LIMIT, || !self.is_running());
        }
    }
}
