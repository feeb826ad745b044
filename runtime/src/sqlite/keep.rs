//! Keeping the database of a failed test, as a file.

use std::path::{Path, PathBuf};

use sqlx::{Executor, SqliteConnection};

use super::home::Home;
use crate::observe::report::chain;

/// Copies what is committed in a connection's database, whatever other connections there are; returns the copy.
///
/// A rename of a file would leave behind what is in the write-ahead log, which is not emptied while somebody reads.
pub(super) async fn copy(connection: &mut SqliteConnection, test: &str) -> Result<PathBuf, String> {
    let home = Home::open().map_err(|error| error.to_string())?;
    let kept = free_name(&home.kept(), test);
    // A connection of the test's may be in a transaction, in which nothing can be copied.
    connection.execute("rollback").await.ok();
    let copied = sqlx::query("vacuum into ?").bind(kept.display().to_string());
    let copied = copied.execute(connection).await;
    copied.map_err(|error| format!("its database could not be copied: {}", chain(&error)))?;
    Ok(kept)
}

/// A name that says which test.
fn free_name(directory: &Path, test: &str) -> PathBuf {
    let name = test.replace("::", "-");
    let numbered = (1..).map(|number| match number {
        1 => directory.join(format!("{name}.db")),
        _ => directory.join(format!("{name}-{number}.db")),
    });
    let mut free = numbered.filter(|path| !path.exists());
    free.next().unwrap_or_else(|| unreachable!())
}

/// A path as a shell reads it.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if path.chars().all(is_plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
