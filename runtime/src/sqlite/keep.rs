//! Keeping the file of a failed test.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::home::Home;
use crate::observe::report::chain;

/// Copies what is committed in a file, whoever else has it open; gives the copy.
///
/// A rename would leave behind what is in the write-ahead log, which is not emptied while somebody reads.
pub(super) async fn copy(options: &SqliteConnectOptions, test: &str) -> Result<PathBuf, String> {
    let home = Home::open().map_err(|error| error.to_string())?;
    let kept = free_name(&home.kept(), test);
    let told = |error: sqlx::Error| format!("its file could not be copied: {}", chain(&error));
    let mut connection = options.connect().await.map_err(told)?;
    let copied = sqlx::query("vacuum into ?")
        .bind(kept.display().to_string())
        .execute(&mut connection)
        .await;
    connection.close().await.ok();
    copied.map_err(told)?;
    Ok(kept)
}

/// A name that tells the test.
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
