//! The SQL scripts of `#[db_test(fixtures(…))]`, for any kind of database.

use std::path::{Component, Path, PathBuf};

use super::cause::Cause;
use crate::Error;

/// The scripts of one test.
#[derive(Debug)]
pub(crate) struct Fixtures {
    /// The source file of the test, from the root of its workspace.
    pub(crate) source: &'static str,
    /// The path of each script from the source file's directory, and its text.
    pub(crate) scripts: &'static [(&'static str, &'static str)],
}

impl Fixtures {
    /// The error of a script, with its line if it is known, and help on a line of its own.
    pub(crate) fn failure(
        &self,
        script: usize,
        line: Option<usize>,
        error: sqlx::Error,
        help: &'static str,
    ) -> Error {
        let file = beside(self.source, self.scripts[script].0);
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("{}{line}", file.display());
        Error::from(Cause::Fixture { place, help, error })
    }
}

/// The path of a script from the root of the workspace: terminals make a link of it.
fn beside(source: &str, path: &str) -> PathBuf {
    let directory = Path::new(source).parent().unwrap_or(Path::new(""));
    let mut plain = PathBuf::new();
    for component in directory.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}
