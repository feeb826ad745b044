//! A directory for a server, and who uses it.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use rustix::process::Pid;

use crate::{
    client,
    machine::{self, Account, LIMIT, until},
    prepared,
    process::{about, is_alive, is_named},
    user::{self, User},
};

pub(crate) struct Site {
    /// Everything is in here, and is removed with it.
    dir: PathBuf,
    program: PathBuf,
    account: Option<Account>,
    idle_seconds: u32,
}

impl Site {
    /// A site whose server has to make its data.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = machine::place().join(format!("dbt-{}-{number}", std::process::id()));
        make_dir(&dir, 0o755);
        Self {
            dir,
            program: std::env::current_exe().expect("this program has a file"),
            account: None,
            // Ten times what any of these tests takes.
            idle_seconds: 600,
        }
    }

    /// A site whose server finds its data, as if it had been shut down cleanly.
    pub(crate) fn with_data() -> Self {
        let site = Self::new();
        prepared::copy_to(&site.home());
        site
    }

    /// A site of an ordinary user: the one who runs the tests, or who else root can be.
    pub(crate) fn of_an_ordinary_user() -> Option<Self> {
        let mut site = Self::new();
        if machine::is_root() {
            let nobody = machine::nobody()?;
            // Our own program may be where that user cannot go.
            let program = site.dir.join("program");
            let copied = Command::new("cp").arg(&site.program).arg(&program).status();
            assert!(copied.expect("cp runs").success());
            set_mode(&program, 0o755);
            chown(&site.dir, Some(nobody.uid), Some(nobody.gid)).expect("root may give it away");
            site.program = program;
            site.account = Some(nobody);
        }
        Some(site)
    }

    pub(crate) fn idle_after(mut self, idle_seconds: u32) -> Self {
        self.idle_seconds = idle_seconds;
        self
    }

    /// A path for something else than the server.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The `DB_TEST_HOME` of this site, which is created when a server is needed.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("h")
    }

    /// A command that runs the client's test.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--exact", client::NAME, "--nocapture", "--test-threads=1"]);
        self.surround(&mut command);
        command
    }

    /// Sets the environment and the account of a command that uses this site.
    pub(crate) fn surround(&self, command: &mut Command) {
        child::clear_environment(command);
        command
            .env("DB_TEST_HOME", self.home())
            .env("DB_TEST_IDLE_SECONDS", self.idle_seconds.to_string())
            .env("RUST_BACKTRACE", "0")
            .current_dir("/");
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
    }

    pub(crate) fn spawn(&self) -> User {
        User::staying(&mut self.command())
    }

    pub(crate) fn join(&self) -> User {
        let mut user = self.spawn();
        user.expect_joined();
        user
    }

    /// Expects that a process joins, has its test served, and leaves.
    pub(crate) fn assert_serves(&self) {
        user::run(&mut self.command()).assert_passed();
    }

    /// A file of the server, by its name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.instance().expect("a server was started").join(name)
    }

    fn instance(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.home().join("v1")).ok()?.flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| path.join("lease").exists())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("postgres.log")).expect("a server was started")
    }

    /// Whether a process has joined, or is about to.
    pub(crate) fn is_in_use(&self) -> bool {
        let lease = File::open(self.file("lease")).expect("a server was started");
        matches!(lease.try_lock(), Err(TryLockError::WouldBlock))
    }

    pub(crate) fn postmaster(&self) -> Pid {
        self.recorded_postmaster().expect("a server was started")
    }

    fn recorded_postmaster(&self) -> Option<Pid> {
        let recorded = fs::read_to_string(self.instance()?.join("server")).ok()?;
        Pid::from_raw(recorded.parse().ok()?)
    }

    /// All processes that name this site in their command line: launcher, supervisor, `initdb` and
    /// `postgres`.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let home = self.home().display().to_string();
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        all.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .filter(|pid| about(*pid, "cmdline").contains(&home))
            .collect()
    }

    pub(crate) fn supervisors(&self) -> Vec<Pid> {
        let mut found = self.processes();
        found.retain(|pid| {
            about(*pid, "environ").contains("DB_TEST_SUPERVISE=") && !is_named(*pid, "sh")
        });
        found
    }

    pub(crate) fn supervisor(&self) -> Pid {
        *self.supervisors().first().expect("a supervisor lives")
    }

    /// Those of its processes that run this program, such as `sh` for the launcher.
    pub(crate) fn running(&self, program: &str) -> Vec<Pid> {
        let mut found = self.processes();
        found.retain(|pid| is_named(*pid, program));
        found
    }
}

impl Drop for Site {
    /// Removing the directory is the documented way to stop and wipe, so that every test ends by
    /// testing it.
    fn drop(&mut self) {
        if thread::panicking() {
            for name in ["status", "supervisor.log", "initdb.log", "postgres.log"] {
                let text = self
                    .instance()
                    .map(|dir| fs::read_to_string(dir.join(name)));
                eprintln!("{name}: {text:?}");
            }
        }
        let postmaster = self.recorded_postmaster();
        // Somebody may be making files in it.
        let removed = until(LIMIT, || {
            let _ = fs::remove_dir_all(&self.dir);
            !self.dir.exists()
        });
        let gone = until(LIMIT, || {
            self.processes().is_empty() && !postmaster.is_some_and(is_alive)
        });
        if !thread::panicking() {
            assert!(removed && gone, "left behind: {:?}", self.processes());
        }
    }
}

/// Makes a directory of exactly this mode.
pub(crate) fn make_dir(path: &Path, mode: u32) {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .expect("the directory can be made");
    set_mode(path, mode);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}
