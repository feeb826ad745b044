//! What one test on SQLite costs. Nothing but the programs is needed.

use std::{env, fs, io, path::PathBuf};

use super::{Bench, On, Place, Variant, fast, programs_of, slow};
use crate::{Extent, cargo::Optimized, server};

/// The first is what the others are compared with.
const VARIANTS: [Variant; 7] = [
    FILE,
    MEMORY,
    SQLX,
    Variant {
        server: On::Disk,
        ..slow("`#[sqlx::test]`, its files on the disk", "sqlx_test", 1)
    },
    Variant {
        title: "`#[db_test]`, a file, optimized dependencies",
        optimized: Optimized::Dependencies,
        ..FILE
    },
    Variant {
        title: "`#[db_test(isolation = \"memory\")]`, optimized dependencies",
        optimized: Optimized::Dependencies,
        ..MEMORY
    },
    Variant {
        title: "`#[sqlx::test]`, optimized dependencies",
        optimized: Optimized::Dependencies,
        ..SQLX
    },
];

const FILE: Variant = Variant {
    depth_of_300: 1,
    ..fast("`#[db_test]`, a file", "file")
};

const MEMORY: Variant = fast("`#[db_test(isolation = \"memory\")]`", "memory");

const SQLX: Variant = slow("`#[sqlx::test]`", "sqlx_test", 1);

/// Prints one table for each schema.
pub(crate) fn run(extent: Extent) -> io::Result<()> {
    let programs = programs_of(&VARIANTS, "sqlite")?;
    let home = server::scratch("home")?;
    let disk = env::temp_dir().join(format!("dbt-bench-{}-files", std::process::id()));
    fs::create_dir_all(&disk)?;
    let bench = Bench {
        variants: &VARIANTS,
        programs,
        memory: place(home.clone()),
        disk: place(disk.clone()),
        home: home.clone(),
    };
    bench.compare(1, extent.pick(["1", "2", "4", "8"].as_slice(), &["1", "4"]))?;
    bench.compare(300, &["1", "4"])?;
    fs::remove_dir_all(home)?;
    fs::remove_dir_all(disk)
}

/// All files in one directory: db-test's by its variable, and sqlx's because they are in
/// `target/sqlx` of the current one.
fn place(directory: PathBuf) -> Place {
    let home = directory.display().to_string();
    Place {
        variables: vec![("DB_TEST_HOME".to_owned(), home)],
        directory,
    }
}
