//! Runs the compiler on one file, with the crates that this test could name.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::normal;

/// The crates that a case may name.
const NAMED: [&str; 4] = ["axum", "db_test", "rstest", "sqlx"];

/// How to compile a case.
pub(crate) struct Compiler {
    arguments: Vec<OsString>,
    /// Where the `Cargo.toml` of the cases is.
    package: PathBuf,
}

impl Compiler {
    pub(crate) fn new() -> Self {
        Self::naming_db_test("db_test", env!("CARGO_MANIFEST_DIR"))
    }

    /// A compiler for the files of a package that has its own name for db-test.
    pub(crate) fn naming_db_test(db_test: &str, package: impl Into<PathBuf>) -> Self {
        let mut arguments: Vec<OsString> = ["--edition=2024", "--emit=metadata", "--color=never"]
            .map(OsString::from)
            .to_vec();
        for artifact in artifacts() {
            let name = artifact["target"]["name"].as_str().unwrap_or_default();
            let name = name.replace('-', "_");
            let files = artifact["filenames"].as_array().into_iter().flatten();
            for file in files.filter_map(Value::as_str).map(Path::new) {
                if file
                    .extension()
                    .is_some_and(|extension| extension == "rmeta")
                {
                    continue;
                }
                if NAMED.contains(&name.as_str()) {
                    let name = if name == "db_test" { db_test } else { &name };
                    arguments.push(format!("--extern={name}={}", file.display()).into());
                }
                if name == "db_test" {
                    let mut directory = file.with_file_name("deps");
                    if !directory.is_dir() {
                        directory = file.with_file_name("");
                    }
                    arguments.push(format!("-Ldependency={}", directory.display()).into());
                }
            }
        }
        let package = package.into();
        Self { arguments, package }
    }

    /// Compiles the cases as tests.
    pub(crate) fn for_tests(mut self) -> Self {
        self.arguments.push("--test".into());
        self
    }

    /// What the compiler says about a case, which it must not accept.
    pub(crate) fn refuses(&self, case: &Path) -> String {
        let (is_accepted, text) = self.run(case);
        assert!(!is_accepted, "{} compiles: {text}", case.display());
        normal::form(&text)
    }

    /// Compiles a case that has no mistake.
    pub(crate) fn accepts(&self, case: &Path) {
        let (is_accepted, text) = self.run(case);
        assert!(is_accepted, "{} does not compile: {text}", case.display());
    }

    fn run(&self, case: &Path) -> (bool, String) {
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(&self.arguments)
            .arg("--crate-name=case")
            .arg("--out-dir")
            .arg(env!("CARGO_TARGET_TMPDIR"))
            .arg(case)
            .env("CARGO_MANIFEST_DIR", &self.package)
            .output()
            .expect("the compiler can be started");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), text)
    }
}

/// What cargo has built for the tests of this crate; it has nothing to build now.
fn artifacts() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    // The build script of `ring` watches what cargo says about the package whose test runs: with
    // it, this cargo and the next one would both build `ring` anew, and all that depends on it.
    for (name, _) in env::vars_os().filter(|(name, _)| describes_a_package(name)) {
        cargo.env_remove(name);
    }
    let output = cargo
        .args(["build", "--tests", "--offline", "--message-format=json"])
        .args(["--package", env!("CARGO_PKG_NAME")])
        .output()
        .expect("cargo can be started");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages
        .filter(|message: &Value| message["reason"] == "compiler-artifact")
        .collect()
}

/// Whether cargo sets this variable for a program that it runs, and reads it nowhere.
fn describes_a_package(variable: &OsStr) -> bool {
    let variable = variable.to_string_lossy();
    variable.starts_with("CARGO_MANIFEST_") || variable.starts_with("CARGO_PKG_")
}
