//! Keeping the databases of failed tests, as files of one directory.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use sqlx::{Executor, SqliteConnection};

use super::home::{Home, entries, remove_database};
use crate::{
    database::keeping::{self, Kept, Upkeep, listing, most_are_kept},
    observe::{log, report::chain},
};

/// What is said of all kept files.
pub(super) const ABOUT: &str =
    "a kept file is removed after a week, or by DB_TEST_KEEP=drop on a run of any test";

/// Copies what is committed in a connection's database, whatever other connections there are;
/// returns the copy.
///
/// A rename of a file would leave behind what is in the write-ahead log, which is not emptied while
/// somebody reads.
pub(super) async fn copy(
    home: &Home,
    connection: &mut SqliteConnection,
    test: &str,
) -> Result<PathBuf, String> {
    if let Some(problem) = most_are_kept(files(home).count()) {
        return Err(problem);
    }
    let failed = |problem| format!("its database could not be copied: {problem}");
    let kept = new_file(&home.kept(), test).map_err(|error| failed(error.to_string()))?;
    // A connection of the test's may be in a transaction, in which nothing can be copied.
    connection.execute("rollback").await.ok();
    let copied = sqlx::query("vacuum into ?").bind(kept.display().to_string());
    if let Err(error) = copied.execute(connection).await {
        fs::remove_file(&kept).ok();
        return Err(failed(chain(&error)));
    }
    Ok(kept)
}

/// An empty file whose name says which test.
fn new_file(directory: &Path, test: &str) -> io::Result<PathBuf> {
    let name = test.replace("::", "-");
    let mut number = 1;
    loop {
        let path = match number {
            1 => directory.join(format!("{name}.db")),
            _ => directory.join(format!("{name}-{number}.db")),
        };
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            created => return created.map(|_| path),
        }
    }
}

/// The test that a kept file is of. A part of a test's path does not begin with a digit.
fn test_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let parts = name.split('-');
    let parts = parts.filter(|part| !part.starts_with(|c: char| c.is_ascii_digit()));
    parts.collect::<Vec<_>>().join("::")
}

/// Lists or drops what is kept, once in a process, if `DB_TEST_KEEP` says so.
pub(super) fn run_request(home: &Home) {
    static DONE: AtomicBool = AtomicBool::new(false);
    let Some(upkeep) = keeping::upkeep(&DONE) else {
        return;
    };
    let (kept, none) = match upkeep {
        Upkeep::List => (list(home), "nothing is kept"),
        Upkeep::Drop => (drop_all(home), "dropped all that was kept"),
    };
    let place = format!("of SQLite in {}", home.kept().display());
    log::notice(listing(&kept, &place, none, ABOUT));
}

/// What is kept, the newest first.
fn list(home: &Home) -> Vec<Kept> {
    let mut kept: Vec<_> = files(home).map(|path| listed(&path, None)).collect();
    kept.sort_by_key(|kept| kept.age);
    kept
}

/// Removes what is kept; returns what could not be removed.
fn drop_all(home: &Home) -> Vec<Kept> {
    let left = files(home).filter_map(|path| {
        let problem = remove_database(&path).err()?;
        Some(listed(&path, Some(problem.to_string())))
    });
    left.collect()
}

fn listed(path: &Path, problem: Option<String>) -> Kept {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.map(|time| time.elapsed().unwrap_or_default());
    Kept {
        test: test_of(path),
        age: age.map_or(0, |age| age.as_secs().cast_signed()),
        command: command(path),
        problem,
    }
}

fn files(home: &Home) -> impl Iterator<Item = PathBuf> + use<> {
    let is_database = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "db");
    entries(&home.kept()).filter(is_database)
}

/// The command that opens a file, as a shell reads it.
pub(super) fn command(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if path.chars().all(is_plain) {
        return format!("sqlite3 {path}");
    }
    format!("sqlite3 '{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{command, test_of};

    #[test]
    fn a_file_names_its_test() {
        for file in ["it-users-registers.db", "it-users-registers-2.db"] {
            assert_eq!(test_of(Path::new(file)), "it::users::registers");
        }
    }

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(command(Path::new("/a/b-1.db")), "sqlite3 /a/b-1.db");
        assert_eq!(
            command(Path::new("/it's a/b.db")),
            r"sqlite3 '/it'\''s a/b.db'"
        );
    }
}
