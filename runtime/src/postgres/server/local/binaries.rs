//! Finds PostgreSQL's programs on this machine.

use std::{
    collections::HashSet,
    env,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

#[cfg(feature = "download")]
use super::download;
use super::{
    account::Account, bounded, error::LocalServerError, packaged, pattern::matching, trial,
};
use crate::{environment, observe::log};

/// The oldest major version that is still supported by its makers, and that we test.
const OLDEST_MAJOR: u32 = 14;

/// As the value of `PG_BIN`: the programs that the feature `download` brings, whatever is
/// installed.
const DOWNLOADED: &str = "download";

/// Directories of packagers. `*` stands for one or a part of one path component.
const LAYOUTS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // the RPMs of postgresql.org
    "/usr/lib/postgresql*/bin",                           // openSUSE
    "/usr/libexec/postgresql*",                           // Alpine
    "/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/usr/local/pgsql/bin",                               // built from source, the default prefix
];

/// A directory with `postgres` and `initdb`, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The newest server on this machine, or the one that `PG_BIN` names. Runs programs: some 30 ms
    /// for each found.
    pub(super) fn find() -> Result<Self, LocalServerError> {
        let account = Account::of_the_server()?;
        match environment::variable("PG_BIN") {
            Some(word) if word == DOWNLOADED => Self::downloaded(&account, None),
            Some(dir) => Self::named(PathBuf::from(dir), &account),
            None => match Self::newest(&account) {
                Err(
                    none @ (LocalServerError::NoBinaries { .. } | LocalServerError::TooOld { .. }),
                ) => Self::downloaded(&account, Some(none)),
                result => result,
            },
        }
    }

    /// What the answer of [`find`](Self::find) depends on, apart from what is installed.
    pub(super) fn key() -> Vec<OsString> {
        ["PG_BIN", "PATH", "DB_TEST_DOWNLOAD_URL"]
            .into_iter()
            .map(|name| env::var_os(name).unwrap_or_default())
            .collect()
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What the feature `download` brings, on a machine where nothing else was found, or at the
    /// user's wish.
    #[cfg(feature = "download")]
    fn downloaded(
        account: &Account,
        _found_none: Option<LocalServerError>,
    ) -> Result<Self, LocalServerError> {
        let dir = download::programs()?;
        match trial::major(&dir, account) {
            Ok(major) => Ok(Self { dir, major }),
            Err(problem) => Err(LocalServerError::Downloaded { dir, problem }),
        }
    }

    #[cfg(not(feature = "download"))]
    fn downloaded(
        _account: &Account,
        found_none: Option<LocalServerError>,
    ) -> Result<Self, LocalServerError> {
        Err(found_none.unwrap_or_else(|| LocalServerError::PgBin {
            path: DOWNLOADED.into(),
            problem: "that needs the feature `download` of db-test".to_owned(),
        }))
    }

    fn named(path: PathBuf, account: &Account) -> Result<Self, LocalServerError> {
        let refuse = |path: PathBuf, problem: String| LocalServerError::PgBin { path, problem };
        let Ok(dir) = std::path::absolute(&path) else {
            return Err(refuse(path, "that is no path".to_owned()));
        };
        if let Some(missing) = ["postgres", "initdb"]
            .into_iter()
            .find(|name| !dir.join(name).is_file())
        {
            return Err(refuse(path, format!("there is no `{missing}` in it")));
        }
        let dir = resolved(dir);
        match trial::major(&dir, account) {
            Ok(major) if major < OLDEST_MAJOR => Err(refuse(
                path,
                format!("that is PostgreSQL {major}, and {OLDEST_MAJOR} or newer is needed"),
            )),
            Ok(major) => Ok(Self { dir, major }),
            Err(problem) => Err(refuse(path, problem)),
        }
    }

    fn newest(account: &Account) -> Result<Self, LocalServerError> {
        let mut seen = HashSet::new();
        let mut looked = String::new();
        let mut found: Vec<Self> = Vec::new();
        for (origin, dirs) in places() {
            let mut remarks = String::new();
            for dir in dirs
                .into_iter()
                .filter(|dir| dir.join("postgres").is_file() && dir.join("initdb").is_file())
            {
                let dir = resolved(dir);
                if !seen.insert(dir.clone()) {
                    continue;
                }
                match trial::major(&dir, account) {
                    Ok(major) => found.push(Self { dir, major }),
                    Err(problem) => {
                        log::warn(format_args!(
                            "the PostgreSQL in {} cannot be used: {problem}",
                            dir.display()
                        ));
                        let _ = write!(remarks, ": in {} {problem}", dir.display());
                    }
                }
            }
            let _ = writeln!(looked, "  {origin}{remarks}");
        }
        let recent = found
            .iter()
            .filter(|binaries| binaries.major >= OLDEST_MAJOR);
        // The first of equals is kept: `PATH` comes before the packagers' directories.
        if let Some(newest) =
            recent.reduce(|best, next| if next.major > best.major { next } else { best })
        {
            return Ok(newest.clone());
        }
        if found.is_empty() {
            return Err(LocalServerError::NoBinaries {
                looked: looked.trim_end().to_owned(),
            });
        }
        let found = found
            .iter()
            .map(|old| format!("{} in {}", old.major, old.dir.display()))
            .collect::<Vec<_>>();
        Err(LocalServerError::TooOld {
            oldest: OLDEST_MAJOR,
            found: found.join(", "),
        })
    }
}

/// Where to look, with a name for each place, in the order of preference among servers of one
/// version.
fn places() -> Vec<(String, Vec<PathBuf>)> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A relative entry would mean something else to each crate's tests.
    let on_path: Vec<PathBuf> = env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .collect();
    let config = on_path
        .iter()
        .map(|dir| dir.join("pg_config"))
        .find(|program| program.is_file());
    let reported = config.as_deref().and_then(reported_dir);
    let mut places = vec![
        (format!("PATH ({})", path.display()), on_path),
        (
            "the answer of `pg_config --bindir`".to_owned(),
            reported.into_iter().collect(),
        ),
    ];
    places.extend(
        LAYOUTS
            .iter()
            .map(|pattern| ((*pattern).to_owned(), matching(Path::new("/"), pattern))),
    );
    places.extend(packaged::places());
    places
}

/// Where the programs really are, so that all ways to them lead to one server.
fn resolved(dir: PathBuf) -> PathBuf {
    let program = fs::canonicalize(dir.join("postgres")).ok();
    let real = program
        .as_deref()
        .and_then(Path::parent)
        .filter(|real| real.join("initdb").is_file());
    real.map_or(dir, Path::to_owned)
}

fn reported_dir(pg_config: &Path) -> Option<PathBuf> {
    let line = first_line(Command::new(pg_config).arg("--bindir")).ok()?;
    Some(PathBuf::from(line)).filter(|dir| dir.is_absolute())
}

fn first_line(command: &mut Command) -> io::Result<String> {
    let command = command.current_dir("/").stdin(Stdio::null());
    let output = bounded::output(command, Duration::from_secs(10))?;
    Ok(output.lines().next().unwrap_or_default().trim().to_owned())
}
