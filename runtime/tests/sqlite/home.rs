//! A directory of a test's own for everything that its child processes keep.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directory; removed with the value.
pub(crate) struct Home(String);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
        Self(format!("/tmp/dbt-{}-{name}", std::process::id()))
    }

    /// What makes a child use it, and log its steps.
    pub(crate) fn environment(&self) -> [(&str, &str); 2] {
        [("DB_TEST_HOME", &self.0), ("DB_TEST_LOG", "debug")]
    }

    fn directory(&self) -> PathBuf {
        Path::new(&self.0).join("v1/sqlite")
    }

    /// The names of all files of SQLite, in their order.
    pub(crate) fn files(&self) -> Vec<String> {
        names(&self.directory())
    }

    /// The names of the kept files.
    pub(crate) fn kept(&self) -> Vec<String> {
        names(&self.directory().join("kept"))
    }

    pub(crate) fn path_of_kept(&self, file: &str) -> String {
        format!("{}/v1/sqlite/kept/{file}", self.0)
    }

    /// The names of the files that belong to one process each.
    pub(crate) fn files_of_processes(&self) -> Vec<String> {
        let files = self.files();
        let of_processes = files.iter().filter(|name| name.starts_with("run-"));
        of_processes
            .flat_map(|name| names(&self.directory().join(name)))
            .collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// What is in a directory; nothing is in a file.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
