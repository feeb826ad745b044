//! The private PostgreSQL that all variants use.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::process;

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server; it ends, and its files go away, when this is dropped.
pub(crate) struct Server {
    directory: PathBuf,
    data: PathBuf,
    postmaster: Child,
}

impl Server {
    /// Initializes and starts a server of our own: in memory, on a Unix socket, without fsync.
    pub(crate) fn start() -> io::Result<Self> {
        let directory = scratch("server")?;
        let data = directory.join("data");
        Self::start_with(directory, data, &["-c", "fsync=off"])
    }

    /// Initializes and starts a server with its data on the disk and the settings that PostgreSQL
    /// has by default.
    pub(crate) fn start_as_installed() -> io::Result<Self> {
        let directory = scratch("installed")?;
        let disk = env::temp_dir().join(format!("dbt-bench-{}", std::process::id()));
        Self::start_with(directory, disk, &[])
    }

    fn start_with(directory: PathBuf, data: PathBuf, settings: &[&str]) -> io::Result<Self> {
        let binaries = binaries()?;
        fs::create_dir_all(&data)?;
        give_away(&data)?;
        let initialized = unprivileged(&binaries.join("initdb"), &directory)?
            .args(["--no-sync", "--auth=trust", "--username=postgres", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        if !initialized.success() {
            return Err(io::Error::other("initdb failed; what it says is above"));
        }
        let postmaster = unprivileged(&binaries.join("postgres"), &directory)?
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
            .args(settings)
            .stderr(fs::File::create(directory.join("log"))?)
            .stdin(Stdio::null())
            .spawn()?;
        let server = Self {
            directory,
            data,
            postmaster,
        };
        server.wait()?;
        Ok(server)
    }

    fn wait(&self) -> io::Result<()> {
        let pid_file = self.data.join("postmaster.pid");
        let begun = Instant::now();
        let ready = || fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready"));
        while !ready() {
            if begun.elapsed() > START_LIMIT {
                let log = self.directory.join("log");
                let problem = format!("the server did not start, see {}", log.display());
                return Err(io::Error::other(problem));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The variables by which all variants find the server.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let directory = self.directory.display();
        let url = format!("postgres://postgres@localhost/postgres?host={directory}");
        vec![
            ("DATABASE_URL".to_owned(), url.clone()),
            ("TEST_DB_URL".to_owned(), url),
        ]
    }

    /// The server's first process, whose children serve the connections.
    pub(crate) fn pid(&self) -> u32 {
        self.postmaster.id()
    }

    /// The CPU seconds that the server has used so far.
    pub(crate) fn cpu(&self) -> f64 {
        process::cpu_of_tree(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A fast shutdown; a killed server would leave shared memory behind.
        let pid = self.pid().to_string();
        Command::new("kill").args(["-INT", &pid]).status().ok();
        self.postmaster.wait().ok();
        fs::remove_dir_all(&self.data).ok();
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// Where the programs of PostgreSQL are: `PG_BIN`, the newest of Debian's, or those on the path.
pub(crate) fn binaries() -> io::Result<PathBuf> {
    if let Some(named) = env::var_os("PG_BIN") {
        return Ok(PathBuf::from(named));
    }
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .map(|entry| entry.path())
        .max_by_key(|path| version(path));
    let debian = newest.map(|path| path.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = debian.into_iter().chain(env::split_paths(&path));
    let found = places.find(|place| place.join("initdb").is_file());
    found.ok_or_else(|| io::Error::other("no initdb was found; set PG_BIN to its directory"))
}

/// A new directory, in memory where there is such a place.
pub(crate) fn scratch(name: &str) -> io::Result<PathBuf> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        env::temp_dir()
    };
    let directory = parent.join(format!("dbt-bench-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// A command that does not run as root, which PostgreSQL refuses; the directory is made its own.
fn unprivileged(program: &Path, directory: &Path) -> io::Result<Command> {
    if !is_root() {
        return Ok(Command::new(program));
    }
    give_away(directory)?;
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=nobody", "--clear-groups", "--"])
        .arg(program);
    Ok(command)
}

/// Makes a directory that of the user who the server runs as.
fn give_away(directory: &Path) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let mut chown = Command::new("chown");
    if chown.arg("nobody").arg(directory).status()?.success() {
        return Ok(());
    }
    let problem = "the directory could not be given to `nobody`";
    Err(io::Error::other(problem))
}

fn is_root() -> bool {
    process::status_of("self", "Uid:").is_some_and(|uid| uid == 0)
}
