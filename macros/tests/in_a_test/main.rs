//! What the compiler says about a test where tests are compiled, which trybuild does not do.
//!
//! The generated code leaves types to be inferred there, and each mistake must still be told once, and
//! at the user's own words.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes the snapshot"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use expect_test::expect;

const MANIFEST: &str = r#"[workspace]

[package]
name = "mistakes"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[[test]]
name = "mistakes"
path = "mistakes.rs"

[dependencies]
db-test = { path = "RUNTIME" }
"#;

/// Writes a crate with the mistakes as a test.
fn write() -> io::Result<PathBuf> {
    let macros = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = macros.parent().expect("the crate is in a workspace");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    let runtime = root.join("runtime");
    fs::create_dir_all(&directory)?;
    let manifest = MANIFEST.replace("RUNTIME", &runtime.to_string_lossy());
    fs::write(directory.join("Cargo.toml"), manifest)?;
    fs::write(directory.join("lib.rs"), "")?;
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    let mistakes = macros.join("tests/in_a_test/mistakes.rs");
    fs::copy(mistakes, directory.join("mistakes.rs"))?;
    Ok(directory)
}

#[test]
fn a_mistake_is_told_once_and_where_it_was_made() {
    let directory = write().expect("the crate can be written");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--tests", "--offline", "--message-format=short"])
        .current_dir(&directory)
        .env("CARGO_TARGET_DIR", directory.join("target"))
        .output()
        .expect("cargo can be started");
    let text = String::from_utf8_lossy(&output.stderr);
    let told = text.lines().filter(|line| line.starts_with("mistakes.rs:"));
    let told: Vec<&str> = told.collect();
    expect![[r#"
        mistakes.rs:11:42: error[E0425]: cannot find type `Clint` in this scope
        mistakes.rs:22:5: error[E0308]: mismatched types: expected `()`, found integer
        mistakes.rs:6:60: error[E0277]: a test cannot take an argument of type `Mine`: not something a test is given
        mistakes.rs:14:61: error[E0277]: `Mine` doesn't implement `Debug`: the trait `Debug` is not implemented for `Mine`"#]].assert_eq(&told.join("\n"));
}
