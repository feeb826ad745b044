//! The file of one test, a copy of the template.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;

use super::{Template, home::remove_database};
use crate::Error;

/// The file of one test.
pub(super) struct TestFile {
    pub(super) path: PathBuf,
    pub(super) options: SqliteConnectOptions,
}

impl TestFile {
    /// Copies the template.
    pub(super) async fn copy_of(template: &Template) -> Result<Self, Error> {
        let path = template.copy().await?;
        let options = template.settings().options(&path);
        Ok(Self { path, options })
    }

    /// A URL as sqlx and others read it.
    pub(super) fn url(&self) -> String {
        let mut url = "sqlite://".to_owned();
        for character in self.path.display().to_string().chars() {
            match character {
                '%' => url.push_str("%25"),
                '?' => url.push_str("%3F"),
                '#' => url.push_str("%23"),
                ' ' => url.push_str("%20"),
                other => url.push(other),
            }
        }
        url
    }

    pub(super) fn remove(&self) {
        remove_database(&self.path).ok();
    }
}
