//! The user that the server runs as. PostgreSQL refuses root, and most containers run tests as
//! root.

use std::{
    env, fs,
    fs::DirBuilder,
    os::unix::{self, fs::DirBuilderExt, process::CommandExt},
    path::Path,
    process::Command,
};

use super::error::LocalServerError;

/// What is kept of the environment: all that is needed to load and run a program, and the marks by
/// which CI runners find the processes that a job left behind. `PG*` would change what it does, and
/// root's secrets are not for another user's process.
const KEPT: &[&str] = &[
    "PATH",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "RUNNER_TRACKING_ID",
    "JENKINS_NODE_COOKIE",
    "BUILD_ID",
];

/// The user that `initdb` and `postgres` run as, and who owns what they write.
#[derive(Debug)]
pub(super) enum Account {
    /// The user who runs the tests.
    Own,
    /// An unprivileged user chosen by root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn of_the_server() -> Result<Self, LocalServerError> {
        if !is_root() {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd")
            .map_err(LocalServerError::io("read", "/etc/passwd"))?;
        // `_postgres` is macOS's name for it.
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| entry(&passwd, name))
            .ok_or(LocalServerError::NoServerUser)
    }

    /// A program of PostgreSQL, to be run as this user, with an environment that cannot change what
    /// it does.
    pub(super) fn program(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command.env_clear().envs(
            KEPT.iter()
                .filter_map(|name| Some((name, env::var_os(name)?))),
        );
        // On macOS the server refuses to start without a locale from the environment. `C` gives
        // English messages.
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        match self {
            // Shims, such as those of asdf, look for their configuration there.
            Self::Own => command.envs(env::var_os("HOME").map(|home| ("HOME", home))),
            // `std` drops the supplementary groups of root on the way.
            Self::Other { uid, gid, .. } => command.uid(*uid).gid(*gid),
        };
        command
    }

    /// Makes a directory that only this user can enter, inside one that only the user of the tests
    /// can write to.
    pub(super) fn make_dir(&self, path: &Path) -> Result<(), LocalServerError> {
        match (DirBuilder::new().mode(0o700).create(path), self) {
            (Err(error), _) if !path.is_dir() => Err(LocalServerError::io("make", path)(error)),
            (_, Self::Own) => Ok(()),
            (_, Self::Other { uid, gid, .. }) => unix::fs::lchown(path, Some(*uid), Some(*gid))
                .map_err(LocalServerError::io("change the owner of", path)),
        }
    }

    /// For messages.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Own => String::new(),
            Self::Other { name, .. } => format!(" as user `{name}`"),
        }
    }
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn entry(passwd: &str, wanted: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok().filter(|uid| *uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other {
            name: name.to_owned(),
            uid,
            gid,
        })
    })
}
