//! Crates that are made of as many tests as are wanted, as a user would have written them.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use crate::cargo;

/// What a generated crate is to be.
pub(crate) struct Crate<'a> {
    pub(crate) name: &'a str,
    /// Lines of `[dependencies]`.
    pub(crate) dependencies: &'a str,
    /// What stands above the tests.
    pub(crate) prelude: &'a str,
    /// One test; `NUMBER` stands for its number.
    pub(crate) test: &'a str,
    pub(crate) tests: usize,
}

/// The text of the application of the variants, for crates that have it as their own.
pub(crate) const APP: &str = include_str!("../variants/src/app.rs");

/// The versions that all generated crates use.
const LOCK: &str = include_str!("../Cargo.lock");

impl Crate<'_> {
    /// Writes the crate; gives its directory.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let directory = cargo::target().join("generated").join(self.name);
        let (name, dependencies) = (self.name, self.dependencies);
        let manifest = format!(
            "[workspace]\n\n[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [lib]\nname = \"subject\"\n\n[dependencies]\n{dependencies}\n[profile.dev]\ndebug = \"line-tables-only\"\n"
        );
        write(&directory.join("Cargo.toml"), &manifest)?;
        write(&directory.join("Cargo.lock"), LOCK)?;
        write(&directory.join("src/lib.rs"), APP)?;
        write(&tests_of(&directory), &self.text())?;
        Ok(directory)
    }

    /// The text of its tests.
    pub(crate) fn text(&self) -> String {
        let mut text = self.prelude.to_owned();
        for number in 0..self.tests {
            let numbered = self.test.replace("NUMBER", &format!("{number:05}"));
            write!(text, "\n{numbered}").expect("a string can be written to");
        }
        text
    }
}

/// The file that the tests of a crate are in.
pub(crate) fn tests_of(directory: &Path) -> PathBuf {
    directory.join("tests/it/main.rs")
}

/// Writes migrations next to a crate, for those who look for them there.
pub(crate) fn write_migrations(directory: &Path, count: usize) -> io::Result<()> {
    for number in 1..=count {
        let sql = match number {
            1 => "create table notes (id bigint generated always as identity primary key, \
                  author text not null, text text not null);"
                .to_owned(),
            _ => format!(
                "create table things_{number} (id bigint primary key, name text not null unique);"
            ),
        };
        let path = directory.join(format!("migrations/{number:04}_generated.sql"));
        write(&path, &sql)?;
    }
    Ok(())
}

/// A path as it stands in a manifest.
pub(crate) fn dependency_on(directory: &str) -> String {
    let path = cargo::root().join(directory);
    format!("{{ path = \"{}\" }}", path.display())
}

/// Leaves a file alone that is right already, so that cargo does not build again.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let directory = path.parent().expect("a file is in a directory");
    fs::create_dir_all(directory)?;
    fs::write(path, text)
}
