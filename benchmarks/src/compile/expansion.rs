//! How much text the macros make of one test.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{BODY, KINDS, Kind};
use crate::{cargo, table};

/// How many tests are expanded.
const TESTS: usize = 100;

/// The user's function as it is, and a test that does nothing: what the compiler makes of each
/// test, whatever macro stands above it.
const BARE: Kind = Kind {
    title: "the function, and an empty `#[test]`",
    name: "compile-bare",
    dependencies: KINDS[1].dependencies,
    prelude: KINDS[1].prelude,
    opening: "#[test]\nfn empty_NUMBER() {}\nasync fn test_NUMBER(client: TestServer) {\n",
};

pub(super) fn run() -> io::Result<()> {
    let bare = per_test(&BARE)?;
    let mut rows = vec![vec![
        BARE.title.to_owned(),
        bare.to_string(),
        "—".to_owned(),
    ]];
    for kind in &KINDS {
        let all = per_test(kind)?;
        rows.push(vec![
            kind.title.to_owned(),
            all.to_string(),
            all.saturating_sub(bare).to_string(),
        ]);
    }
    table::print(
        "Expansion",
        &format!(
            "Bytes of a test as the compiler prints it after expansion, without indentation and line breaks \
             (`rustc -Zunpretty=expanded`); the body alone has {} bytes.",
            squeezed(BODY)
        ),
        &[
            "tests",
            "bytes a test",
            "besides the function and the harness's own",
        ],
        &rows,
    );
    Ok(())
}

fn per_test(kind: &Kind) -> io::Result<usize> {
    let none = expanded(&kind.write(0)?.0)?;
    let many = expanded(&kind.write(TESTS)?.0)?;
    Ok(many.saturating_sub(none) / TESTS)
}

fn expanded(crate_dir: &Path) -> io::Result<usize> {
    let subcommand = ["rustc", "--profile", "test", "--test", "it"];
    let output = cargo::command(crate_dir, &subcommand)
        .args(["--", "-Zunpretty=expanded"])
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper()?)
        .output()?;
    if output.status.success() {
        return Ok(squeezed(&String::from_utf8_lossy(&output.stdout)));
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Makes a stable compiler print it, too. The variable is for the crate alone: seen by its
/// dependencies, it would have them built again.
fn wrapper() -> io::Result<PathBuf> {
    let path = cargo::target().join("generated/rustc-with-unstable-options");
    fs::write(&path, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec \"$@\"\n")?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

/// The length without the white space at the ends of lines.
fn squeezed(text: &str) -> usize {
    text.lines().map(|line| line.trim().len()).sum()
}
